import type { Logger } from 'pino';
import type { WideEvent } from '../db/open-deliveries/index.js';
import { isDatabaseAway } from '../db/pool.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';
import { reconcileBatch, type ReconcileBatchDeps } from './reconcile-batch.js';
import { TemporalAwayError } from './workflow-gateway.js';

const EVERY_MS = 1_000;
/** Batches are looked at less often: their workflows report each minute. The longest rest is for a Temporal that is away. */
const BATCHES_MS = { first: 5_000, max: 30_000 };
const MAX_CLAIMS = 256;
const MAX_EVENTS = 16;
const MAX_BATCHES = 8;
/** Idle endpoints of POST /v1/send and old portal sessions are looked for this often. */
const FORGET_EVERY_MS = 600_000;
const MAX_FORGOTTEN = 1_000;

export interface ReconcilerDeps extends ReconcileBatchDeps {
  /** Ends claims of dead processes (`dead`) or claims past their time (null), as WORKER_LOST. Returns how many. */
  endLostClaims(dead: string[] | null, limit: number): Promise<number>;
  /** Releases claims of this process that it does not know of, because their answer was lost. */
  releaseUnansweredClaims(): Promise<void>;
  /** Null: this process may not call others dead now. */
  deadProcesses(): Promise<string[] | null>;
  /** Has the workflows of a dead process's events started, and forgets the process. */
  forgetProcess(id: string): Promise<void>;
  eventsFanningOut(limit: number): Promise<WideEvent[]>;
  /** Makes the rest of a wide event's deliveries, in the background. */
  fanOut(event: WideEvent): void;
  claimBatches(limit: number): Promise<string[]>;
  /** Deletes endpoints of POST /v1/send that nobody used for long. Returns how many. */
  forgetAdHocEndpoints(limit: number): Promise<number>;
  /** Deletes portal sessions that ended long ago. Returns how many. */
  forgetPortalSessions(limit: number): Promise<number>;
  log: Logger;
  everyMs?: number;
}

/**
 * Continues the work of dead processes: their claims, their events' workflows, wide events half made, and batches. Also
 * forgets idle endpoints of POST /v1/send, and old portal sessions.
 */
export function createReconciler(deps: ReconcilerDeps): PollLoop {
  const { log, everyMs = EVERY_MS } = deps;
  let forgotAt = -Infinity;

  async function endClaims(): Promise<void> {
    const dead = await deps.deadProcesses();
    // Claims ran out while Postgres was away: their processes record what they sent before anybody sends it again.
    if (dead === null) return;
    while ((await deps.endLostClaims(null, MAX_CLAIMS)) === MAX_CLAIMS);
    if (dead.length === 0) return;
    while ((await deps.endLostClaims(dead, MAX_CLAIMS)) === MAX_CLAIMS);
    for (const id of dead) {
      log.warn({ process_id: id }, 'a process died; its claims are over');
      await deps.forgetProcess(id);
    }
  }

  async function fanOutEvents(): Promise<void> {
    for (const event of await deps.eventsFanningOut(MAX_EVENTS)) deps.fanOut(event);
  }

  async function reconcileBatches(): Promise<void> {
    for (const id of await deps.claimBatches(MAX_BATCHES)) {
      await reconcileBatch(deps, id).catch((error: unknown) => {
        if (error instanceof TemporalAwayError || isDatabaseAway(error)) throw error;
        log.error({ err: error, batch_id: id }, 'batch not reconciled; looked at again later');
      });
    }
  }

  async function forget(): Promise<void> {
    if (performance.now() - forgotAt < FORGET_EVERY_MS) return;
    while ((await deps.forgetAdHocEndpoints(MAX_FORGOTTEN)) === MAX_FORGOTTEN);
    while ((await deps.forgetPortalSessions(MAX_FORGOTTEN)) === MAX_FORGOTTEN);
    forgotAt = performance.now();
  }

  async function succeeds(step: () => Promise<void>): Promise<boolean> {
    try {
      await step();
      return true;
    } catch (error) {
      log.warn({ err: error, step: step.name }, 'put off: Temporal or Postgres is away');
      return false;
    }
  }

  const claims = startPollLoop(async () => {
    // One step that fails must not skip the others.
    const steps = [endClaims, deps.releaseUnansweredClaims, fanOutEvents, forget];
    for (const step of steps) await succeeds(step);
    return everyMs;
  });
  // Apart: a Temporal that is away must not delay the end of a dead process's claims.
  let restMs = BATCHES_MS.first;
  const batches = startPollLoop(async () => {
    restMs = (await succeeds(reconcileBatches)) ? BATCHES_MS.first : Math.min(restMs * 2, BATCHES_MS.max);
    return Math.max(everyMs, restMs);
  });
  return {
    wake() {
      claims.wake();
      batches.wake();
    },
    close: async () => void (await Promise.all([claims.close(), batches.close()])),
  };
}
