import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  patched,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { NON_RETRYABLE } from '../src/domain/classify.js';
import { isOpen, type Attempt } from '../src/domain/delivery.js';
import { DEFAULT_RETRY_POLICY } from '../src/domain/retry-schedule.js';
import {
  isSendAttemptResult,
  isTold,
  type AttemptSummary,
  type DeliveryInput,
  type DeliveryState,
  type SendAttemptResult,
  type Trail,
} from './contract.js';

// Own work on Postgres: retried until it is back, apart from sending.
const { recordOutcome, recordLost, endDeliveries, auditCompleted } = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', maximumInterval: '1 m' },
});

/** A delivery that a fault of ours puts off is looked at again after this at most. */
const OWN_FAULT_MAX_MS = 60_000;
/** An attempt of an activity that was completed by hand has ended after this at the latest. */
const UNDER_WAY_MS = 60_000;
/** A held one asks by itself so often: one that was cancelled while nobody could tell us finds out. */
const HELD_ASKS_MS = 24 * 60 * 60 * 1000;

/** A delivery on its way: what the query tells of it, what cuts it short, and whether it was told to go on. */
export interface Carried extends DeliveryInput {
  state: DeliveryState;
  scope: CancellationScope;
  resumed: boolean;
  /** Attempts of activities that have ended, and those before. */
  made: number;
  /** By a signal: its row says so already. Cut short without that, or the whole workflow, it goes on in another run. */
  cancelled: boolean;
}

/** One delivery: attempts until an end is reached, waiting without losing anything while it is held. */
export async function deliver(delivery: Carried): Promise<void> {
  const { state, scope } = delivery;
  try {
    await scope.run(() => makeAttempts(delivery));
  } catch (error) {
    await endEarly(delivery, error);
  }
  // Its row stays as it is, unless a receiver has taken it all the same.
  if (delivery.cancelled && state.status !== 'DELIVERED')
    Object.assign(state, { status: 'CANCELLED', reason: 'delivery cancelled' });
}

async function makeAttempts(delivery: Carried): Promise<void> {
  const { state, unrecorded = [] } = delivery;
  await take(state, { attempts: [], unrecorded });
  for (let ownFaults = 0; ;) {
    const early = delivery.notBefore ? Date.parse(delivery.notBefore) - Date.now() : 0;
    if (early > 0) await resumed(delivery, early);
    delete delivery.notBefore;
    const result = await attempt(delivery);
    if (!isSendAttemptResult(result) && patched('completed-by-hand')) {
      await setAside(delivery);
      continue;
    }
    delivery.made += result.attempts.length;
    await take(state, result);
    if (result.kind === 'delivered') {
      state.status = 'DELIVERED';
      return;
    }
    if (result.kind === 'retry') {
      delivery.notBefore = result.waitMs === undefined ? result.notBefore : after(Date.now(), result.waitMs);
      continue;
    }
    state.reason = result.reason;
    if (result.kind === 'ended') {
      state.status = result.status;
      return;
    }
    state.status = 'HELD';
    // Ever longer: every wait adds to a history that has an end.
    const waitMs = result.retryInMs && Math.min(result.retryInMs * 2 ** ownFaults++, OWN_FAULT_MAX_MS);
    if (waitMs === null) ownFaults = 0;
    await resumed(delivery, waitMs);
    state.status = 'IN_PROGRESS';
    state.reason = null;
  }
}

/** A wait as a time of Temporal's clock, ISO 8601 UTC. */
export const after = (startMs: number, waitMs: number) => new Date(startMs + waitMs).toISOString();

/** Its activity was completed by hand: no receiver took the event, so the next attempt is made in its time. */
async function setAside(delivery: Carried): Promise<void> {
  const { id, made, state } = delivery;
  await auditCompleted({ deliveryId: id });
  const last = state.attempts.at(-1);
  delivery.made = Math.max(made, last?.number ?? 0);
  const next = Date.parse(last?.next_attempt_at ?? '');
  // Where none is planned, one may be under way.
  delivery.notBefore = after(Date.now(), next > Date.now() ? next - Date.now() : UNDER_WAY_MS);
}

/** Waits until the delivery is told to go on, or for `ms`. */
async function resumed(delivery: Carried, ms: number | null): Promise<void> {
  const most = ms ?? (patched('held-asks') ? HELD_ASKS_MS : null);
  await (most === null ? condition(() => delivery.resumed) : condition(() => delivery.resumed, most));
  delivery.resumed = false;
}

