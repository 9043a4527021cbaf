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
import { registerSearchAttributes, type TemporalLink } from './temporal.js';

/** Longer than any answer takes from a Temporal that is there. */
const CALL_MS = 10_000;
/** grpc.status: what we ask for cannot be. */
const INVALID_ARGUMENT = 3;
/** grpc.status: the activity or the workflow is not there, or has ended. */
const NOT_FOUND = 5;

/** What we ask of `deliverWebhook` workflows, through Temporal's client. Every call fails within `CALL_MS`. */
export function createWorkflows(link: TemporalLink, taskQueue: string): Workflows {
  /** Throws while Temporal never answered. */
  const within = async <T>(call: (client: Client) => Promise<T>) => {
    const { client } = link.now();
    return client.withDeadline(Date.now() + CALL_MS, () => call(client));
  };

  /** A server that came back empty knows our search attributes no more: registered again, the next try succeeds. */
  const failed = async (error: unknown): Promise<never> => {
    const cause = (error as { cause?: { code?: number } }).cause;
    if (cause?.code === INVALID_ARGUMENT) {
      const { connection, client } = link.now();
      await registerSearchAttributes(connection, client.options.namespace).catch(() => {});
    }
    throw error;
  };

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
        await within((client) =>
          client.workflow.start('deliverWebhook', { ...options(start), workflowIdReusePolicy: policy }),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        return failed(error);
      }
    },

    async resume(start, deliveryIds) {
      try {
        await within((client) =>
          client.workflow.signalWithStart('deliverWebhook', {
            ...options(start),
            signal: resumeSignal,
            signalArgs: [deliveryIds],
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        return failed(error);
      }
    },

    async view(workflowId) {
      try {
        const { status } = await within((client) => client.workflow.getHandle(workflowId).describe());
        if (status.name !== 'COMPLETED' && status.name !== 'FAILED')
          return { status: status.name, states: [] };
        const states = await within(
          (client) => client.workflow.getHandle(workflowId).result() as Promise<DeliveryState[]>,
        ).catch(statesOfFailure);
        return { status: status.name, states } satisfies WorkflowView;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return null;
        throw error;
      }
    },

    async cancelDeliveries(workflowId, deliveryIds) {
      await within((client) =>
        client.workflow.getHandle(workflowId).signal(cancelDeliveriesSignal, deliveryIds),
      );
    },

    async attemptNow(workflowId, deliveryId) {
      try {
        await within((client) =>
          client.workflowService.resetActivity({
            namespace: client.options.namespace,
            execution: { workflowId },
            id: deliveryId,
          }),
        );
      } catch (error) {
        if ((error as { code?: number }).code !== NOT_FOUND) throw error;
        // No attempt of it is scheduled: it waits in its workflow, or for that to be started.
        await within((client) =>
          client.workflow.getHandle(workflowId).signal(resumeSignal, [deliveryId]),
        ).catch((missing: unknown) => {
          if (!(missing instanceof WorkflowNotFoundError)) throw missing;
        });
      }
    },

    async attempted({ workflowId, runId }, deliveryId: string, attempt: AttemptSummary) {
      await within((client) =>
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
