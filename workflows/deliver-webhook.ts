import { ApplicationFailureCategory, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  executeChild,
  isCancellation,
  proxyActivities,
  setHandler,
  TimeoutFailure,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { NON_RETRYABLE } from '../src/domain/classify.js';
import type { Attempt } from '../src/domain/delivery.js';
import { DELIVERIES_PER_WORKFLOW, partWorkflowId } from '../src/domain/event.js';
import { DEFAULT_RETRY_POLICY } from '../src/domain/retry-schedule.js';
import {
  attemptedSignal,
  endpointIds,
  resumeSignal,
  stateQuery,
  type AttemptSummary,
  type DeliverWebhookInput,
  type SendAttemptFailureDetails,
  type DeliveryState,
  type PartState,
  type SendAttemptResult,
} from './contract.js';

// Own work on Postgres: retried until it is back, apart from sending.
const { recordOutcome, endDeliveries } = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', maximumInterval: '1 m' },
});

/** Carries one event to all its endpoints, side by side; fails, visibly to operators, when any delivery failed. */
export function deliverWebhook(input: DeliverWebhookInput): Promise<DeliveryState[] | PartState[]> {
  return input.deliveries.length > DELIVERIES_PER_WORKFLOW ? deliverInParts(input) : deliverAll(input);
}

async function deliverAll(input: DeliverWebhookInput): Promise<DeliveryState[]> {
  const states = new Map<string, DeliveryState>(
    input.deliveries.map(({ id, endpointId }) => [
      id,
      { id, endpoint_id: endpointId, status: 'PENDING', reason: null, attempts: [] },
    ]),
  );
  const resumed = new Set<string>();

  setHandler(stateQuery, () => [...states.values()]);
  setHandler(resumeSignal, (ids) => ids.forEach((id) => resumed.add(id)));
  setHandler(attemptedSignal, (id, attempt) => {
    const state = states.get(id);
    if (!state) return;
    addAttempt(state, attempt);
    if (state.status === 'PENDING') state.status = 'IN_PROGRESS';
  });

  const results = await Promise.allSettled(
    input.deliveries.map(({ id, maxAttempts }) => deliver(states.get(id)!, maxAttempts, resumed)),
  );
  const cancelled = results.find((result) => result.status === 'rejected' && isCancellation(result.reason));
  if (cancelled?.status === 'rejected') throw cancelled.reason;
  const broken = results.find((result) => result.status === 'rejected');
  if (broken?.status === 'rejected') throw broken.reason;

  const failed = [...states.values()].filter((state) => state.status === 'FAILED');
  if (failed.length > 0) {
    const first = `${failed[0]!.id} ${failed[0]!.reason}`;
    throw deliveryFailed(`${failed.length} of ${states.size} deliveries failed: ${first}`, [
      ...states.values(),
    ]);
  }
  return [...states.values()];
}

/** Children carry the deliveries, so that no history grows with the number of endpoints. */
async function deliverInParts({ deliveries, ...input }: DeliverWebhookInput): Promise<PartState[]> {
  const { workflowId, typedSearchAttributes } = workflowInfo();
  const parts: (PartState & { carried: DeliverWebhookInput['deliveries'] })[] = [];
  for (let from = 0; from < deliveries.length; from += DELIVERIES_PER_WORKFLOW) {
    const carried = deliveries.slice(from, from + DELIVERIES_PER_WORKFLOW);
    const id = partWorkflowId(workflowId, parts.length + 1);
    parts.push({ workflow_id: id, deliveries: carried.length, status: 'RUNNING', carried });
  }
  const told = () =>
    parts.map(({ workflow_id, deliveries, status }) => ({ workflow_id, deliveries, status }));
  setHandler(stateQuery, told);

  await Promise.all(
    parts.map(async (part) => {
      try {
        await executeChild(deliverWebhook, {
          workflowId: part.workflow_id,
          args: [{ ...input, deliveries: part.carried }],
          typedSearchAttributes: typedSearchAttributes.updateCopy(endpointIds(part.carried)),
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          staticSummary: `${part.deliveries} of ${deliveries.length} endpoints`,
        });
        part.status = 'COMPLETED';
      } catch (error) {
        // Started on its own by a repair: it goes on without us.
        if (error instanceof WorkflowExecutionAlreadyStartedError) return;
        part.status = isCancellation(error) ? 'CANCELLED' : 'FAILED';
      }
    }),
  );
  // A cancellation has reached every child by now.
  if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('workflow cancelled');
  const failed = parts.filter((part) => part.status === 'FAILED' || part.status === 'CANCELLED');
  if (failed.length > 0) {
    throw deliveryFailed(`Deliveries failed in ${failed.length} of ${parts.length} parts.`, told());
  }
  return told();
}

/** Ends the workflow as Failed, for operators to find; nothing of ours has failed. */
function deliveryFailed(message: string, states: DeliveryState[] | PartState[]): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'DELIVERY_FAILED',
    message,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details: [states],
  });
}

/** One delivery: attempts until an end is reached, waiting without losing anything while it is held. */
async function deliver(state: DeliveryState, maxAttempts: number, resumed: Set<string>): Promise<void> {
  try {
    for (let attemptsBefore = 0; ;) {
      const result = await attempt(state, attemptsBefore, maxAttempts);
      attemptsBefore += result.attempts.length;
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
      const go = () => resumed.delete(state.id);
      await (result.retryInMs === null ? condition(go) : condition(go, result.retryInMs));
      state.status = 'IN_PROGRESS';
      state.reason = null;
    }
  } catch (error) {
    if (!isCancellation(error)) return fail(state, error);
    state.status = 'CANCELLED';
    state.reason = 'workflow cancelled';
    await CancellationScope.nonCancellable(() =>
      endDeliveries({ deliveryIds: [state.id], status: 'CANCELLED', reason: 'workflow cancelled' }),
    );
    throw error;
  }
}

/** Adds what an activity did to the state, and records what Postgres missed. */
async function take(
  state: DeliveryState,
  told: { attempts: AttemptSummary[]; unrecorded: Attempt[] },
): Promise<void> {
  for (const attempt of told.attempts) addAttempt(state, attempt);
  if (told.unrecorded.length) await recordOutcome({ deliveryId: state.id, attempts: told.unrecorded });
}

function addAttempt(state: DeliveryState, attempt: AttemptSummary): void {
  if (!state.attempts.some((known) => known.number === attempt.number)) state.attempts.push(attempt);
}

/** The HTTP activity under the retry policy, with the attempts that are left. */
function attempt(
  state: DeliveryState,
  attemptsBefore: number,
  maxAttempts: number,
): Promise<SendAttemptResult> {
  const { sendAttempt } = proxyActivities<Activities>({
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