/** Adds what an activity did to the state, and records what Postgres missed. */
async function take(
  state: DeliveryState,
  told: { attempts: AttemptSummary[]; unrecorded: Attempt[] },
): Promise<void> {
  for (const attempt of told.attempts) addAttempt(state, attempt);
  if (told.unrecorded.length === 0) return;
  // What was sent is recorded, whatever was cancelled since.
  await CancellationScope.nonCancellable(() =>
    recordOutcome({ deliveryId: state.id, attempts: told.unrecorded }),
  );
}

export function addAttempt(state: DeliveryState, attempt: AttemptSummary): void {
  if (!state.attempts.some((known) => known.number === attempt.number)) state.attempts.push(attempt);
}

/** The HTTP activity under the retry policy, with the attempts that are left. */
function attempt({ id, made, maxAttempts }: Carried): Promise<SendAttemptResult> {
  const { sendAttempt } = proxyActivities<Activities>({
    // What `temporal activity` and our own retry-now name it by; one at a time is open.
    activityId: id,
    // The longest deadline of a request (30 s) and the time to record it.
    startToCloseTimeout: '60 s',
    heartbeatTimeout: '15 s',
    // What is on its way is awaited: a receiver that has taken it makes the delivery DELIVERED, not CANCELLED.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: DEFAULT_RETRY_POLICY.initialMs,
      backoffCoefficient: DEFAULT_RETRY_POLICY.coefficient,
      maximumInterval: DEFAULT_RETRY_POLICY.maximumMs,
      maximumAttempts: Math.max(1, maxAttempts - made),
      nonRetryableErrorTypes: [...NON_RETRYABLE],
    },
  });
  return sendAttempt({ deliveryId: id, attemptsBefore: made, maxAttempts });
}

/** Its attempts were cut short, by the last of them or from outside: recorded, ended, or left for the next run. */
async function endEarly(delivery: Carried, error: unknown): Promise<void> {
  const { state, scope, cancelled } = delivery;
  const workflowCancelled = CancellationScope.current().consideredCancelled;
  const failed = !isCancellation(error);
  if (failed && workflowCancelled && !patched('ends-after-cancel')) throw new CancelledFailure('cancelled');
  const end = (status: 'FAILED' | 'CANCELLED', reason: string, byTemporal = true) => {
    Object.assign(state, { status, reason });
    const input = { deliveryIds: [state.id], status, reason, byTemporal };
    return CancellationScope.nonCancellable(() => endDeliveries(input));
  };

  const cause = error instanceof ActivityFailure ? error.cause : error;
  const known = cause instanceof ApplicationFailure ? cause : undefined;
  const [told] = known?.details ?? [];
  if (isTold(told)) await take(state, told);
  const lost = cause instanceof TimeoutFailure;
  if (lost && patched('records-lost')) await takeLost(delivery, error as ActivityFailure, cause);

  // Cut short from outside, a failure that another attempt would have followed is none.
  if (scope.consideredCancelled && !(known?.nonRetryable && !cancelled)) {
    if (workflowCancelled) {
      await end('CANCELLED', 'workflow cancelled');
      throw failed ? new CancelledFailure('workflow cancelled') : error;
    }
    if (cancelled && failed) await end('CANCELLED', 'delivery cancelled');
    return;
  }
  // Our failures have a type; `temporal activity fail` gives none.
  if (known && !known.type) return end('FAILED', 'activity failed by hand');
  // Already FAILED where the attempt was recorded.
  await end('FAILED', lost ? 'WORKER_LOST' : (known?.type ?? 'INTERNAL_ERROR'), false);
}

/** Tries that nobody has told the end of: their worker died. */
async function takeLost(delivery: Carried, failure: ActivityFailure, cause: TimeoutFailure): Promise<void> {
  const { id, made, maxAttempts, state } = delivery;
  const input = {
    deliveryId: id,
    attemptsBefore: made,
    maxAttempts,
    trail: (cause.lastHeartbeatDetails as Trail | undefined) ?? null,
    tries: failure.retryState === 'MAXIMUM_ATTEMPTS_REACHED' ? Math.max(1, maxAttempts - made) : null,
  };
  const attempts = await CancellationScope.nonCancellable(() => recordLost(input));
  for (const attempt of attempts) addAttempt(state, attempt);
}

/** The delivery as the next run of its workflow carries it. */
export function carriedOn({ id, endpointId, maxAttempts, made, state, ...delivery }: Carried): DeliveryInput {
  const { status, reason, attempts } = state;
  const last = attempts.at(-1);
  const notBefore = delivery.resumed ? null : (delivery.notBefore ?? last?.next_attempt_at);
  return {
    ...{ id, endpointId, maxAttempts, attempts },
    attemptsBefore: Math.max(made, last?.number ?? 0),
    ...(notBefore ? { notBefore } : {}),
    ...(isOpen(state) ? {} : { ended: { status, reason } }),
  };
}
