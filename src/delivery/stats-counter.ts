import type { Logger } from 'pino';
import { isTooSlow, type Pool } from '../db/pool.js';
import { countPage, forgetMinutes } from '../db/stats-count.js';
import { STATS_SOURCES, type StatsSource } from '../db/stats-sources.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';

const EVERY_MS = 1_000;
/** While the process is busy, it counts this many times less often: more rows add to the same counts. */
const BUSY = 10;
const FORGET_EVERY_MS = 3_600_000;
/** Rows counted by one statement. While it runs, it holds back the feed of events. */
const PAGE = { most: 5_000, least: 10 };

/** Counts events, attempts and ended deliveries for GET /v1/stats, after their commit: nothing waits for it. */
export function startStatsCounter({
  pool,
  isBusy,
  log,
  everyMs = EVERY_MS,
}: {
  pool: Pool;
  /** Whether this process has no time to spare. */
  isBusy(): boolean;
  log: Logger;
  everyMs?: number;
}): PollLoop {
  const sizes = new Map<StatsSource, number>();
  let forgotAt = -Infinity;

  /** A source that fails must not keep the others from being counted. */
  async function count(source: StatsSource): Promise<boolean> {
    const size = sizes.get(source) ?? PAGE.most;
    try {
      const more = await countPage(pool, source, size);
      sizes.set(source, Math.min(PAGE.most, size * 2));
      return more;
    } catch (error) {
      log.warn({ err: error, source, rows: size }, 'rows not counted for the statistics; trying again');
      if (isTooSlow(error)) sizes.set(source, Math.max(PAGE.least, Math.floor(size / 4)));
      return false;
    }
  }

  async function forget(): Promise<void> {
    if (performance.now() - forgotAt < FORGET_EVERY_MS) return;
    forgotAt = performance.now();
    await forgetMinutes(pool).catch((error: unknown) =>
      log.warn({ err: error }, 'old minutes of the statistics not deleted'),
    );
  }

  return startPollLoop(async () => {
    await forget();
    let more = false;
    for (const source of STATS_SOURCES) more = (await count(source)) || more;
    if (more) return 0;
    return isBusy() ? everyMs * BUSY : everyMs;
  });
}
