import type { Logger } from 'pino';
import { claimWaiting, type ClaimRequest } from '../db/delivery-queue.js';
import type { Db } from '../db/pool.js';
import { CLAIM_MS, type InProcessRunner } from './in-process-runner.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';

const EVERY_MS = 1_000;
/** Between two looks while there is more, and while endpoints have all they can take; never less than a look takes. */
const NEXT_MS = 50;
const FULL_MS = 250;
const AWAY_MS = 1_000;
/** Of those that no lane had room for, at a time: the lane's room is their bound. */
const PAGE = 256;
/** A look that took longer, or a break, makes no page larger. */
const MOST_PASSED_MS = 500;
/** Retries, and held ones that go on, a second: neither must become a storm. Doubled every second until the most. */
const RATE = { first: 100, most: 1_000 };

/**
 * What waits in Postgres without a workflow, because something held it, no lane had room, or Temporal has enough to do
 * without its retry: attempted by the direct lane of this process as it gets room. Each is taken by one process.
 */
export function createQueuePoller(deps: {
  db: Db;
  direct: Pick<InProcessRunner, 'hasRoom' | 'fullEndpoints' | 'run'>;
  /** So many are to be delivered besides those accepted now. */
  taken(deliveries: number): void;
  /** Why everything rests now; null: go on. */
  paused(): string | null;
  /** Whether it is known here whether the file is gone that held some of them. */
  byFile: boolean;
  everyMs?: number;
  log: Logger;
}): PollLoop {
  const { db, direct, byFile, everyMs = EVERY_MS, log } = deps;
  const retries = createRamp();
  const released = createRamp();

  async function pass(status: ClaimRequest['status'], limit: number): Promise<number> {
    const taken = await claimWaiting(db, {
      status,
      limit,
      except: direct.fullEndpoints(),
      byFile,
      dueInMs: CLAIM_MS,
    });
    const inHand = taken.filter(({ in_hand }) => in_hand);
    deps.taken(inHand.length);
    for (const one of inHand) direct.run(one);
    return taken.length;
  }

  /** Answers when to look again. */
  async function look(): Promise<number> {
    const began = performance.now();
    let taken = await pass('PENDING', PAGE);
    for (const [status, ramp] of [
      ['IN_PROGRESS', retries],
      ['HELD', released],
    ] as const) {
      const some = await pass(status, ramp.page());
      if (some === 0 && direct.fullEndpoints().length === 0) ramp.reset();
      taken += some;
    }
    const tookMs = performance.now() - began;
    if (taken > 0) return Math.max(NEXT_MS - tookMs, tookMs);
    return Math.max(tookMs, Math.min(everyMs, direct.fullEndpoints().length > 0 ? FULL_MS : everyMs));
  }

  return startPollLoop(async () => {
    if (deps.paused() !== null || !direct.hasRoom()) {
      for (const ramp of [retries, released]) ramp.reset();
      return Math.min(everyMs, AWAY_MS);
    }
    return look().catch((error: unknown) => {
      log.warn({ err: error }, 'waiting deliveries not looked for: Postgres is away');
      return AWAY_MS;
    });
  });
}

/** So many at a time, for the time since the last page; `reset` when there was a break. */
export function createRamp() {
  let since: number | null = null;
  let last = 0;
  return {
    page(): number {
      const now = performance.now();
      const passedMs = since === null ? NEXT_MS : Math.min(now - last, MOST_PASSED_MS);
      since ??= now;
      last = now;
      const rate = RATE.first * 2 ** Math.floor((now - since) / 1_000);
      return Math.ceil((Math.min(rate, RATE.most) * passedMs) / 1_000);
    },
    reset: () => void (since = null),
  };
}
