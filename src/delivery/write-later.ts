/** What Postgres is to know, written in the background. */
export interface WriteLater<T> {
  add(item: T): void;
  /** Waits until all is written, or was asked for once more in vain. */
  close(): Promise<void>;
}

/** Few enough for one statement. */
const AT_ONCE = 1_000;
const AGAIN_MS = { first: 500, most: 10_000 };

/** `write` is called again and again until it takes its items; repeating it must change nothing more. */
export function writeLater<T>(write: (items: T[]) => Promise<void>): WriteLater<T> {
  const waiting: T[] = [];
  let running: Promise<void> | null = null;
  let closed = false;

  async function run(): Promise<void> {
    for (let waitMs = 0; waiting.length > 0;) {
      await pause(waitMs);
      const last = closed;
      const items = waiting.splice(0, AT_ONCE);
      try {
        await write(items);
        waitMs = 0;
      } catch {
        if (!last) waiting.push(...items);
        waitMs = Math.min(waitMs * 2 || AGAIN_MS.first, AGAIN_MS.most);
      }
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
      while (running) await running;
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
