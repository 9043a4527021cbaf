import { ApplicationFailure } from '@temporalio/common';
import type { Logger } from 'pino';
import type { BatchChange } from '../src/db/batches.js';
import type { Made } from '../src/db/batch-run.js';
import type { BatchPlan, BatchState } from '../src/domain/batch.js';
import type { OrderBatchInput, Replay, TakeItemsInput } from '../workflows/contract.js';

interface OfBatch {
  batchId: string;
}

export interface ReplayDeps {
  read(id: string): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  /** False: it was the last page. */
  plan(id: string): Promise<boolean>;
  take(input: TakeItemsInput & { maxAttempts: number }): Promise<{ state: BatchState; made: Made[] }>;
  settle(id: string): Promise<BatchState>;
  change(
    id: string,
    change: BatchChange,
    by: { actor: string; reason: string | null },
  ): Promise<'changed' | 'unchanged' | 'forbidden' | null>;
  cancelStarted(id: string): Promise<{ id: string; workflow_id: string }[]>;
  cancelDeliveries(workflowId: string, deliveryIds: string[]): Promise<void>;
  end(id: string): Promise<BatchState>;
  maxAttempts: number;
  log: Logger;
}

export interface ReplayActivities {
  openBatch(input: OfBatch): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  planItems(input: OfBatch): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  takeItems(input: TakeItemsInput): Promise<{ state: BatchState; replays: Replay[] }>;
  settleBatch(input: OfBatch): Promise<BatchState>;
  orderBatch(input: OrderBatchInput): Promise<void>;
  endBatch(input: OfBatch): Promise<BatchState>;
}

/** Who has no name of his own: an operator with Temporal's tools. */
const TEMPORAL = 'temporal';
/** Workflows told at a time that their delivery is cancelled. */
const TOLD_AT_ONCE = 16;
/** SQLSTATE classes that no repetition mends: data, integrity, and statements that are wrong. */
const UNMENDABLE = /^(2[23]|42)/;

/** What `replayBatch` asks of Postgres. */
export function createReplayActivities(deps: ReplayDeps): ReplayActivities {
  const activities: ReplayActivities = {
    openBatch: ({ batchId }) => deps.read(batchId),

    async planItems({ batchId }) {
      await deps.plan(batchId);
      return deps.read(batchId);
    },

    async takeItems(input) {
      const { state, made } = await deps.take({ ...input, maxAttempts: deps.maxAttempts });
      return { state, replays: made.map((one) => replayOf(one, deps.maxAttempts)) };
    },

    settleBatch: ({ batchId }) => deps.settle(batchId),

    async orderBatch({ batchId, order, by }) {
      const { actor = TEMPORAL, reason = null } = by;
      if (order.kind === 'rate' && !(order.ratePerSecond >= 0 && Number.isFinite(order.ratePerSecond))) {
        deps.log.warn({ batch_id: batchId, rate: order.ratePerSecond }, 'setRate takes a number, 0 or more');
        return;
      }
      const result = await deps.change(batchId, order, {
        actor: order.kind === 'fail' ? 'surehook' : actor,
        reason,
      });
      if (result === 'forbidden') {
        deps.log.warn(
          { batch_id: batchId, order: order.kind, actor },
          'not possible in the state the batch is in',
        );
      }
    },

    async endBatch({ batchId }) {
      for (;;) {
        const cancelled = await deps.cancelStarted(batchId);
        if (cancelled.length === 0) return deps.end(batchId);
        await tell(deps, cancelled);
      }
    },
  };
  return mendable(activities);
}

function replayOf(made: Made, maxAttempts: number): Replay {
  const { id, event_id, endpoint_id, event_type, tenant, workflow_id } = made;
  return {
    workflowId: workflow_id,
    eventType: event_type,
    eventId: event_id,
    tenant,
    deliveries: [{ id, endpointId: endpoint_id, maxAttempts }],
  };
}

/** The rows have decided; a workflow that does not hear of it finds out at its next attempt. */
async function tell(deps: ReplayDeps, cancelled: { id: string; workflow_id: string }[]): Promise<void> {
  const left = [...cancelled];
  const next = async () => {
    for (let one = left.pop(); one; one = left.pop()) {
      await deps.cancelDeliveries(one.workflow_id, [one.id]).catch(() => {});
    }
  };
  await Promise.all(Array.from({ length: TOLD_AT_ONCE }, next));
}

/** A Postgres that is away is waited for; a statement that cannot succeed ends the batch, with what it said. */
function mendable(activities: ReplayActivities): ReplayActivities {
  const entries = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      try {
        return await (activity as (input: never) => Promise<unknown>)(input);
      } catch (error) {
        if (!UNMENDABLE.test(String((error as { code?: unknown }).code))) throw error;
        throw ApplicationFailure.create({
          type: 'BATCH_FAILED',
          message: error instanceof Error ? error.message : String(error),
          nonRetryable: true,
        });
      }
    },
  ]);
  return Object.fromEntries(entries) as ReplayActivities;
}
