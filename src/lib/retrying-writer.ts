import type { Logger } from 'pino';

/** Writes items to Postgres in the background. */
export interface RetryingWriter<T> {
  add(item: T): void;
  /** Waits until all items are written. The first write refused after the call drops all items still waiting. */
  close(): Promise<void>;
}

/** Maximum items per write: few enough for one statement. */
const AT_ONCE = 100;
const AGAIN_MS = { first: 500, most: 5_000 };

/** `write` returns the items it did not take, which are retried with back-off; it must be idempotent. */
export function createRetryingWriter<T>(
  what: string,
  log: Logger,
  write: (items: T[]) => Promise<T[]>,
): RetryingWriter<T> {
  const waiting: T[] = [];
  let running: Promise<void> | null = null;
  let closed = false;
  let endRest: () => void = () => {};

  const rest = (ms: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, closed ? 0 : ms);
      endRest = () => {
        clearTimeout(timer);
        resolve();
      };
    });

  async function run(): Promise<void> {
    for (let waitMs = 0; waiting.length > 0;) {
      await rest(waitMs);
      const last = closed;
      const items = waiting.splice(0, AT_ONCE);
      const left = await write(items);
      waitMs = left.length === 0 ? 0 : Math.min(waitMs * 2 || AGAIN_MS.first, AGAIN_MS.most);
      waiting.push(...left);
      if (!last || left.length === 0) continue;
      log.warn({ count: waiting.length }, `${what} not written before the stop`);
      waiting.length = 0;
    }
    running = null;
  }

  return {
    add(item) {
      waiting.push(item);
      running ??= run();
    },
    async close() {
      closed = true;
      endRest();
      while (running) await running;
    },
  };
}
