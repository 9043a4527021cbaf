import type { Logger } from 'pino';

/** Writes items to Postgres in the background. */
export interface RetryingWriter<T> {
  add(item: T): void;
  /** Age of the oldest item that is not written, in milliseconds; 0: none waits. */
  behindMs(): number;
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
  const waiting: { item: T; at: number }[] = [];
  let writing: typeof waiting = [];
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
      writing = waiting.splice(0, AT_ONCE);
      const rejected = new Set(await write(writing.map(({ item }) => item)));
      const left = writing.filter(({ item }) => rejected.has(item));
      writing = [];
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
      waiting.push({ item, at: performance.now() });
      running ??= run();
    },
    behindMs() {
      const oldest = [...writing, ...waiting].reduce((least, { at }) => Math.min(least, at), Infinity);
      return oldest === Infinity ? 0 : performance.now() - oldest;
    },
    async close() {
      closed = true;
      endRest();
      while (running) await running;
    },
  };
}
