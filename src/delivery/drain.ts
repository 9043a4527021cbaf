import type { Logger } from 'pino';
import { takeFirst, type Take } from '../db/drain.js';
import type { Db } from '../db/pool.js';
import { DIRECT_DUE_MS, type DirectLane } from './direct.js';
import { startLoop, type Loop } from './loop.js';

const EVERY_MS = 1_000;
/** Between two looks while there is more, and while endpoints have all they can take. */
const NEXT_MS = 50;
const FULL_MS = 250;
const AWAY_MS = 1_000;
/** Of those that no lane had room for, at a time: the lane's room is their bound. */
const PAGE = 256;
/** Held ones that go on, a second: a resume must not become a storm. Doubled every second until the most. */
const RATE = { first: 100, most: 1_000 };

/**
 * First attempts that wait in Postgres, because something held them or no lane had room, made by the direct lane of this
 * process as it gets room for them. None has a workflow; each is taken by one process.
 */
export function createDrain(deps: {
  db: Db;
  direct: Pick<DirectLane, 'room' | 'full' | 'take'>;
  /** So many are to be delivered besides those accepted now. */
  taken(deliveries: number): void;
  /** Why everything rests now; null: go on. */
  paused(): string | null;
  /** Whether it is known here whether the file is gone that held some of them. */
  byFile: boolean;
  everyMs?: number;
  log: Logger;
}): Loop {
  const { db, direct, byFile, everyMs = EVERY_MS, log } = deps;
  /** Since when held ones go on without a break. */
  let since: number | null = null;

  async function take(status: Take['status'], limit: number): Promise<number> {
    const taken = await takeFirst(db, {
      status,
      limit,
      except: direct.full(),
      byFile,
      dueInMs: DIRECT_DUE_MS,
    });
    deps.taken(taken.length);
    for (const one of taken) direct.take(one);
    return taken.length;
  }

  function page(): number {
    since ??= performance.now();
    const rate = RATE.first * 2 ** Math.floor((performance.now() - since) / 1_000);
    return Math.ceil((Math.min(rate, RATE.most) * NEXT_MS) / 1_000);
  }

  /** Answers when to look again. */
  async function look(): Promise<number> {
    const began = performance.now();
    const taken = await take('PENDING', PAGE);
    const released = await take('HELD', page());
    if (released === 0 && direct.full().length === 0) since = null;
    if (taken + released > 0) return Math.max(0, NEXT_MS - (performance.now() - began));
    return Math.min(everyMs, direct.full().length > 0 ? FULL_MS : everyMs);
  }

  return startLoop(async () => {
    if (deps.paused() !== null || !direct.room()) return Math.min(everyMs, AWAY_MS);
    return look().catch((error: unknown) => {
      log.warn({ err: error }, 'waiting deliveries not looked for: Postgres is away');
      return AWAY_MS;
    });
  });
}
