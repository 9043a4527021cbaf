import { setTimeout } from 'node:timers/promises';
import {
  ApplicationFailure,
  defaultPayloadConverter,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowIdReusePolicy,
  WorkflowNotFoundError,
  type Client,
  type WorkflowExecutionDescription,
  type WorkflowStartOptions,
} from '@temporalio/client';
import { optionalTsToDate } from '@temporalio/common/lib/time.js';
import {
  attemptedSignal,
  batchChangedSignal,
  batchSearchAttributes,
  batchWorkflowId,
  cancelDeliveriesSignal,
  carrySignal,
  resumeSignal,
  searchAttributes,
  type AttemptSummary,
  type DeliverWebhookInput,
  type DeliveryState,
  type Trail,
} from '../../workflows/contract.js';
import {
  TemporalAwayError,
  type DeliveryStart,
  type PendingAttempt,
  type WorkflowView,
  type WorkflowGateway,
} from '../delivery/workflow-gateway.js';
import type { TemporalLink } from './connection.js';

/** Deadline of a call: longer than any answer of a reachable Temporal takes. */
const CALL_MS = 10_000;
/** An attempt still under way this long after a retry is requested counts as the requested one. */
const UNDER_WAY_MS = 2_000;
/** temporal.api.enums.v1.PendingActivityState. */
const ACTIVITY_STARTED = 2;
/** The identity under which the server terminates workflows, and its reason if a parent's end was the cause. */
const SERVER = 'history-service';
const AS_CHILD = 'by parent close policy';
/** grpc.status: DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAVAILABLE. */
const AWAY = [4, 8, 14];
/** grpc.status: the request is invalid. */
const INVALID_ARGUMENT = 3;
/** grpc.status: the activity or the workflow does not exist, or has ended. */
const NOT_FOUND = 5;

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

  /** A server that came back empty lacks our search attributes: register them, so that the next try succeeds. */
  const failed = async (error: unknown): Promise<never> => {
    const cause = (error as { cause?: { code?: number } }).cause;
    if (cause?.code === INVALID_ARGUMENT) {
      await link.attributes.check(link.now().connection).catch(() => {});
    }
    throw error;
  };

  const without = () => {
    const missing = link.attributes.missing();
    return missing.length === 0 ? {} : { without: missing };
  };

  const options = (start: DeliveryStart): WorkflowStartOptions & { args: [DeliverWebhookInput] } => {
    const { workflowId, eventType, batchId, ...about } = start;
    const input = { ...about, ...without() };
    return {
      workflowId,
      taskQueue,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      staticSummary: `${eventType} to ${input.deliveries.length} endpoint(s)`,
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

  /**
   * Whether an attempt goes on for longer than its record takes to reach Temporal: after an earlier reset the delay
   * that the attempt ends with would still apply.
   */
  async function attemptUnderWay(workflowId: string, deliveryId: string): Promise<boolean> {
    for (const until = Date.now() + UNDER_WAY_MS; ; await setTimeout(50)) {
      const pending = (await describe(workflowId))?.raw.pendingActivities?.find(
        ({ activityId }) => activityId === deliveryId,
      );
      if (Number(pending?.state) !== ACTIVITY_STARTED) return false;
      if (Date.now() > until) return true;
    }
  }

  return {
    async start(start, { again = false } = {}) {
      const policy = again ? WorkflowIdReusePolicy.ALLOW_DUPLICATE : WorkflowIdReusePolicy.REJECT_DUPLICATE;
      try {
        await within((client) =>
          client.workflow.start('deliverWebhook', {
            ...options(start),
            workflowIdReusePolicy: policy,
            // The response brings the first task if this process has a worker with room for it.
            requestEagerStart: true,
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        return failed(error);
      }
    },

    async carry(start, { now = [], again = false } = {}) {
      const policy = again ? WorkflowIdReusePolicy.ALLOW_DUPLICATE : WorkflowIdReusePolicy.REJECT_DUPLICATE;
      try {
        await within((client) =>
          client.workflow.signalWithStart('deliverWebhook', {
            ...options(start),
            workflowIdReusePolicy: policy,
            signal: carrySignal,
            signalArgs: [start.deliveries, now],
          }),
        );
        return true;
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
        return failed(error);
      }
    },

    async view(workflowId) {
      const described = await describe(workflowId);
      if (described === null) return null;
      const status = described.status.name;
      const by =
        status === 'TERMINATED'
          ? await terminated(workflowId, described.runId)
          : { byServer: false, endedBy: null };
      const pending = pendingAttempts(described);
      if (status !== 'COMPLETED' && status !== 'FAILED') return { status, states: [], pending, ...by };
      const states = await within(
        (client) => client.workflow.getHandle(workflowId).result() as Promise<DeliveryState[]>,
      ).catch(statesOfFailure);
      return { status, states, pending, ...by } satisfies WorkflowView;
    },

    statusOf: async (workflowId) => (await describe(workflowId))?.status.name ?? null,

    async cancelDeliveries(workflowId, deliveryIds) {
      await within((client) =>
        client.workflow.getHandle(workflowId).signal(cancelDeliveriesSignal, deliveryIds),
      );
    },

    async attemptNow(workflowId, deliveryId) {
      if (await attemptUnderWay(workflowId, deliveryId)) return true;
      try {
        await within((client) =>
          client.workflowService.resetActivity({
            namespace: client.options.namespace,
            execution: { workflowId },
            id: deliveryId,
          }),
        );
        return true;
      } catch (error) {
        if ((error as { code?: number }).code !== NOT_FOUND) throw error;
      }
      // No attempt of the delivery is scheduled: it waits in its workflow, or for its workflow to be started.
      try {
        await within((client) => client.workflow.getHandle(workflowId).signal(resumeSignal, [deliveryId]));
        return true;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return false;
        throw error;
      }
    },

    async attempted({ workflowId, runId }, deliveryId: string, attempt: AttemptSummary) {
      await within((client) =>
        client.workflow.getHandle(workflowId, runId).signal(attemptedSignal, deliveryId, attempt),
      );
    },

    async carryBatch(batchId) {
      await within((client) =>
        client.workflow.signalWithStart('replayBatch', {
          workflowId: batchWorkflowId(batchId),
          taskQueue,
          args: [{ batchId, ...without() }],
          // The batch's state is in Postgres, so another workflow can follow one that ended too early.
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          typedSearchAttributes: batchSearchAttributes(batchId, link.attributes.missing()),
          staticSummary: `replay batch ${batchId}`,
          signal: batchChangedSignal,
          signalArgs: [],
        }),
      ).catch(failed);
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

function pendingAttempts({ raw }: WorkflowExecutionDescription): PendingAttempt[] {
  const attempts = (raw.pendingActivities ?? []).filter(
    ({ activityType }) => activityType?.name === 'sendAttempt',
  );
  return attempts.map((activity) => {
    const [trail] = activity.heartbeatDetails?.payloads ?? [];
    return {
      deliveryId: activity.activityId ?? '',
      tries: (activity.attempt ?? 1) - 1,
      maximumTries: activity.maximumAttempts ?? 0,
      trail: trail ? defaultPayloadConverter.fromPayload<Trail>(trail) : null,
      underWay: Number(activity.state) === ACTIVITY_STARTED,
      endedAt: optionalTsToDate(activity.lastAttemptCompleteTime) ?? null,
      nextAt: optionalTsToDate(activity.scheduledTime) ?? null,
    };
  });
}

function statesOfFailure(error: unknown): DeliveryState[] {
  if (!(error instanceof WorkflowFailedError)) throw error;
  const [states] = error.cause instanceof ApplicationFailure ? (error.cause.details ?? []) : [];
  return Array.isArray(states) ? (states as DeliveryState[]) : [];
}
