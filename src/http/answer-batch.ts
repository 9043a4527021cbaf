import { setTimeout as sleep } from 'node:timers/promises';
import { afterCommit } from '../db/after-commit.js';
import type { Actor } from '../db/audit.js';
import { changeBatch, type BatchChange } from '../db/batches.js';
import { getBatch, type StoredBatch } from '../db/batch-state.js';
import { cancelBatch } from '../delivery/cancel-batch.js';
import { reconcileBatch } from '../delivery/reconcile-batch.js';
import { batchWorkflowId } from '../../workflows/contract.js';
import { answer, replayed } from './answer.js';
import type { AppDeps } from './app-deps.js';
import { notFound, Problem } from './problem.js';

/** Wait for the plan: a few thousand items are planned in this time; a larger plan is made after the answer. */
const PLAN_MS = 3_000;
const LOOK_MS = 50;
/** Time for cancelling deliveries before the answer: some ten thousand. */
const CANCEL_MS = 3_000;

/** A batch as the API shows it: with the page of its workflow. */
export function linkedBatch({ workflowUrl }: Pick<AppDeps, 'workflowUrl'>, batch: StoredBatch) {
  const workflow_id = batchWorkflowId(batch.id);
  return { ...batch, workflow_id, workflow_url: workflowUrl(workflow_id) };
}

/** Throws a 404 Problem if there is none. */
export async function findBatch({ pool }: Pick<AppDeps, 'pool'>, id: string): Promise<StoredBatch> {
  const batch = await getBatch(pool, id);
  if (!batch) throw notFound('batch', id);
  return batch;
}

/** The answer to a request that an earlier one with the same key has made the batch for. */
export const answerKnown = async (deps: AppDeps, id: string) =>
  replayed(linkedBatch(deps, (await afterCommit(getBatch(deps.pool, id)))!));

/** The answer to a request that made the batch: once its plan is made, or after `PLAN_MS`. */
export async function answerMade(deps: AppDeps, batch: StoredBatch) {
  await signal(deps, batch.id);
  let planned = batch;
  try {
    for (const until = Date.now() + PLAN_MS; planned.status === 'PLANNING' && Date.now() < until;) {
      await sleep(LOOK_MS);
      planned = (await getBatch(deps.pool, batch.id))!;
    }
  } catch (error) {
    // The batch exists all the same: answer with its last known state.
    deps.log.warn({ err: error, batch_id: batch.id }, 'batch not read back');
  }
  return answer(201, linkedBatch(deps, planned));
}

/** Changes a batch, and tells its workflow. */
export async function answerChanged(
  deps: AppDeps,
  id: string,
  wanted: BatchChange,
  by: { actor: Actor; reason: string | null },
) {
  const result = await changeBatch(deps.pool, id, wanted, by);
  if (result === null) throw notFound('batch', id);
  if (result === 'forbidden') {
    const { status } = await findBatch(deps, id);
    throw new Problem(409, 'batch_state', `A batch that is ${status} cannot be changed so.`);
  }
  if (result === 'changed') {
    const cancelled = wanted.kind === 'cancel';
    if (cancelled) await cancelDeliveries(deps, id);
    await signal(deps, id, { cancelled });
  }
  const batch = findBatch(deps, id);
  return answer(200, linkedBatch(deps, await (result === 'changed' ? afterCommit(batch) : batch)));
}

/** The batch row has decided: if its workflow cannot be signalled now, the reconciler does it later. */
async function signal(
  { pool, workflows, log }: AppDeps,
  id: string,
  { cancelled = false } = {},
): Promise<void> {
  const reconcile = () =>
    reconcileBatch({ workflows, changeBatch: (...change) => changeBatch(pool, ...change), log }, id);
  // Cancelling fails if the workflow has ended: start it again, to end the deliveries it left running.
  const signalled = cancelled ? workflows.cancelBatch(id).catch(reconcile) : reconcile();
  await signalled.catch((error: unknown) => {
    log.warn({ err: error, batch_id: id }, 'batch workflow not signalled; the reconciler will do it');
  });
}

/** The batch is CANCELLED in its row: its workflow cancels the deliveries that this does not reach in time. */
async function cancelDeliveries({ pool, workflows, workflowMode, log }: AppDeps, id: string): Promise<void> {
  const startsWorkflows = workflowMode === 'all';
  await cancelBatch({ pool, workflows, startsWorkflows, log }, id, Date.now() + CANCEL_MS).catch(
    (error: unknown) => {
      log.warn(
        { err: error, batch_id: id },
        'deliveries not cancelled; the workflow of the batch will do it',
      );
    },
  );
}
