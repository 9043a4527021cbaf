import type { Logger } from 'pino';
import type { FanOutPage } from '../db/open-deliveries/index.js';
import { DatabaseAwayError, isTooSlow } from '../db/pool.js';
import { withConcurrencyLimit } from '../lib/batcher.js';

export interface FanOuts {
  /** Makes the rest of a wide event's deliveries, in the background; the reconciler begins again what failed. */
  begin(eventId: string): void;
  /** Waits for the pages under way; other processes, or the next start, make the others. */
  close(): Promise<void>;
}

/** Pages made at a time: they share the pool with everybody else, and Postgres with the commits of events. */
const PAGES = { atOnce: 2, mostWaiting: 32_768, full: () => new DatabaseAwayError('Too many wide events.') };

/** Bounds of a page: 0.2 s of filters. One that runs into the timeout all the same is made again, this much smaller. */
const PAGE = { limit: 1_000, maxWork: 2_000_000 };
const SMALLER = 4;

/** Fans wide events out page by page, events in turn. */
export function createFanOuts(deps: {
  /** False: all deliveries have been made. */
  fanOutPage(page: FanOutPage): Promise<boolean>;
  /** Ready deliveries are there. */
  wake(): void;
  log: Logger;
}): FanOuts {
  const underWay = new Map<string, Promise<void>>();
  const makePage = withConcurrencyLimit(deps.fanOutPage, PAGES);
  let closed = false;

  async function fanOut(eventId: string): Promise<void> {
    let { limit, maxWork } = PAGE;
    for (let more = true; more && !closed;) {
      try {
        more = await makePage({ eventId, limit, maxWork });
        deps.wake();
      } catch (error) {
        if (!isTooSlow(error) || limit === 1) throw error;
        limit = Math.ceil(limit / SMALLER);
        maxWork = Math.ceil(maxWork / SMALLER);
      }
    }
  }

  return {
    begin(eventId) {
      if (closed || underWay.has(eventId)) return;
      const whole = fanOut(eventId)
        .catch((error: unknown) => deps.log.warn({ err: error, event_id: eventId }, 'fan-out put off'))
        .finally(() => underWay.delete(eventId));
      underWay.set(eventId, whole);
    },
    async close() {
      closed = true;
      await Promise.all(underWay.values());
    },
  };
}
