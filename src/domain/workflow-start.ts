/** A workflow to start: the deliveries it is responsible for, or the number of parts that have a workflow each. */
export interface WorkflowStart {
  workflow_id: string;
  event_id: string;
  event_type: string;
  tenant: string;
  batch_id: string | null;
  deliveries: { id: string; endpoint_id: string }[];
  parts: number;
}
