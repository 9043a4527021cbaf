import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { SUREHOOK, TEMPORAL } from '../src/db/audit.js';
import { planPage } from '../src/db/batch-plan.js';
import { endBatch, settleBatch, takeItems } from '../src/db/batch-run.js';
import { getBatch, readState } from '../src/db/batch-state.js';
import { changeBatch } from '../src/db/batches.js';
import { cancelBatch, type CancelBatchDeps } from '../src/delivery/cancel-batch.js';
import {
  isRate,
  type BatchPlan,
  type BatchProgress,
  type BatchState,
  type BatchTurns,
} from '../src/domain/batch.js';
import { messageOf } from '../src/lib/error-text.js';
import type { OrderBatchInput, TakeItemsInput } from '../workflows/contract.js';

interface OfBatch {
  batchId: string;
}

export interface ReplayDeps extends CancelBatchDeps {
  maxAttempts: number;
}

export interface ReplayActivities {
  openBatch(input: OfBatch): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  planItems(input: OfBatch): Promise<{ plan: BatchPlan | null; state: BatchState }>;
  takeItems(input: TakeItemsInput): Promise<BatchState<BatchProgress | BatchTurns>>;
  settleBatch(input: OfBatch): Promise<BatchState>;
  orderBatch(input: OrderBatchInput): Promise<void>;
  endBatch(input: OfBatch): Promise<BatchState>;
}

/** Limit on the length of a reason or a name. */
const MAX_CHARACTERS = 500;
/** Cancelling for longer goes on in another try of the activity: below its time limit. */
const END_MS = 10_000;
/** Tries to end a batch: while pages are left, and while attempts are under way. */
const AGAIN_MS = { pages: 100, attempts: 1_000 };
/** SQLSTATE classes that no repetition mends: data, integrity, and statements that are wrong. */
const UNMENDABLE = /^(2[23]|42)/;

/** The steps of `replayBatch` in Postgres. */
export function createReplayActivities(deps: ReplayDeps): ReplayActivities {
  const { pool, maxAttempts, startsWorkflows: workflow, log } = deps;
  const read = async (id: string) => ({
    plan: (await getBatch(pool, id))?.plan ?? null,
    state: await readState(pool, id),
  });
  const activities: ReplayActivities = {
    openBatch: ({ batchId }) => read(batchId),

    async planItems({ batchId }) {
      await planPage(pool, batchId);
      return read(batchId);
    },

    takeItems: ({ batchId: id, ...input }) => takeItems(pool, { id, ...input, maxAttempts, workflow }),

    settleBatch: ({ batchId }) => settleBatch(pool, batchId),

    async orderBatch({ batchId, order, by }) {
      // A signal that names nobody comes from an operator with Temporal's tools.
      const name = textOf(by.actor) ?? TEMPORAL.name;
      const actor = order.kind === 'fail' ? SUREHOOK : { ...TEMPORAL, name };
      const about = { batch_id: batchId, order: order.kind, actor: actor.name };
      if (order.kind === 'rate' && !isRate(order.ratePerSecond)) {
        log.warn({ ...about, rate: order.ratePerSecond }, 'setRate takes 0 or a number from 0.01 to 10000');
        return;
      }
      const result = await changeBatch(pool, batchId, order, { actor, reason: textOf(by.reason) });
      if (result === 'forbidden') log.warn(about, 'not possible in the state the batch is in');
    },

    async endBatch({ batchId }) {
      if (!(await cancelBatch(deps, batchId, Date.now() + END_MS)))
        throw stillEnding('deliveries are left to cancel', AGAIN_MS.pages);
      const state = await endBatch(pool, batchId);
      if (!state.done) throw stillEnding('attempts of cancelled deliveries are under way', AGAIN_MS.attempts);
      return state;
    },
  };
  return mendable(activities);
}

/** The storable part of a text that came with a signal, if it is one. */
function textOf(given: unknown): string | null {
  if (typeof given !== 'string') return null;
  return given.replaceAll('\0', '').trim().slice(0, MAX_CHARACTERS) || null;
}

/** Has Temporal try the activity again. */
const stillEnding = (message: string, nextRetryDelay: number) =>
  ApplicationFailure.create({
    type: 'STILL_ENDING',
    message,
    category: ApplicationFailureCategory.BENIGN,
    nextRetryDelay,
  });

/** Activities wait for a Postgres that is away; a statement that cannot succeed ends the batch, with its error. */
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
          message: messageOf(error),
          nonRetryable: true,
        });
      }
    },
  ]);
  return Object.fromEntries(entries) as ReplayActivities;
}
