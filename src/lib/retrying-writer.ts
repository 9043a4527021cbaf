import type { Logger } from 'pino';

/** What Postgres is to know, written in the background. */
export interface RetryingWriter<T> {
  add(item: T): void;
  /** Waits until all is written; what is refused once more is dropped, and the rest with it. */
  close(): Promise<void>;
}

/** Few enough for one statement. */
const AT_ONCE = 100;
const AGAIN_MS = { first: 500, most: 10_000 };

/** `write` answers the items it did not take, which it is asked to again and again; repeating it must change nothing more. */
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
