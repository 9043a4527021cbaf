import { ApplicationFailureCategory, WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  executeChild,
  isCancellation,
  patched,
  setHandler,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import { DELIVERIES_PER_WORKFLOW, partWorkflowId } from '../src/domain/event.js';
import { isOpen } from '../src/domain/delivery.js';
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
import { addAttempt, after, carriedOn, deliver, type Carried } from './delivery.js';

/** Carries one event to all its endpoints, side by side; fails, visibly to operators, when any delivery failed. */
export function deliverWebhook(input: DeliverWebhookInput): Promise<DeliveryState[] | PartState[]> {
  return input.deliveries.length > DELIVERIES_PER_WORKFLOW ? deliverInParts(input) : deliverAll(input);
}

async function deliverAll(input: DeliverWebhookInput): Promise<DeliveryState[]> {
  const carried = new Map<string, Carried>();
  const states: DeliveryState[] = [];
  const failures: Error[] = [];
  let open = 0;
  let moving = false;
  const carry = (deliveries: DeliveryInput[], toldAt: number) => {
    for (const { waitMs, ...delivery } of deliveries) {
      if (carried.has(delivery.id)) continue;
      if (waitMs !== undefined) delivery.notBefore = after(toldAt, waitMs);
      const state: DeliveryState = {
        id: delivery.id,
        endpoint_id: delivery.endpointId,
        status: delivery.ended?.status ?? 'PENDING',
        reason: delivery.ended?.reason ?? null,
        attempts: delivery.attempts ?? [],
      };
      const made = delivery.attemptsBefore ?? 0;
      const scope = new CancellationScope();
      const one = { ...delivery, state, scope, made, resumed: false, cancelled: false };
      carried.set(delivery.id, one);
      states.push(state);
      if (delivery.ended) continue;
      if (moving) scope.cancel();
      open += 1;
      void deliver(one)
        .catch((error: Error) => failures.push(error))
        .finally(() => (open -= 1));
    }
  };

  setHandler(stateQuery, () => states);
  const resume = (ids: string[]) => {
    for (const id of ids) if (carried.has(id)) carried.get(id)!.resumed = true;
  };
  setHandler(resumeSignal, resume);
  setHandler(cancelDeliveriesSignal, (ids) => {
    for (const one of ids.flatMap((id) => carried.get(id) ?? [])) {
      one.cancelled = true;
      one.scope.cancel();
    }
  });
  setHandler(attemptedSignal, (id, attempt) => {
    const state = carried.get(id)?.state;
    if (!state) return;
    addAttempt(state, attempt);
    if (state.status === 'PENDING') state.status = 'IN_PROGRESS';
  });
  carry(input.deliveries, workflowInfo().runStartTime.getTime());
  setHandler(carrySignal, (deliveries, now = []) => {
    carry(deliveries, Date.now());
    resume(now);
  });

  const full = () => workflowInfo().continueAsNewSuggested;
  // A cancellation ends the deliveries, not the wait for their ends.
  const until = (met: () => boolean) => CancellationScope.nonCancellable(() => condition(met));
  await until(() => open === 0 || full());
  if (open > 0 && patched('moves-on')) {
    // A history has an end, and a delivery has not while a fault of ours puts it off: another run goes on.
    moving = true;
    for (const { scope } of carried.values()) scope.cancel();
  }
  await until(() => open === 0);
  const cancelled = failures.find(isCancellation);
  if (cancelled) throw cancelled;
  if (failures[0]) throw failures[0];
  if (moving && states.some(isOpen)) {
    // Cancelled in the same moment: nobody must carry on what the sweeper then ends as cancelled.
    if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('workflow cancelled');
    await continueAsNew<typeof deliverWebhook>({
      ...input,
      deliveries: [...carried.values()].map(carriedOn),
    });
  }

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
          typedSearchAttributes: typedSearchAttributes.updateCopy(endpointIds(part.carried, input.without)),
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
