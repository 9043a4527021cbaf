import { ApplicationFailureCategory, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  executeChild,
  isCancellation,
  setHandler,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { DELIVERIES_PER_WORKFLOW, partWorkflowId } from '../src/domain/event.js';
import {
  attemptedSignal,
  cancelDeliveriesSignal,
  carrySignal,
  endpointIds,
  resumeSignal,
  stateQuery,
  type DeliverWebhookInput,
  type DeliveryInput,
  type DeliveryState,
  type PartState,
} from './contract.js';
import { addAttempt, deliver, type Carried } from './delivery.js';

/** Carries one event to all its endpoints, side by side; fails, visibly to operators, when any delivery failed. */
export function deliverWebhook(input: DeliverWebhookInput): Promise<DeliveryState[] | PartState[]> {
  return input.deliveries.length > DELIVERIES_PER_WORKFLOW ? deliverInParts(input) : deliverAll(input);
}

async function deliverAll(input: DeliverWebhookInput): Promise<DeliveryState[]> {
  const carried = new Map<string, Carried>();
  const states: DeliveryState[] = [];
  const under: Promise<void>[] = [];
  const carry = (deliveries: DeliveryInput[]) => {
    for (const delivery of deliveries) {
      if (carried.has(delivery.id)) continue;
      const state: DeliveryState = {
        id: delivery.id,
        endpoint_id: delivery.endpointId,
        status: delivery.ended?.status ?? 'PENDING',
        reason: delivery.ended?.reason ?? null,
        attempts: delivery.attempts ?? [],
      };
      const one = { ...delivery, state, scope: new CancellationScope(), resumed: false };
      carried.set(delivery.id, one);
      states.push(state);
      if (!delivery.ended) under.push(deliver(one));
    }
  };

  setHandler(stateQuery, () => states);
  const resume = (ids: string[]) => {
    for (const id of ids) if (carried.has(id)) carried.get(id)!.resumed = true;
  };
  setHandler(resumeSignal, resume);
  setHandler(cancelDeliveriesSignal, (ids) => ids.forEach((id) => carried.get(id)?.scope.cancel()));
  setHandler(attemptedSignal, (id, attempt) => {
    const state = carried.get(id)?.state;
    if (!state) return;
    addAttempt(state, attempt);
    if (state.status === 'PENDING') state.status = 'IN_PROGRESS';
  });
  carry(input.deliveries);
  setHandler(carrySignal, (deliveries, now = []) => {
    carry(deliveries);
    resume(now);
  });

  const results: PromiseSettledResult<void>[] = [];
  while (results.length < under.length) {
    results.push(...(await Promise.allSettled(under.slice(results.length))));
  }
  const cancelled = results.find((result) => result.status === 'rejected' && isCancellation(result.reason));
  if (cancelled?.status === 'rejected') throw cancelled.reason;
  const broken = results.find((result) => result.status === 'rejected');
  if (broken?.status === 'rejected') throw broken.reason;

  const failed = states.filter((state) => state.status === 'FAILED');
  if (failed.length > 0) {
    const first = `${failed[0]!.id} ${failed[0]!.reason}`;
    throw deliveryFailed(`${failed.length} of ${states.length} deliveries failed: ${first}`, states);
  }
  return states;
}

/** Children carry the deliveries, so that no history grows with the number of endpoints. */
async function deliverInParts({ deliveries, ...input }: DeliverWebhookInput): Promise<PartState[]> {
  const { workflowId, typedSearchAttributes } = workflowInfo();
  const parts: (PartState & { carried: DeliveryInput[] })[] = [];
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
