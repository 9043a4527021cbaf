import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  proxyActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { NON_RETRYABLE } from '../src/domain/classify.js';
import { DEFAULT_RETRY_POLICY } from '../src/domain/retry-schedule.js';
import {
  hasAttempts,
  isSendAttemptResult,
  type AttemptSummary,
  type DeliveryState,
  type SendAttemptResult,
} from './contract.js';

// Own work on Postgres: retried until it is back, apart from sending.
const { endDeliveries, auditCompleted } = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', maximumInterval: '1 m' },
});
// If the process that made the attempt dies, it has to be recorded within 10 s: then the process counts as dead, and another
// one attempts the delivery again.
const { recordOutcome } = proxyActivities<Activities>({
  startToCloseTimeout: '5 s',
  retry: { initialInterval: '500 ms', maximumInterval: '3 s' },
});

/** A delivery that has not ended: the state that the query shows, and what cancels it. */
export interface OpenDelivery {
  state: DeliveryState;
  scope: CancellationScope;
  /** By the signal: it is CANCELLED in Postgres already. */
  cancelled: boolean;
}

/** Runs one delivery to its end. */
export async function deliver(delivery: OpenDelivery): Promise<void> {
  const { state, scope } = delivery;
  try {
    await scope.run(() => untilEnded(state));
  } catch (error) {
    await endEarly(delivery, error);
  }
  if (delivery.cancelled && state.status !== 'DELIVERED')
    Object.assign(state, { status: 'CANCELLED', reason: 'delivery cancelled' });
}

async function untilEnded(state: DeliveryState): Promise<void> {
  for (;;) {
    const result = await sendAttempt(state.id);
    if (!isSendAttemptResult(result)) {
      // Completed by hand: no receiver took the event, so the delivery goes on.
      await auditCompleted({ deliveryId: state.id });
      continue;
    }
    addAttempts(state, result.attempts);
    if (result.kind === 'ended') {
      Object.assign(state, { status: result.status, reason: result.reason });
      return;
    }
    const { record } = result;
    // The attempt was made, whatever is cancelled meanwhile.
    await CancellationScope.nonCancellable(() => recordOutcome({ deliveryId: state.id, ...record }));
  }
}

/** The HTTP activity under the retry policy, from try to try until the delivery ends. */
function sendAttempt(id: string): Promise<SendAttemptResult> {
  const { sendAttempt: send } = proxyActivities<Activities>({
    // The id that `temporal activity` takes; one at a time is open.
    activityId: id,
    // Waiting for a turn (20 s), the longest deadline of a request (30 s) and the time to record it.
    startToCloseTimeout: '2 m',
    heartbeatTimeout: '15 s',
    // A request under way is awaited: a receiver that has taken it makes the delivery DELIVERED, not CANCELLED.
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    retry: {
      // For tries that died with their worker; all others give the exact delay.
      initialInterval: DEFAULT_RETRY_POLICY.initialMs,
      backoffCoefficient: DEFAULT_RETRY_POLICY.coefficient,
      maximumInterval: DEFAULT_RETRY_POLICY.maximumMs,
      // Attempts are counted in Postgres: a try may also wait for a pause, or find an attempt made elsewhere.
      nonRetryableErrorTypes: [...NON_RETRYABLE],
    },
  });
  return send({ deliveryId: id });
}

/** A later report of an attempt replaces an earlier one: an assumed WORKER_LOST may turn out to be an answer. */
export function addAttempts(state: DeliveryState, attempts: AttemptSummary[]): void {
  const known = new Map([...state.attempts, ...attempts].map((attempt) => [attempt.number, attempt]));
  state.attempts = [...known.values()].sort((a, b) => a.number - b.number);
}

/** The activity failed or was cancelled. A failure of `sendAttempt` itself means that Postgres has the end already. */
async function endEarly({ state, scope, cancelled }: OpenDelivery, error: unknown): Promise<void> {
  const workflowCancelled = CancellationScope.current().consideredCancelled;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  const failure = cause instanceof ApplicationFailure ? cause : undefined;
  const [details] = failure?.details ?? [];
  if (hasAttempts(details)) {
    addAttempts(state, details.attempts);
    Object.assign(state, { status: 'FAILED', reason: details.reason ?? failure!.type });
    return;
  }
  const end = async (status: 'FAILED' | 'CANCELLED', reason: string, byTemporal = true) => {
    Object.assign(state, { status, reason });
    await CancellationScope.nonCancellable(() =>
      endDeliveries({ deliveryIds: [state.id], status, reason, byTemporal }),
    );
  };
  // Cancelled between two attempts: the failure of the last one is not the end.
  if (scope.consideredCancelled) {
    if (cancelled) return;
    await end('CANCELLED', 'workflow cancelled');
    if (workflowCancelled) throw new CancelledFailure('workflow cancelled');
    return;
  }
  // Our failures have a type; `temporal activity fail` gives none.
  if (failure && !failure.type) return end('FAILED', 'activity failed by hand');
  await end('FAILED', failure?.type ?? 'INTERNAL_ERROR', false);
}
