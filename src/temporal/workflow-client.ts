import { setTimeout as sleep } from 'node:timers/promises';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowStartOptions,
} from '@temporalio/client';
import {
  attemptedSignal,
  batchChangedSignal,
  batchWorkflowId,
  cancelDeliveriesSignal,
  type AttemptSummary,
  type DeliverWebhookInput,
} from '../../workflows/contract.js';
import { batchSearchAttributes, searchAttributes } from '../../workflows/search-attributes.js';
import type { WorkflowStart } from '../domain/workflow-start.js';
import { TemporalAwayError, type WorkflowGateway } from '../delivery/workflow-gateway.js';
import type { TemporalLink } from './connection.js';
import { attemptsOf, isBetweenTries, pendingActivity } from './pending-activity.js';

/** Deadline of a call: longer than any answer of a reachable Temporal takes. */
const CALL_MS = 10_000;
/** The identity under which the server terminates workflows, and its reason if a parent's end was the cause. */
const SERVER = 'history-service';
const AS_CHILD = 'by parent close policy';
/** grpc.status: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const AWAY = [4, 8, 14];
/** grpc.status: the request is invalid. */
const INVALID_ARGUMENT = 3;
/** How long a try is waited for, and how often it is asked for: `sendAttempt` has 2 minutes. */
const LONGEST_TRY_MS = 130_000;
const LOOK_EVERY_MS = 500;

/** The gateway to workflows through Temporal's client. A call to Temporal without an answer fails after `CALL_MS`. */
export function createWorkflowClient(link: TemporalLink, taskQueue: string): WorkflowGateway {
  const within = async <T>(call: (client: Client) => Promise<T>) => {
    try {
      const { client } = link.now();
      return await client.withDeadline(Date.now() + CALL_MS, () => call(client));
    } catch (error) {
      if (isAway(error)) throw new TemporalAwayError('Temporal does not answer.', { cause: error });
      throw error;
    }
  };

  /** A server that came back empty lacks our search attributes: register them, and try once more. */
  const withAttributes = async <T>(start: () => Promise<T>): Promise<T> => {
    try {
      return await start();
    } catch (error) {
      const { cause } = error as { cause?: { code?: number } };
      if (cause?.code !== INVALID_ARGUMENT) throw error;
      await link.attributes.check(link.now().connection).catch(() => {});
      return start();
    }
  };

  const without = () => {
    const missing = link.attributes.missing();
    return missing.length === 0 ? {} : { without: missing };
  };

  const options = (start: WorkflowStart): WorkflowStartOptions & { args: [DeliverWebhookInput] } => {
    const { workflow_id: workflowId, event_type: eventType, batch_id: batchId, parts } = start;
    const deliveries = start.deliveries.map(({ id, endpoint_id }) => ({ id, endpointId: endpoint_id }));
    const input = { eventId: start.event_id, tenant: start.tenant, deliveries, parts, ...without() };
    return {
      workflowId,
      taskQueue,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary:
        parts > 0 ? `${eventType} in ${parts} parts` : `${eventType} to ${deliveries.length} endpoint(s)`,
      typedSearchAttributes: searchAttributes({ ...input, eventType, batchId }),
    };
  };

  async function describe(workflowId: string): Promise<WorkflowExecutionDescription | null> {
    try {
      return await within((client) => client.workflow.getHandle(workflowId).describe());
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  /** Temporal itself terminates a workflow past its limits, and the children of a terminated one: tell these apart. */
  async function terminated(workflowId: string, runId: string) {
    const { history } = await within((client) =>
      client.workflowService.getWorkflowExecutionHistoryReverse({
        namespace: client.options.namespace,
        execution: { workflowId, runId },
        maximumPageSize: 1,
      }),
    );
    const end = history?.events?.[0]?.workflowExecutionTerminatedEventAttributes;
    const byServer = end?.identity === SERVER && end.reason !== AS_CHILD;
    return { byServer, endedBy: end?.identity || null };
  }

  return {
    async start(start) {
      const begin = (client: Client) =>
        client.workflow.start('deliverWebhook', {
          ...options(start),
          // The response brings the first task if this process has a worker with room for it.
          requestEagerStart: true,
        });
      try {
        await withAttributes(() => within(begin));
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        throw error;
      }
    },

    async view(workflowId, deliveryId) {
      const described = await describe(workflowId);
      if (described === null) return null;
      const status = described.status.name;
      const isPaused = pendingActivity(described, deliveryId)?.paused ?? false;
      if (status !== 'TERMINATED') return { status, byServer: false, endedBy: null, isPaused };
      return { status, isPaused, ...(await terminated(workflowId, described.runId)) };
    },

    async lookNow(workflowId, deliveryId, attempts) {
      // Temporal takes a reset during a try, and then waits for the delay that the try fails with all the same.
      for (const until = Date.now() + LONGEST_TRY_MS; ;) {
        const activity = pendingActivity(await describe(workflowId), deliveryId);
        // The next activity reads the delivery; so has a try that knows of another attempt.
        if (!activity || attemptsOf(activity) > attempts) return;
        if (isBetweenTries(activity) || Date.now() > until) break;
        await sleep(LOOK_EVERY_MS, undefined, { ref: false });
      }
      await within((client) =>
        client.workflowService.resetActivity({
          namespace: client.options.namespace,
          execution: { workflowId },
          id: deliveryId,
          keepPaused: true,
        }),
      );
    },

    statusOf: async (workflowId) => (await describe(workflowId))?.status.name ?? null,

    async cancelDeliveries(workflowId, deliveryIds) {
      await within((client) =>
        client.workflow.getHandle(workflowId).signal(cancelDeliveriesSignal, deliveryIds),
      );
    },

    async attempted({ workflowId, runId }, deliveryId: string, attempt: AttemptSummary) {
      await within((client) =>
        client.workflow.getHandle(workflowId, runId).signal(attemptedSignal, deliveryId, attempt),
      );
    },

    async signalWithStartBatch(batchId) {
      const begin = (client: Client) =>
        client.workflow.signalWithStart('replayBatch', {
          workflowId: batchWorkflowId(batchId),
          taskQueue,
          args: [{ batchId }],
          // The batch's state is in Postgres, so another workflow can follow one that ended too early.
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          typedSearchAttributes: batchSearchAttributes(batchId, link.attributes.missing()),
          staticSummary: `replay batch ${batchId}`,
          // Steps of a batch go before the workflows of its deliveries, of which thousands may be queued.
          priority: { priorityKey: 1 },
          signal: batchChangedSignal,
          signalArgs: [],
        });
      await withAttributes(() => within(begin));
    },

    async cancelBatch(batchId) {
      await within((client) => client.workflow.getHandle(batchWorkflowId(batchId)).cancel());
    },
  };
}

function isAway(error: unknown): boolean {
  const { code, cause } = error as { code?: number; cause?: { code?: number } };
  return AWAY.includes(code ?? cause?.code ?? 0);
}
