import {
  ApplicationFailure,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
  type Client,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { TypedSearchAttributes } from '@temporalio/common';
import {
  attemptedSignal,
  cancelDeliveriesSignal,
  endpointIds,
  EVENT_TYPE,
  resumeSignal,
  TENANT,
  type AttemptSummary,
  type DeliverWebhookInput,
  type DeliveryState,
} from '../workflows/contract.js';
import type { DeliveryStart, WorkflowView, Workflows } from './delivery/workflows.js';

/** Longer than any answer takes from a Temporal that is there. */
const CALL_MS = 10_000;
/** grpc.status: the activity or the workflow is not there, or has ended. */
const NOT_FOUND = 5;

/** What we ask of `deliverWebhook` workflows, through Temporal's client. Every call fails within `CALL_MS`. */
export function createWorkflows(client: Client, taskQueue: string): Workflows {
  const within = <T>(call: () => Promise<T>) => client.withDeadline(Date.now() + CALL_MS, call);
  const { namespace } = client.options;

  const options = (start: DeliveryStart): WorkflowStartOptions & { args: [DeliverWebhookInput] } => {
    const { workflowId, eventType, ...input } = start;
    return {
      workflowId,
      taskQueue,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: `${eventType} to ${input.deliveries.length} endpoint(s)`,
      typedSearchAttributes: new TypedSearchAttributes([
        { key: TENANT, value: input.tenant },
        { key: EVENT_TYPE, value: eventType },
        ...endpointIds(input.deliveries),
      ]),
    };
  };

  return {
    async start(start, { again = false } = {}) {
      const policy = again ? WorkflowIdReusePolicy.ALLOW_DUPLICATE : WorkflowIdReusePolicy.REJECT_DUPLICATE;
      try {
        await within(() =>
          client.workflow.start('deliverWebhook', { ...options(start), workflowIdReusePolicy: policy }),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },

    async resume(start, deliveryIds) {
      try {
        await within(() =>
          client.workflow.signalWithStart('deliverWebhook', {
            ...options(start),
            signal: resumeSignal,
            signalArgs: [deliveryIds],
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },

    async view(workflowId) {
      const handle = client.workflow.getHandle(workflowId);
      try {
        const { status } = await within(() => handle.describe());
        if (status.name !== 'COMPLETED' && status.name !== 'FAILED')
          return { status: status.name, states: [] };
        const states = await within(() => handle.result() as Promise<DeliveryState[]>).catch(statesOfFailure);
        return { status: status.name, states } satisfies WorkflowView;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },

    async cancelDeliveries(workflowId, deliveryIds) {
      await within(() => client.workflow.getHandle(workflowId).signal(cancelDeliveriesSignal, deliveryIds));
    },

    async attemptNow(workflowId, deliveryId) {
      try {
        await within(() =>
          client.workflowService.resetActivity({ namespace, execution: { workflowId }, id: deliveryId }),
        );
      } catch (error) {
        if ((error as { code?: number }).code !== NOT_FOUND) throw error;
        // No attempt of it is scheduled: it waits in its workflow, or for that to be started.
        await within(() => client.workflow.getHandle(workflowId).signal(resumeSignal, [deliveryId])).catch(
          (missing: unknown) => {
            if (!(missing instanceof WorkflowNotFoundError)) throw missing;
          },
        );
      }
    },

    async attempted({ workflowId, runId }, deliveryId: string, attempt: AttemptSummary) {
      await within(() =>
        client.workflow.getHandle(workflowId, runId).signal(attemptedSignal, deliveryId, attempt),
      );
    },
  };
}

function statesOfFailure(error: unknown): DeliveryState[] {
  if (!(error instanceof WorkflowFailedError)) throw error;
  const [states] = error.cause instanceof ApplicationFailure ? (error.cause.details ?? []) : [];
  return Array.isArray(states) ? (states as DeliveryState[]) : [];
}
