import type { Logger } from 'pino';
import { claimBatches } from '../db/batch-run.js';
import type { Db } from '../db/pool.js';
import { claimDue, openWorkflow, releaseHeld, unclaim, type Claimed } from '../db/sweep.js';
import { attemptRecord, lostAttempt } from './attempt.js';
import { carryBatch, type CarryBatchDeps } from './carry-batch.js';
import { repair, type RepairDeps } from './repair.js';
import { restartOf } from './workflows.js';

export interface Sweeper {
  /** Something may go on: looks for it at once. */
  wake(): void;
  /** Ends after the workflow at hand. */
  close(): Promise<void>;
}

const EVERY_MS = 5_000;
const BATCH = 100;
const AT_A_TIME = 8;
const BACK_OFF_MS = { first: 1_000, most: 30_000 };
/** Held deliveries that one process lets go on: a resume must not become a storm. */
const RELEASE = { everyMs: 200, batch: 20 };

/**
 * Finds what nobody carries: accepted but not started, overdue because its workflow is gone, or held although nothing
 * holds it any more. Runs in every process; each delivery is claimed by one.
 */
export function createSweeper(
  deps: RepairDeps &
    CarryBatchDeps & {
      db: Db;
      /** Why everything rests now; null: go on. */
      paused(): string | null;
      log: Logger;
      everyMs?: number;
    },
): Sweeper {
  const { db, workflows, log, everyMs = EVERY_MS } = deps;
  let closed = false;
  let awake = false;
  let endRest: () => void = () => {};
  let backOffMs = 0;

  async function loop(): Promise<void> {
    while (!closed) {
      let nextMs = everyMs;
      awake = false;
      try {
        if (deps.paused() === null) {
          const released = await release();
          const due = await sweep();
          for (const id of await claimBatches(db, AT_A_TIME)) await carryBatch(deps, id);
          if (released === RELEASE.batch) nextMs = RELEASE.everyMs;
          else if (due === BATCH) nextMs = 0;
        }
        backOffMs = 0;
      } catch (error) {
        backOffMs = Math.min(Math.max(backOffMs * 2, BACK_OFF_MS.first), BACK_OFF_MS.most);
        nextMs = backOffMs;
        log.warn({ err: error, again_in_ms: backOffMs }, 'sweep put off: Temporal or Postgres is away');
      }
      if (!awake) await rest(nextMs);
    }
  }

  function rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  function wake(): void {
    awake = true;
    endRest();
  }

  async function sweep(): Promise<number> {
    const claimed = await claimDue(db, BATCH);
    await eachWorkflow(claimed, async (one, ids) => {
      for (const id of claimed.filter(({ lost }) => lost).map((each) => each.id)) {
        if (ids.includes(id)) await deps.record(lost(id));
      }
      const open = await openWorkflow(db, one);
      if (open) await repair(deps, open);
    });
    return claimed.length;
  }

  function lost(id: string) {
    return attemptRecord(id, lostAttempt(1, deps.maxAttempts > 1), 'retry');
  }

  async function release(): Promise<number> {
    const released = await releaseHeld(db, RELEASE.batch);
    const now = new Date();
    // One that waits for its retry still does: Temporal has its timer.
    const waiting = released.filter(
      ({ next_attempt_at }) => next_attempt_at === null || next_attempt_at <= now,
    );
    await eachWorkflow(waiting, async (one, ids) => {
      const open = await openWorkflow(db, one);
      if (open && !(await workflows.carry(restartOf(open), { now: ids }))) await repair(deps, open);
    });
    return released.length;
  }

  /** What fails is claimed for nobody: it is due again at once, and the caller backs off. */
  async function eachWorkflow(
    claimed: Claimed[],
    work: (one: Claimed, ids: string[]) => Promise<void>,
  ): Promise<void> {
    const byWorkflow = new Map<string, Claimed[]>();
    for (const one of claimed) {
      byWorkflow.set(one.workflow_id, [...(byWorkflow.get(one.workflow_id) ?? []), one]);
    }
    const groups = [...byWorkflow.values()];
    const failed: string[] = [];
    const errors: unknown[] = [];
    const take = async () => {
      for (let group = groups.shift(); group; group = groups.shift()) {
        const ids = group.map((one) => one.id);
        try {
          if (closed || errors.length > 0) failed.push(...ids);
          else await work(group[0]!, ids);
        } catch (cause) {
          failed.push(...ids);
          errors.push(cause);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_A_TIME }, take));
    if (failed.length > 0) await unclaim(db, failed);
    if (errors.length > 0) throw new Error('Not all could be carried on.', { cause: errors[0] });
  }

  const looping = loop();
  return {
    wake,
    async close() {
      closed = true;
      wake();
      await looping;
    },
  };
}
