import { ApplicationFailureCategory, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  executeChild,
  isCancellation,
  proxyActivities,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import { partWorkflowId } from '../src/domain/event.js';
import {
  attemptedSignal,
  cancelDeliveriesSignal,
  stateQuery,
  type DeliverWebhookInput,
  type DeliveryInput,
  type DeliveryState,
  type PartState,
} from './contract.js';
import { endpointIds } from './search-attributes.js';
import { addAttempts, deliver, type OpenDelivery } from './delivery.js';

const { listDeliveries, endDeliveries } = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '1 s', maximumInterval: '1 m' },
});

/**
 * Parts whose deliveries have ended take a moment each: so many run at a time, and leave room for other work. After this
 * time the next one is started all the same, because a part with deliveries that are retried stays open for days.
 */
const MAX_PARTS_AT_ONCE = 4;
const NEXT_PART_MS = 2_000;
/** Temporal allows a workflow 2,000 open children. */
const MAX_OPEN_PARTS = 1_500;

/** Delivers one event to all its endpoints, side by side; fails, visibly to operators, if any delivery failed. */
export async function deliverWebhook(input: DeliverWebhookInput): Promise<DeliveryState[] | PartState[]> {
  if (input.parts > 0) return deliverInParts(input);
  if (input.deliveries.length > 0) return deliverAll(input.deliveries);
  const { workflowId } = workflowInfo();
  // A part may be cancelled before it begins: its deliveries are needed to end them.
  const deliveries = await CancellationScope.nonCancellable(() =>
    listDeliveries({ eventId: input.eventId, workflowId }),
  );
  upsertSearchAttributes(endpointIds(deliveries, input.without));
  return deliverAll(deliveries);
}

async function deliverAll(inputs: DeliveryInput[]): Promise<DeliveryState[]> {
  const deliveries = new Map<string, OpenDelivery>(
    inputs.map(({ id, endpointId }) => [
      id,
      {
        state: { id, endpoint_id: endpointId, status: 'PENDING', reason: null, attempts: [] },
        scope: new CancellationScope(),
        cancelled: false,
      },
    ]),
  );
  const states = [...deliveries.values()].map(({ state }) => state);
  setHandler(stateQuery, () => states);
  setHandler(cancelDeliveriesSignal, (ids) => {
    for (const delivery of ids.flatMap((id) => deliveries.get(id) ?? [])) {
      delivery.cancelled = true;
      delivery.scope.cancel();
    }
  });
  setHandler(attemptedSignal, (id, attempt) => {
    const state = deliveries.get(id)?.state;
    if (!state) return;
    addAttempts(state, [attempt]);
    if (state.status === 'PENDING') state.status = 'IN_PROGRESS';
  });

  let open = deliveries.size;
  const failures: Error[] = [];
  for (const delivery of deliveries.values()) {
    void deliver(delivery)
      .catch((error: Error) => failures.push(error))
      .finally(() => (open -= 1));
  }
  // A cancellation ends the deliveries, not the wait for their ends.
  await CancellationScope.nonCancellable(() => condition(() => open === 0));
  const cancelled = failures.find(isCancellation);
  if (cancelled) throw cancelled;
  if (failures[0]) throw failures[0];

  const failed = states.filter((state) => state.status === 'FAILED');
  if (failed.length > 0) {
    const first = `${failed[0]!.id} ${failed[0]!.reason}`;
    throw deliveryFailed(`${failed.length} of ${states.length} deliveries failed: ${first}`, states);
  }
  return states;
}

/** Each part is a child workflow: no history and no input grows with the number of endpoints. */
async function deliverInParts({ parts: count, ...input }: DeliverWebhookInput): Promise<PartState[]> {
  const { workflowId, typedSearchAttributes } = workflowInfo();
  const parts = Array.from({ length: count }, (_, i): PartState => ({
    workflow_id: partWorkflowId(workflowId, i + 1),
    status: 'WAITING',
  }));
  setHandler(stateQuery, () => parts);

  let open = 0;
  const runPart = async (part: PartState) => {
    part.status = 'RUNNING';
    open += 1;
    try {
      await executeChild(deliverWebhook, {
        workflowId: part.workflow_id,
        args: [{ ...input, parts: 0 }],
        typedSearchAttributes,
        workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
        staticSummary: `part of ${count}`,
      });
      part.status = 'COMPLETED';
    } catch (error) {
      // The part runs, or has ended, without this workflow: a delivery that needed one had it started.
      if (error instanceof WorkflowExecutionAlreadyStartedError) part.status = 'ELSEWHERE';
      else part.status = isCancellation(error) ? 'CANCELLED' : 'FAILED';
    }
    open -= 1;
  };
  const running: Promise<void>[] = [];
  try {
    for (const part of parts) {
      await condition(() => open < MAX_PARTS_AT_ONCE, NEXT_PART_MS);
      await condition(() => open < MAX_OPEN_PARTS);
      running.push(runPart(part));
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
  await CancellationScope.nonCancellable(() => Promise.all(running));

  // A cancellation has reached every child by now; the other parts have none.
  if (CancellationScope.current().consideredCancelled) {
    await CancellationScope.nonCancellable(() => cancelParts(input.eventId, parts));
    throw new CancelledFailure('workflow cancelled');
  }
  const failed = parts.filter((part) => part.status === 'FAILED' || part.status === 'CANCELLED');
  if (failed.length > 0) {
    throw deliveryFailed(`Deliveries failed in ${failed.length} of ${parts.length} parts.`, parts);
  }
  return parts;
}

/** Cancels what a cancellation has not reached: parts that are no children, or were cancelled before they began. */
async function cancelParts(eventId: string, parts: PartState[]): Promise<void> {
  for (const part of parts.filter(({ status }) => !['COMPLETED', 'FAILED'].includes(status))) {
    const deliveries = await listDeliveries({ eventId, workflowId: part.workflow_id });
    const deliveryIds = deliveries.map(({ id }) => id);
    await endDeliveries({ deliveryIds, status: 'CANCELLED', reason: 'workflow cancelled', byTemporal: true });
    part.status = 'CANCELLED';
  }
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
