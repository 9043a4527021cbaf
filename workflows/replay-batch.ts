import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import {
  ActivityFailure,
  allHandlersFinished,
  CancellationScope,
  CancelledFailure,
  ChildWorkflowCancellationType,
  condition,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  patched,
  proxyActivities,
  setHandler,
  startChild,
  workflowInfo,
  WorkflowIdReusePolicy,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.js';
import type { BatchPlan, BatchProgress, BatchState } from '../src/domain/batch.js';
import {
  batchChangedSignal,
  pauseBatchSignal,
  planQuery,
  progressQuery,
  resumeBatchSignal,
  searchAttributes,
  setRateSignal,
  type BatchOrder,
  type Operator,
  type Replay,
  type ReplayBatchInput,
} from './contract.js';
import { deliverWebhook } from './deliver-webhook.js';

// Each repeats what it did where it is tried again, and waits for a Postgres that is away.
const { openBatch, planItems, takeItems, settleBatch, orderBatch, endBatch } = proxyActivities<Activities>({
  startToCloseTimeout: '30 s',
  retry: { initialInterval: '500 ms', maximumInterval: '30 s' },
});

/** Items are taken twice a second, as many at a time as the rate allows, and at most these. */
const STEP_MS = 500;
/** So much of what was missed is made up for; more would be a storm. */
const BEHIND_MS = 2_000;
const MOST_AT_ONCE = 50;
/** Outcomes are counted this often while items are taken: it takes longer the more there are. */
const COUNT_MS = 5_000;
/** Until a batch that only waits for its deliveries to end looks again. */
const LOOK_MS = { first: 500, most: 60_000 };
/** Of one run: a history has to end, and Temporal allows a workflow 2,000 open children. */
const MOST_CHILDREN = 200;
const MOST_ROUNDS = 500;

/**
 * Plans a batch, then delivers its items again, each in a child workflow that outlives it. All it knows is in Postgres:
 * wherever it ends, another run goes on from there.
 */
export async function replayBatch({
  batchId,
  notBefore,
  ratePerSecond,
  ...inherited
}: ReplayBatchInput): Promise<BatchProgress> {
  const known: { plan: BatchPlan | null; state: BatchState | null } = { plan: null, state: null };
  // Runs begun before take orders side by side, count what is skipped, too, and carry their pace over a change of rate.
  const byCreated = patched('paces-by-created');
  let changed = false;
  let ordered = Promise.resolve();
  /** One after the other, as they came; what was asked for is done, whatever is cancelled meanwhile. */
  const order = (wanted: BatchOrder, by?: Operator | null) => {
    const ask = () => orderBatch({ batchId, order: wanted, by: by ?? {} });
    const asked = byCreated ? ordered.then(() => CancellationScope.nonCancellable(ask)) : ask();
    const done = asked.then(() => void (changed = true));
    ordered = done.catch(() => {});
    return done;
  };
  setHandler(planQuery, () => known.plan);
  setHandler(progressQuery, () => known.state?.progress ?? null);
  setHandler(batchChangedSignal, () => void (changed = true));
  setHandler(pauseBatchSignal, (by) => order({ kind: 'pause' }, by));
  setHandler(resumeBatchSignal, (by) => order({ kind: 'resume' }, by));
  setHandler(setRateSignal, (ratePerSecond, by) => order({ kind: 'rate', ratePerSecond }, by));

  /** For so long, or until an operator wants something else: true. */
  async function rest(ms?: number): Promise<boolean> {
    await (ms === undefined ? condition(() => changed) : condition(() => changed, ms));
    const wanted = changed;
    changed = false;
    return wanted;
  }

  let countedAt = Date.now();
  let pace = { from: notBefore ?? Date.now(), taken: 0, rate: ratePerSecond };
  const dueAt = () => (pace.rate ? pace.from + (pace.taken * 1_000) / pace.rate : 0);

  /** What is taken from now on goes at this rate; what has been, went at the one before. */
  function keep(rate: number): void {
    if (byCreated && pace.rate !== undefined && pace.rate !== rate) {
      const now = Date.now();
      pace = { from: Math.min(Math.max(dueAt(), now), now + STEP_MS), taken: 0, rate };
    }
    pace.rate = rate;
  }

  /** The next items, as many as the rate has room for, from Postgres to their workflows: begun, it is finished. */
  function take({ step, progress }: BatchState): Promise<{ state: BatchState; children: number }> {
    const rate = progress.rate_per_second;
    const from = Math.max(dueAt(), Date.now() - BEHIND_MS);
    const counted = Date.now() - countedAt >= COUNT_MS;
    if (counted) countedAt = Date.now();
    const owed = rate === 0 ? MOST_AT_ONCE : Math.round((rate * (Date.now() - from + STEP_MS)) / 1_000);
    const limit = Math.min(Math.max(owed, 1), MOST_AT_ONCE);
    return CancellationScope.nonCancellable(async () => {
      const { state, replays } = await takeItems({ batchId, step: step + 1, limit, counted });
      await Promise.all(replays.map((replay) => startReplay(batchId, { ...replay, ...inherited })));
      // What was skipped costs the receiver nothing.
      const taken = byCreated
        ? state.progress.created - progress.created
        : progress.remaining - state.progress.remaining;
      pace = { from, taken, rate };
      return { state: { ...state, progress: { ...progress, ...state.progress } }, children: replays.length };
    });
  }

  /** False where the next run has to go on with it. */
  async function run(): Promise<boolean> {
    Object.assign(known, await openBatch({ batchId }));
    let state = known.state!;
    let lookMs = LOOK_MS.first;
    for (let rounds = 0, children = 0; rounds < MOST_ROUNDS && children < MOST_CHILDREN; rounds++) {
      if (CancellationScope.current().consideredCancelled) throw new CancelledFailure('batch cancelled');
      if (workflowInfo().continueAsNewSuggested) return false;
      const { status, remaining, rate_per_second: rate } = state.progress;
      if (status === 'RUNNING') keep(rate);
      if (status === 'PLANNING') {
        Object.assign(known, await planItems({ batchId }));
        state = known.state!;
        pace = { from: Date.now(), taken: 0, rate };
      } else if (status === 'PAUSED') {
        await rest();
        state = await settleBatch({ batchId });
        pace = { from: Date.now(), taken: 0, rate };
      } else if (status !== 'RUNNING') {
        known.state = await endBatch({ batchId });
        return true;
      } else if (remaining === 0) {
        // All have had their turn; what becomes of them is in Postgres.
        await rest(lookMs);
        state = await settleBatch({ batchId });
        lookMs = Math.min(lookMs * 2, LOOK_MS.most);
      } else if (dueAt() > Date.now()) {
        if (await rest(dueAt() - Date.now())) state = await settleBatch({ batchId });
      } else {
        const taken = await take(state);
        children += taken.children;
        state = taken.state;
        // No room for more until those before are on their way.
        if (state.progress.remaining === remaining) await rest(STEP_MS);
      }
      known.state = state;
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
    ...inherited,
    notBefore: Math.max(dueAt(), Date.now() - BEHIND_MS),
    ...(pace.rate === undefined ? {} : { ratePerSecond: pace.rate }),
  });
}

/** In a workflow of its own, which a cancellation of the batch leaves alone. */
async function startReplay(batchId: string, { workflowId, eventType, ...input }: Replay): Promise<void> {
  try {
    await startChild(deliverWebhook, {
      workflowId,
      args: [input],
      typedSearchAttributes: searchAttributes({ ...input, eventType, batchId }),
      staticSummary: `${eventType} again to ${input.deliveries[0]!.endpointId}`,
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      parentClosePolicy: ParentClosePolicy.ABANDON,
      cancellationType: ChildWorkflowCancellationType.ABANDON,
    });
  } catch (error) {
    // The sweeper was quicker.
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}
