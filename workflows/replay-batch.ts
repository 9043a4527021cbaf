import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { BatchPlan, BatchProgress, BatchState } from '../src/domain/batch.js';
import {
  batchChangedSignal,
  pauseBatchSignal,
  planQuery,
  progressQuery,
  resumeBatchSignal,
  setRateSignal,
  type BatchOrder,
  type Operator,
  type ReplayBatchInput,
} from './contract.js';

// Repeating any of these changes nothing; retries wait for a Postgres that is away.
const { openBatch, planItems, takeItems, settleBatch, orderBatch, endBatch } = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '500 ms', maximumInterval: '30 s' },
});

/** With a rate, a step makes the deliveries of the next half second. */
const STEP_MS = 500;
/** A delay of up to this is made up for; more would be a storm. */
const MAX_BEHIND_MS = 2_000;
/** Items of one step: one short transaction, and few history events for each item. */
const MAX_ITEMS = 500;
/** Rest while enough deliveries wait for their first attempt; doubled while no item is processed. */
const FULL_MS = { first: STEP_MS, max: 2_000 };
/** Time between two counts of the outcomes; longer by a second for each 50,000 deliveries, which a count reads. */
const COUNT_MS = 5_000;
const CREATED_PER_MS = 50;
/** Time between two looks of a batch that only waits for its deliveries to end. */
const LOOK_MS = { first: 500, max: 60_000 };
/** Steps of one run: keeps its history short. */
const MAX_ROUNDS = 100;

/**
 * Plans a batch, then makes the deliveries of its items at its rate. They are open deliveries like any other: pollers
 * send them, and the backfill starts their workflows. All state is in Postgres: wherever a run ends, another continues.
 */
export async function replayBatch({
  batchId,
  notBefore,
  ratePerSecond,
}: ReplayBatchInput): Promise<BatchProgress> {
  const known: { plan: BatchPlan | null; state: BatchState | null } = { plan: null, state: null };
  let changed = false;
  let ordered = Promise.resolve();
  /** Orders run in sequence, in the order of their signals, also when the workflow is cancelled meanwhile. */
  const order = (wanted: BatchOrder, by?: Operator | null) => {
    const ask = () => orderBatch({ batchId, order: wanted, by: by ?? {} });
    const done = ordered.then(() => CancellationScope.nonCancellable(ask)).then(() => void (changed = true));
    ordered = done.catch(() => {});
    return done;
  };
  setHandler(planQuery, () => known.plan);
  setHandler(progressQuery, () => known.state?.progress ?? null);
  setHandler(batchChangedSignal, () => void (changed = true));
  setHandler(pauseBatchSignal, (by) => order({ kind: 'pause' }, by));
  setHandler(resumeBatchSignal, (by) => order({ kind: 'resume' }, by));
  setHandler(setRateSignal, (ratePerSecond, by) => order({ kind: 'rate', ratePerSecond }, by));

  /** Waits for the time given, or until the batch's row has changed: true. */
  async function rest(ms?: number): Promise<boolean> {
    await (ms === undefined ? condition(() => changed) : condition(() => changed, ms));
    const hasChanged = changed;
    changed = false;
    return hasChanged;
  }

  let countedAt = Date.now();
  let pace = { from: notBefore ?? Date.now(), made: 0, rate: ratePerSecond };
  const dueAt = () => (pace.rate ? pace.from + (pace.made * 1_000) / pace.rate : 0);

  /** Deliveries made from now on follow this rate; those made before followed the previous one. */
  function setRate(rate: number): void {
    if (pace.rate !== undefined && pace.rate !== rate) {
      const now = Date.now();
      pace = { from: Math.min(Math.max(dueAt(), now), now + STEP_MS), made: 0, rate };
    }
    pace.rate = rate;
  }

  /** Processes the next items, as many as the rate allows; false: fewer, because enough deliveries wait. */
  async function processNext({ step, progress }: BatchState): Promise<boolean> {
    const rate = progress.rate_per_second;
    const from = Math.max(dueAt(), Date.now() - MAX_BEHIND_MS);
    const counted = Date.now() - countedAt >= COUNT_MS + progress.created / CREATED_PER_MS;
    if (counted) countedAt = Date.now();
    const owed = rate === 0 ? MAX_ITEMS : Math.round((rate * (Date.now() - from + STEP_MS)) / 1_000);
    const limit = Math.min(Math.max(owed, 1), MAX_ITEMS);
    const state = await takeItems({ batchId, step: step + 1, limit, counted });
    // Skipped items send nothing, and use up no rate.
    pace = { from, made: state.progress.created - progress.created, rate };
    known.state = { ...state, progress: { ...progress, ...state.progress } };
    return progress.remaining - state.progress.remaining >= Math.min(limit, progress.remaining);
  }

  /** False: the next run continues. */
  async function run(): Promise<boolean> {
    Object.assign(known, await openBatch({ batchId }));
    let lookMs = LOOK_MS.first;
    let fullMs = FULL_MS.first;
    for (let rounds = 0; rounds < MAX_ROUNDS; rounds++) {
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('batch cancelled');
      if (workflowInfo().continueAsNewSuggested) return false;
      const state = known.state!;
      const { status, remaining, rate_per_second: rate } = state.progress;
      if (status === 'RUNNING') setRate(rate);
      if (status === 'PLANNING') {
        Object.assign(known, await planItems({ batchId }));
        pace = { from: Date.now(), made: 0, rate };
      } else if (status === 'PAUSED') {
        await rest();
        known.state = await settleBatch({ batchId });
        pace = { from: Date.now(), made: 0, rate };
      } else if (status !== 'RUNNING') {
        known.state = await endBatch({ batchId });
        return true;
      } else if (remaining === 0) {
        await rest(lookMs);
        known.state = await settleBatch({ batchId });
        lookMs = Math.min(lookMs * 2, LOOK_MS.max);
      } else if (dueAt() > Date.now()) {
        if (await rest(dueAt() - Date.now())) known.state = await settleBatch({ batchId });
      } else if (await CancellationScope.nonCancellable(() => processNext(state))) {
        fullMs = FULL_MS.first;
      } else {
        fullMs =
          known.state!.progress.remaining < remaining ? FULL_MS.first : Math.min(fullMs * 2, FULL_MS.max);
        await rest(fullMs);
      }
    }
    return false;
  }

  try {
    const ended = await run();
    await condition(allHandlersFinished);
    if (ended) return known.state!.progress;
  } catch (error) {
    const failed = error instanceof ActivityFailure && !isCancellation(error);
    if (!failed && !isCancellation(error)) throw error;
    await CancellationScope.nonCancellable(async () => {
      if (failed) await order({ kind: 'fail' }, { reason: String(error.cause ?? error) });
      else await order({ kind: 'cancel' });
      known.state = await endBatch({ batchId });
      await condition(allHandlersFinished);
    });
    throw error;
  }
  return continueAsNew<typeof replayBatch>({
    batchId,
    notBefore: Math.max(dueAt(), Date.now() - MAX_BEHIND_MS),
    ...(pace.rate === undefined ? {} : { ratePerSecond: pace.rate }),
  });
}
