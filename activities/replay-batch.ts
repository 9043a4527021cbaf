import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { Logger } from 'pino';
import type { BatchChange } from '../src/db/batches.js';
import type { Made, Unsettled } from '../src/db/batch-run.js';
import {
  isRate,
  type BatchPlan,
  type BatchProgress,
  type BatchState,
  type BatchTurns,
} from '../src/domain/batch.js';
import type { OrderBatchInput, Replay, TakeItemsInput } from '../workflows/contract.js';

type Step = BatchState<BatchProgress | BatchTurns>;

interface OfBatch {
  batchId: string;
}

export interface ReplayDeps {
  read(id: string): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  /** False: it was the last page. */
  plan(id: string): Promise<boolean>;
  take(input: TakeItemsInput & { maxAttempts: number }): Promise<{ state: Step; made: Made[] }>;
  settle(id: string): Promise<BatchState>;
  change(
    id: string,
    change: BatchChange,
    by: { actor: string; reason: string | null },
  ): Promise<'changed' | 'unchanged' | 'forbidden' | null>;
  /** Of the items behind `after`: cancels what is to be, answers what is and may still be under way. */
  cancelPage(id: string, after: number): Promise<{ unsettled: Unsettled[]; last: number | null }>;
  markSettled(id: string, numbers: number[]): Promise<void>;
  statusOf(workflowId: string): Promise<string | null>;
  cancelDeliveries(workflowId: string, deliveryIds: string[]): Promise<void>;
  /** Not `done` in its answer: there is something left. */
  end(id: string): Promise<BatchState>;
  maxAttempts: number;
  log: Logger;
}

export interface ReplayActivities {
  openBatch(input: OfBatch): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  planItems(input: OfBatch): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  takeItems(input: TakeItemsInput): Promise<{ state: Step; replays: Replay[] }>;
  settleBatch(input: OfBatch): Promise<BatchState>;
  orderBatch(input: OrderBatchInput): Promise<void>;
  endBatch(input: OfBatch): Promise<BatchState>;
}

/** Who has no name of his own: an operator with Temporal's tools. */
const TEMPORAL = 'temporal';
/** Of a reason or a name. */
const MOST_CHARACTERS = 500;
/** Workflows asked at a time whether they have ended. */
const ASKED_AT_ONCE = 16;
/** What takes longer goes on in another try of the activity: below its time limit. */
const END_MS = 10_000;
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
      const actor = order.kind === 'fail' ? 'surehook' : (wordsOf(by.actor) ?? TEMPORAL);
      const about = { batch_id: batchId, order: order.kind, actor };
      if (order.kind === 'rate' && !isRate(order.ratePerSecond)) {
        deps.log.warn(
          { ...about, rate: order.ratePerSecond },
          'setRate takes 0 or a number from 0.01 to 10000',
        );
        return;
      }
      const result = await deps.change(batchId, order, { actor, reason: wordsOf(by.reason) });
      if (result === 'forbidden') deps.log.warn(about, 'not possible in the state the batch is in');
    },

    async endBatch({ batchId }) {
      const until = Date.now() + END_MS;
      for (let after: number | null = 0; after !== null;) {
        const { unsettled, last } = await deps.cancelPage(batchId, after);
        await deps.markSettled(batchId, await endedOf(deps, unsettled));
        after = last;
        if (Date.now() > until) throw stillEnding('more to come', 100);
      }
      const state = await deps.end(batchId);
      if (!state.done) throw stillEnding('what it has started has not ended yet');
      return state;
    },
  };
  return mendable(activities);
}

/** What somebody gave with Temporal's tools, as far as it can be stored. */
function wordsOf(given: unknown): string | null {
  if (typeof given !== 'string') return null;
  return given.replaceAll('\0', '').trim().slice(0, MOST_CHARACTERS) || null;
}

/** The activity is tried again, by default after ever longer. */
const stillEnding = (message: string, nextRetryDelay?: number) =>
  ApplicationFailure.create({
    type: 'STILL_ENDING',
    message,
    category: ApplicationFailureCategory.BENIGN,
    ...(nextRetryDelay === undefined ? {} : { nextRetryDelay }),
  });

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

/** Numbers of those whose workflow has ended, or never began: nothing can come of them. The others are told to. */
async function endedOf(deps: ReplayDeps, unsettled: Unsettled[]): Promise<number[]> {
  const left = [...unsettled];
  const ended: number[] = [];
  const next = async () => {
    for (let one = left.pop(); one; one = left.pop()) {
      if ((await deps.statusOf(one.workflow_id)) !== 'RUNNING') ended.push(one.number);
      // One that ends meanwhile is found so by the next try.
      else await deps.cancelDeliveries(one.workflow_id, [one.id]).catch(() => {});
    }
  };
  await Promise.all(Array.from({ length: ASKED_AT_ONCE }, next));
  return ended;
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
