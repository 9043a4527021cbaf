import type { WorkflowStart } from '../domain/workflow-start.js';
import type { AttemptSummary } from '../../workflows/contract.js';

/** A workflow as Temporal knows it. */
export interface WorkflowView {
  /** Temporal's own word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED … */
  status: string;
  /** Temporal itself terminated it, as one that grew past its limits. */
  byServer: boolean;
  /** Identity that the terminating client gave; null unless it was terminated. */
  endedBy: string | null;
  /** An operator paused the activity of the delivery. */
  isPaused: boolean;
}

/** Temporal does not answer, or has too much to do; asking for something else would not help. */
export class TemporalAwayError extends Error {}

/** Calls of Temporal that delivering needs. A call that rejects changed nothing, or nothing that asking again would double. */
export interface WorkflowGateway {
  /** False if a workflow of this id exists already, running or ended. */
  start(start: WorkflowStart): Promise<boolean>;
  /** Null if Temporal knows no workflow of this id. */
  view(workflowId: string, deliveryId: string): Promise<WorkflowView | null>;
  /** Temporal's word for a workflow's status, as in WorkflowView; null if it knows none of this id. */
  statusOf(workflowId: string): Promise<string | null>;
  cancelDeliveries(workflowId: string, deliveryIds: string[]): Promise<void>;
  /**
   * Has a delivery's activity look at it now: its next attempt is made, or was, earlier than the activity knows. Without
   * effect if the activity knows of more than so many attempts. Waits for a try under way.
   */
  lookNow(workflowId: string, deliveryId: string, attempts: number): Promise<void>;
  /** Signals a failed attempt to the workflow while its activity goes on retrying. */
  attempted(
    execution: { workflowId: string; runId: string },
    deliveryId: string,
    attempt: AttemptSummary,
  ): Promise<void>;
  /** Starts the workflow of a batch, or signals it that the batch's row has changed. */
  signalWithStartBatch(batchId: string): Promise<void>;
  /** Cancels the workflow of a batch that is CANCELLED in its row. */
  cancelBatch(batchId: string): Promise<void>;
}
