import { audit, type Actor } from '../db/audit.js';
import { getDelivery, redeliver, type DeliveryWithAttempts, type StoredDelivery } from '../db/deliveries.js';
import { attemptNow } from '../db/open-deliveries/index.js';
import type { RequestKey } from '../db/request-keys.js';
import { isOpen } from '../domain/delivery.js';
import type { AppDeps } from './app-deps.js';
import { createOnce } from './once.js';
import { Problem } from './problem.js';

interface By {
  actor: Actor;
  reason: string | null;
  key: RequestKey | null;
}

type Retry = (deps: AppDeps, delivery: DeliveryWithAttempts, by: By) => Promise<Retried>;

/** The delivery retried or made, or the id of the one that an earlier request with the key is about. */
type Retried = { made: DeliveryWithAttempts } | { knownId: string };

/** An open delivery is attempted now; an ended one is delivered again, or refused with `onlyOpen`. */
export function retryDelivery(
  deps: AppDeps,
  delivery: DeliveryWithAttempts,
  by: By,
  onlyOpen: boolean,
): Promise<Retried> {
  const retryEnded = onlyOpen ? refuseEnded : again;
  return isOpen(delivery) ? retryNow(deps, delivery, by, retryEnded) : retryEnded(deps, delivery, by);
}

/** Makes the next attempt due now. Where one is under way already, that one is meant. */
async function retryNow(
  deps: AppDeps,
  delivery: DeliveryWithAttempts,
  { key, ...by }: By,
  retryEnded: Retry,
): Promise<Retried> {
  const { id, status, status_reason, workflow_id, workflow_started } = delivery;
  if (status === 'HELD') {
    const reason = status_reason && deps.shownReason(status_reason);
    throw new Problem(409, 'delivery_held', `It is held (${reason}): resume that instead.`);
  }
  // The key stands for this delivery: once the delivery has ended, the same request must not make another.
  const result = await createOnce(
    deps.pool,
    key,
    async (db) => {
      const moved = await attemptNow(db, id);
      const now = (await getDelivery(db, id)) ?? delivery;
      if (now.completed_at === null) {
        const about = { action: 'delivery.retry', object: id, tenant: now.tenant };
        await audit(db, { ...by, ...about, before: progressOf(delivery), after: progressOf(now) });
      }
      return { moved, now };
    },
    ({ now }) => (now.completed_at === null ? id : null),
  );
  if ('knownId' in result) return result;
  const { moved, now } = result.made;
  if (now.completed_at !== null) return retryEnded(deps, now, { key, ...by });
  if (moved && workflow_started && deps.workflowMode !== 'none') {
    // A poller makes the attempt. A workflow that is not told finds out at the time of the attempt it waited for.
    deps.workflows.lookNow(workflow_id, id, now.attempt_count).catch((error: unknown) => {
      deps.log.info({ err: error, delivery_id: id }, 'retry not told to the workflow');
    });
  }
  return { made: now };
}

const progressOf = ({ status, attempt_count, next_attempt_at }: StoredDelivery) => ({
  status,
  attempt_count,
  next_attempt_at,
});

const refuseEnded: Retry = (_deps, { status }) =>
  Promise.reject(new Problem(409, 'delivery_ended', `It has ended: ${status}.`));

/** An ended delivery never changes: a new delivery of the same event follows it. */
async function again(deps: AppDeps, source: DeliveryWithAttempts, { key, ...by }: By): Promise<Retried> {
  requireEnded(source);
  const result = await createOnce(
    deps.pool,
    key,
    async (db) => {
      const { maxAttempts, workflowMode } = deps;
      const made = await redeliver(db, source, { ...by, maxAttempts, workflow: workflowMode === 'all' });
      if (made && !isOpen(made)) requireEnded(made);
      return made;
    },
    (delivery) => delivery && delivery.id,
  );
  if ('knownId' in result) return result;
  const { made } = result;
  if (made === null) throw new Problem(409, 'endpoint_deleted', 'Its endpoint is deleted.');
  return { made };
}

/** A delivery cancelled during an attempt ends with that attempt, which may still deliver it. */
function requireEnded({ status, completed_at }: DeliveryWithAttempts): void {
  if (completed_at !== null) return;
  throw new Problem(
    409,
    'delivery_ending',
    `It is ${status} once its attempt under way has ended. Try again.`,
  );
}
