import type { StoredEvent } from '../db/events.js';
import type { TemporalEnding } from '../db/temporal-endings.js';
import type { OpenDelivery, OpenWorkflow } from '../db/overdue-deliveries.js';
import { isOpen, type Attempt, type Classification } from '../domain/delivery.js';
import { newId } from '../lib/ids.js';
import type { AttemptSummary, DeliveryState } from '../../workflows/contract.js';
import { recordTold, withLost, type RecordToldDeps } from './attempt-history.js';
import { isProven } from './attempt-proof.js';
import { restartOf, startOf, type PendingAttempt, type WorkflowGateway } from './workflow-gateway.js';

export interface ReconcileWorkflowDeps extends RecordToldDeps {
  workflows: WorkflowGateway;
  getEvent(id: string): Promise<StoredEvent | null>;
  /** Has a delivery looked at again as soon as an attempt under way must have ended. */
  lookAgain(deliveryId: string): Promise<void>;
  /** Answers those that it ended; DELIVERED none that has no attempt which a receiver took. */
  end(
    deliveryIds: string[],
    status: 'DELIVERED' | 'FAILED' | 'CANCELLED',
    reason: string | null,
    ending: TemporalEnding,
  ): Promise<string[]>;
  maxAttempts: number;
}

/** Gets overdue deliveries going again, or ends them as their workflow did. Doing it twice changes nothing more. */
export async function reconcileWorkflow(deps: ReconcileWorkflowDeps, open: OpenWorkflow): Promise<void> {
  const { workflows, log } = deps;
  const isPart = open.workflow_id.startsWith(`${open.event_workflow_id}~p`);
  const fresh = open.deliveries.every((d) => d.attempt_count === 0 || d.lane === 'direct');
  if (fresh && (await (isPart && !open.direct ? startParts(deps, open) : workflows.start(restartOf(open)))))
    return;

  const view = await workflows.view(open.workflow_id);
  const about = { workflow_id: open.workflow_id, workflow_status: view?.status ?? 'NOT_FOUND' };
  // What Temporal ends by itself is lost, not cancelled.
  switch (view?.byServer ? 'LOST' : view?.status) {
    case 'RUNNING': {
      // It waits its turn, was never told that its delivery may go on, or never got it.
      const now = open.deliveries.filter((d) => d.status_reason === 'RESUMED').map((d) => d.id);
      const mayBeMissing = open.direct || open.deliveries.some((d) => d.attempt_count === 0);
      if (now.length > 0 || mayBeMissing) await workflows.carry(restartOf(open), { now });
      for (const pending of view!.pending) {
        const delivery = open.deliveries.find(({ id }) => id === pending.deliveryId);
        if (delivery) await recordMissed(deps, delivery, pending);
      }
      return;
    }
    case 'TERMINATED':
    case 'CANCELLED': {
      const ids = open.deliveries.map((d) => d.id);
      const reason = `workflow ${view!.status.toLowerCase()}`;
      const detail = view!.endedBy ? `${reason} by ${view!.endedBy}` : reason;
      const ended = await deps.end(ids, 'CANCELLED', reason, { action: 'delivery.cancel', detail });
      log.warn({ ...about, delivery_ids: ended }, 'deliveries cancelled: an operator ended their workflow');
      return;
    }
    default: {
      // Its parent is about to start it.
      if (isPart && !view && (await workflows.view(open.event_workflow_id))?.status === 'RUNNING') return;
      const states = new Map(view?.states.map((state) => [state.id, state]));
      const lost: OpenDelivery[] = [];
      for (const delivery of open.deliveries) {
        const state = states.get(delivery.id);
        const told = state !== undefined && !isOpen(state) && (await readBack(deps, delivery, state));
        if (!told) lost.push(delivery);
      }
      if (lost.length === 0) return;
      log.warn(
        { ...about, delivery_ids: lost.map((d) => d.id) },
        'deliveries started again: their workflow is gone',
      );
      await workflows.start(restartOf({ ...open, deliveries: lost }), { again: true });
    }
  }
}

/**
 * Attempts that Temporal knows of and Postgres does not: those whose worker died, above all. The next try would record
 * them too, but may be hours away; when it is due, they tell.
 */
async function recordMissed(
  deps: ReconcileWorkflowDeps,
  delivery: OpenDelivery,
  { trail, tries, maximumTries, underWay, endedAt, nextAt }: PendingAttempt,
): Promise<void> {
  const { id, attempt_count, max_attempts } = delivery;
  if (underWay) return deps.lookAgain(id);
  const entries = withLost(trail, {
    attemptsBefore: max_attempts - maximumTries,
    maxAttempts: max_attempts,
    tries,
    ...(endedAt ? { startedAt: endedAt } : {}),
    ...(nextAt ? { nextAt } : {}),
  });
  for (const { attempt } of entries) {
    if (attempt.number > attempt_count) await recordTold(deps, id, attempt);
  }
}

/** The workflow above an event's parts, which starts them all; false where it was there already. */
async function startParts(deps: ReconcileWorkflowDeps, open: OpenWorkflow): Promise<boolean> {
  const event = await deps.getEvent(open.event_id);
  return event !== null && deps.workflows.start(startOf(event, deps.maxAttempts));
}

/** The outcome that Postgres never got, as far as the workflow still tells it; false where it cannot be one. */
async function readBack(
  deps: ReconcileWorkflowDeps,
  delivery: OpenDelivery,
  state: DeliveryState,
): Promise<boolean> {
  // Anybody who reaches Temporal can make up a state.
  const attempts = state.attempts.filter((attempt) => isProven(deps.secrets, delivery.id, attempt));
  for (const summary of attempts) {
    if (summary.number <= delivery.attempt_count) continue;
    await deps.record({
      deliveryId: delivery.id,
      attempt: attemptOf(summary),
      status: 'IN_PROGRESS',
      reason: null,
      gone: false,
    });
  }
  const status = state.status as 'DELIVERED' | 'FAILED' | 'CANCELLED';
  const ended = await deps.end([delivery.id], status, state.reason, { action: 'delivery.read_back' });
  // Recorded just now, an attempt that a receiver took has ended it already.
  const done = ended.length > 0 || attempts.some((attempt) => attempt.classification === 'DELIVERED');
  const words = done
    ? 'outcome read back from the workflow'
    : 'DELIVERED in its workflow, without an attempt';
  deps.log.warn({ delivery_id: delivery.id, status }, words);
  return done;
}

function attemptOf(summary: AttemptSummary): Attempt {
  const { number, http_status, started_at, next_attempt_at, classification } = summary;
  return {
    ...{ number, http_status, started_at, next_attempt_at },
    id: newId('att', new Date(started_at)),
    classification: classification as Classification,
    latency_ms: 0,
    timings: null,
    remote_address: null,
    error: 'Read back from its workflow, which keeps no more of it.',
    request_headers: {},
    response_headers: {},
    response_body: null,
    truncated: false,
    retry_after: null,
  };
}
