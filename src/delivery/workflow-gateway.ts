import type { StoredEvent } from '../db/events.js';
import type { EndedWorkflow } from '../db/ended-workflow.js';
import type { OpenWorkflow } from '../db/overdue-deliveries.js';
import type { Attempt } from '../domain/delivery.js';
import { summarize } from '../../workflows/contract.js';
import type {
  AttemptSummary,
  DeliverWebhookInput,
  DeliveryState,
  KeptAttempt,
  Trail,
} from '../../workflows/contract.js';

/** What starting a workflow takes: its input, its id, and the type operators search by. */
export interface DeliveryStart extends DeliverWebhookInput {
  workflowId: string;
  eventType: string;
  /** Of the replay batch that made its deliveries. */
  batchId?: string | null;
}

/** A workflow as Temporal knows it. */
export interface WorkflowView {
  /** Temporal's own word: RUNNING, COMPLETED, FAILED, CANCELLED, TERMINATED … */
  status: string;
  /** How its deliveries ended, where it says so. */
  states: DeliveryState[];
  /** Attempts it waits for. */
  pending: PendingAttempt[];
  /** Temporal itself terminated it, as one that grew past its limits. */
  byServer: boolean;
  /** Identity that the terminating client gave; null unless it was terminated. */
  endedBy: string | null;
}

/** What Temporal knows of a delivery's activity. */
export interface PendingAttempt {
  deliveryId: string;
  /** Tries that have ended, and how many there may be. */
  tries: number;
  maximumTries: number;
  /** What the tries told of. */
  trail: Trail | null;
  underWay: boolean;
  /** When the last try ended. */
  endedAt: Date | null;
  /** When the next is due. */
  nextAt: Date | null;
}

/** Temporal does not answer, or has too much to do; asking for something else would not help. */
export class TemporalAwayError extends Error {}

/** What delivering asks of Temporal. A call that rejects changed nothing, or nothing that asking again would double. */
export interface WorkflowGateway {
  /** False where a workflow of this id is there already, running or ended; `again`: only a running one counts. */
  start(start: DeliveryStart, options?: { again?: boolean }): Promise<boolean>;
  /**
   * Has these deliveries carried by their workflow, which is started where it does not run; those of `now` go on at once.
   * False where it has ended, unless `again`: then another follows it.
   */
  carry(start: DeliveryStart, options?: { now?: string[]; again?: boolean }): Promise<boolean>;
  /** Null where Temporal knows none of this id. */
  view(workflowId: string): Promise<WorkflowView | null>;
  /** Temporal's word for how a workflow is, as in WorkflowView; null where it knows none of this id. */
  statusOf(workflowId: string): Promise<string | null>;
  cancelDeliveries(workflowId: string, deliveryIds: string[]): Promise<void>;
  /** Makes the next attempt of a delivery that waits for it; false where no workflow carries it. */
  attemptNow(workflowId: string, deliveryId: string): Promise<boolean>;
  /** Tells the workflow of a failed attempt while its activity goes on retrying. */
  attempted(
    execution: { workflowId: string; runId: string },
    deliveryId: string,
    attempt: AttemptSummary,
  ): Promise<void>;
  /** Starts the workflow of a batch, or tells it that the batch's row says something new. */
  carryBatch(batchId: string): Promise<void>;
  /** Cancels the workflow of a batch that is CANCELLED in its row. */
  cancelBatch(batchId: string): Promise<void>;
}

/** The workflow of an event just accepted. */
export const startOf = (event: StoredEvent, maxAttempts: number): DeliveryStart => ({
  workflowId: event.workflow_id,
  eventType: event.type,
  eventId: event.id,
  tenant: event.tenant,
  deliveries: event.deliveries.map((d) => ({ id: d.id, endpointId: d.endpoint_id, maxAttempts })),
});

/** A workflow that only tells how its deliveries have ended. `prove`: withProof. */
export const recordOf = (
  ended: EndedWorkflow,
  prove: (deliveryId: string, attempt: Attempt) => KeptAttempt,
): DeliveryStart => ({
  workflowId: ended.workflow_id,
  eventType: ended.event_type,
  eventId: ended.event_id,
  tenant: ended.tenant,
  deliveries: ended.deliveries.map((d) => ({
    id: d.id,
    endpointId: d.endpoint_id,
    maxAttempts: d.max_attempts,
    attemptsBefore: d.attempt_count,
    attempts: d.attempts.map((attempt) => summarize(prove(d.id, attempt))),
    ended: { status: d.status, reason: d.status_reason },
  })),
});

/** A workflow for what is still open, going on where the history ends. */
export const restartOf = (open: OpenWorkflow): DeliveryStart => ({
  workflowId: open.workflow_id,
  eventType: open.event_type,
  eventId: open.event_id,
  tenant: open.tenant,
  batchId: open.batch_id,
  deliveries: open.deliveries.map((d) => ({
    id: d.id,
    endpointId: d.endpoint_id,
    maxAttempts: d.max_attempts,
    ...(d.attempt_count > 0 ? { attemptsBefore: d.attempt_count } : {}),
    ...(d.wait_ms > 0 ? { waitMs: d.wait_ms } : {}),
  })),
});
