import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { NON_RETRYABLE } from '../src/domain/classify.js';
import type { Attempt } from '../src/domain/delivery.js';
import { DEFAULT_RETRY_POLICY } from '../src/domain/retry-schedule.js';
import type {
  AttemptSummary,
  DeliveryInput,
  DeliveryState,
  SendAttemptFailureDetails,
  SendAttemptResult,
} from './contract.js';

// Own work on Postgres: retried until it is back, apart from sending.
const { recordOutcome, endDeliveries } = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', maximumInterval: '1 m' },
});

/** A delivery that a fault of ours puts off is looked at again after this at most. */
const OWN_FAULT_MAX_MS = 60_000;

/** A delivery on its way: what the query tells of it, what cancels it alone, and whether it was told to go on. */
export interface Carried extends DeliveryInput {
  state: DeliveryState;
  scope: CancellationScope;
  resumed: boolean;
}

/** One delivery: attempts until an end is reached, waiting without losing anything while it is held. */
export async function deliver(delivery: Carried): Promise<void> {
  const { state, scope, maxAttempts, attemptsBefore = 0, notBefore, unrecorded = [] } = delivery;
  try {
    await scope.run(async () => {
      await take(state, { attempts: [], unrecorded });
      const early = notBefore ? Date.parse(notBefore) - Date.now() : 0;
      if (early > 0) await resumed(delivery, early);
      let ownFaults = 0;
      for (let made = attemptsBefore; ;) {
        const result = await attempt(state, made, maxAttempts);
        made += result.attempts.length;
        await take(state, result);
        if (result.kind === 'delivered') {
          state.status = 'DELIVERED';
          return;
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
    });
  } catch (error) {
    if (!isCancellation(error)) return fail(state, error);
    state.status = 'CANCELLED';
    state.reason = 'delivery cancelled';
    if (!CancellationScope.current().consideredCancelled) return;
    state.reason = 'workflow cancelled';
    await CancellationScope.nonCancellable(() =>
      endDeliveries({ deliveryIds: [state.id], status: 'CANCELLED', reason: 'workflow cancelled' }),
    );
    throw error;
  }
}

/** Waits until the delivery is told to go on, or for `ms`. */
async function resumed(delivery: Carried, ms: number | null): Promise<void> {
  await (ms === null ? condition(() => delivery.resumed) : condition(() => delivery.resumed, ms));
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
function attempt(
  state: DeliveryState,
  attemptsBefore: number,
  maxAttempts: number,
): Promise<SendAttemptResult> {
  const { sendAttempt } = proxyActivities<Activities>({
    // What `temporal activity` and our own retry-now name it by; one at a time is open.
    activityId: state.id,
    // The longest deadline of a request (30 s) and the time to record it.
    startToCloseTimeout: '60 s',
    heartbeatTimeout: '15 s',
    // What is on its way is awaited: a receiver that has taken it makes the delivery DELIVERED, not CANCELLED.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      initialInterval: DEFAULT_RETRY_POLICY.initialMs,
      backoffCoefficient: DEFAULT_RETRY_POLICY.coefficient,
      maximumInterval: DEFAULT_RETRY_POLICY.maximumMs,
      maximumAttempts: Math.max(1, maxAttempts - attemptsBefore),
      nonRetryableErrorTypes: [...NON_RETRYABLE],
    },
  });
  return sendAttempt({ deliveryId: state.id, attemptsBefore, maxAttempts });
}

async function fail(state: DeliveryState, error: unknown): Promise<void> {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const known = cause instanceof ApplicationFailure ? cause : undefined;
  state.status = 'FAILED';
  state.reason = cause instanceof TimeoutFailure ? 'WORKER_LOST' : (known?.type ?? 'INTERNAL_ERROR');
  const [told] = (known?.details ?? []) as Partial<SendAttemptFailureDetails>;
  if (told) await take(state, told);
  // Already FAILED where the attempt was recorded; a last try lost with its worker was not.
  await endDeliveries({ deliveryIds: [state.id], status: 'FAILED', reason: state.reason });
}
