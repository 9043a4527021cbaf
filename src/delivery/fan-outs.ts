import type { Logger } from 'pino';
import type { FanOutPage, WideEvent } from '../db/open-deliveries/index.js';
import { isTooSlow } from '../db/pool.js';

export interface FanOuts {
  /** Makes the rest of a wide event's deliveries, in the background; the reconciler begins again those that failed. */
  begin(event: WideEvent): void;
  /** Waits for the pages under way; other processes, or the next start, make the others. */
  close(): Promise<void>;
}

/** Pages made at a time: they share the pool with everybody else, and Postgres with the commits of events. */
const AT_ONCE = 2;
/** Events in memory: the reconciler begins further ones when there is room. */
const MAX_EVENTS = 32_768;

/** Bounds of a page: 0.2 s of filters. A page that still runs into the timeout is made again, this much smaller. */
const PAGE = { limit: 1_000, maxWork: 2_000_000 };
const SMALLER = 4;
/** An event whose page failed is not begun again for this long. */
const REST_MS = 10_000;

/** Fans wide events out page by page: tenants in turn, and the events of each tenant in turn. */
export function createFanOuts(deps: {
  /** False: all deliveries have been made. */
  fanOutPage(page: FanOutPage): Promise<boolean>;
  /** Ready deliveries are there. */
  wake(): void;
  restMs?: number;
  log: Logger;
}): FanOuts {
  const { restMs = REST_MS, log } = deps;
  /** Ids of all events that wait, have a page under way, or rest. */
  const known = new Set<string>();
  /** By tenant, the next one first. */
  const waiting = new Map<string, (WideEvent & { divisor: number })[]>();
  const underWay = new Set<Promise<void>>();
  let closed = false;

  function add(event: WideEvent & { divisor: number }): void {
    const queue = waiting.get(event.tenant);
    if (queue) queue.push(event);
    else waiting.set(event.tenant, [event]);
  }

  /** Adds the event again if there is more to make of it. */
  async function makePage(event: WideEvent & { divisor: number }): Promise<void> {
    const limit = Math.ceil(PAGE.limit / event.divisor);
    const maxWork = Math.ceil(PAGE.maxWork / event.divisor);
    try {
      const more = await deps.fanOutPage({ eventId: event.id, limit, maxWork });
      if (more) add(event);
      else known.delete(event.id);
      deps.wake();
    } catch (error) {
      if (isTooSlow(error) && limit > 1) return add({ ...event, divisor: event.divisor * SMALLER });
      log.warn({ err: error, event_id: event.id }, 'fan-out put off');
      setTimeout(() => known.delete(event.id), restMs).unref();
    }
  }

  function next(): void {
    while (!closed && waiting.size > 0 && underWay.size < AT_ONCE) {
      const [tenant, queue] = waiting.entries().next().value!;
      const event = queue.shift()!;
      waiting.delete(tenant);
      if (queue.length > 0) waiting.set(tenant, queue);
      const page = makePage(event).then(() => {
        underWay.delete(page);
        next();
      });
      underWay.add(page);
    }
  }

  return {
    begin({ id, tenant }) {
      if (known.has(id) || known.size >= MAX_EVENTS) return;
      known.add(id);
      add({ id, tenant, divisor: 1 });
      next();
    },
    async close() {
      closed = true;
      await Promise.all(underWay);
    },
  };
}
