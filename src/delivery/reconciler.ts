import type { Logger } from 'pino';
import type { AttemptRecord } from '../db/attempts.js';
import { claimBatches } from '../db/batch-run.js';
import { isDatabaseAway, type Pool } from '../db/pool.js';
import { giveToSweeper } from '../db/delivery-queue.js';
import { noteNotStarted } from '../db/start-faults.js';
import {
  claimDue,
  claimLost,
  openWorkflow,
  releaseHeld,
  unclaim,
  type Claimed,
  type Lost,
} from '../db/overdue-deliveries.js';
import { attemptRecord, lostAttempt } from './attempt.js';
import { reconcileBatch, type ReconcileBatchDeps } from './reconcile-batch.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';
import { reconcileWorkflow, type ReconcileWorkflowDeps } from './reconcile-workflow.js';
import { restartOf, TemporalAwayError } from './workflow-gateway.js';

const EVERY_MS = 5_000;
const BATCH = 100;
/** Without a call of Temporal. */
const GIVEN = 1_000;
const AT_A_TIME = 8;
const BACK_OFF_MS = { first: 1_000, most: 30_000 };
/** Held deliveries that one process lets go on by workflow: a resume must not become a storm. */
const RELEASE = { everyMs: 200, batch: 20 };

/** An attempt of a process that has told nothing of it. */
function lost({ id, attempt_count, max_attempts }: Lost): AttemptRecord {
  const number = attempt_count + 1;
  return attemptRecord(id, lostAttempt(number, number < max_attempts ? new Date() : null), 'retry');
}

const isAway = (error: unknown): error is Error =>
  error instanceof TemporalAwayError || isDatabaseAway(error);

/**
 * Finds what nobody carries: accepted but not started, overdue because its workflow is gone, or held although nothing
 * holds it any more. Runs in every process; each delivery is claimed by one.
 */
export function createReconciler(
  deps: ReconcileWorkflowDeps &
    ReconcileBatchDeps & {
      db: Pool;
      /** Why everything rests now; null: go on. */
      paused(): string | null;
      /** Whether deliveries are attempted in this process: then no file pauses them here. */
      makesAttempts: boolean;
      /** Whether this process drains what waits in Postgres: then none of it needs a workflow. */
      drains: boolean;
      log: Logger;
      everyMs?: number;
    },
): PollLoop {
  const { db, workflows, log, everyMs = EVERY_MS } = deps;
  let closed = false;
  let backOffMs = 0;

  async function look(): Promise<number> {
    let nextMs = everyMs;
    let away = false;
    // One after the other, and none for want of another.
    for (const step of deps.paused() === null ? [release, sweep, carryBatches] : []) {
      try {
        nextMs = Math.min(nextMs, await step());
      } catch (error) {
        away = true;
        log.warn({ err: error, step: step.name }, 'put off: Temporal or Postgres is away');
      }
    }
    backOffMs = away ? Math.min(Math.max(backOffMs * 2, BACK_OFF_MS.first), BACK_OFF_MS.most) : 0;
    return away ? backOffMs : nextMs;
  }

  /** Each step answers when it is to be done again. */
  async function sweep(): Promise<number> {
    while (!deps.drains && (await giveToSweeper(db, GIVEN)) === GIVEN);
    const claimed = await claimLost(db, BATCH, lost);
    claimed.push(...(await claimDue(db, BATCH)));
    const { left, away } = await eachWorkflow(claimed, async (one) => {
      const open = await openWorkflow(db, one);
      if (open) await reconcileWorkflow(deps, open);
    });
    if (left.length > 0) await unclaim(db, left);
    if (away instanceof TemporalAwayError) {
      const ids = left.map(({ id }) => id);
      await noteNotStarted(db, ids, away.message);
    }
    if (away) throw away;
    return claimed.length >= BATCH ? 0 : everyMs;
  }

  async function release(): Promise<number> {
    const released = await releaseHeld(db, RELEASE.batch, deps.makesAttempts);
    // One that waits for its retry still does: Temporal has its timer.
    const due = released.filter(({ waits }) => !waits);
    // What is left is due a minute later.
    const { away } = await eachWorkflow(due, async (one, ids) => {
      const open = await openWorkflow(db, one);
      if (open && !(await workflows.carry(restartOf(open), { now: ids })))
        await reconcileWorkflow(deps, open);
    });
    if (away) throw away;
    return released.length === RELEASE.batch ? RELEASE.everyMs : everyMs;
  }

  async function carryBatches(): Promise<number> {
    for (const id of await claimBatches(db, AT_A_TIME)) {
      await reconcileBatch(deps, id).catch((error: unknown) => {
        if (isAway(error)) throw error;
        log.error({ err: error, batch_id: id }, 'batch not carried on; looked at again later');
      });
    }
    return everyMs;
  }

  /**
   * One that fails keeps no other, and is looked at again later. `left`: those that could not be tried; `away`: why
   * none could.
   */
  async function eachWorkflow(
    claimed: Claimed[],
    work: (one: Claimed, ids: string[]) => Promise<void>,
  ): Promise<{ left: Claimed[]; away: Error | undefined }> {
    const byWorkflow = new Map<string, Claimed[]>();
    for (const one of claimed) {
      byWorkflow.set(one.workflow_id, [...(byWorkflow.get(one.workflow_id) ?? []), one]);
    }
    const groups = [...byWorkflow.values()];
    const left: Claimed[] = [];
    const away: Error[] = [];
    let done = 0;
    const take = async () => {
      for (let group = groups.shift(); group; group = groups.shift()) {
        try {
          if (closed || (done === 0 && away.length >= AT_A_TIME)) {
            left.push(...group);
            continue;
          }
          await work(
            group[0]!,
            group.map((one) => one.id),
          );
          done += 1;
        } catch (error) {
          if (isAway(error)) {
            away.push(error);
            left.push(...group);
          } else {
            const about = { err: error, workflow_id: group[0]!.workflow_id };
            log.error(about, 'not carried on; looked at again later');
          }
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, take));
    return { left, away: done === 0 ? away[0] : undefined };
  }

  const loop = startPollLoop(look);
  return {
    wake: loop.wake,
    /** Ends after the workflow at hand. */
    close() {
      closed = true;
      return loop.close();
    },
  };
}
