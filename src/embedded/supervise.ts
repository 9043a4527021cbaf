import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lib/error-text.js';

/** A running server that we started. */
export interface Running {
  /** Settles when the server's process has ended. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

const BACK_OFF_MS = { first: 200, most: 10_000 };
/** A server that ran this long had started well: the back-off begins anew. */
const STEADY_MS = 30_000;

/** Restarts a server whenever it ends by itself, and says so. `restart` must give it the same address. */
export function supervise(
  name: string,
  first: Running,
  restart: () => Promise<Running>,
  say: (line: string) => void,
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  let running = first;

  async function watch(): Promise<void> {
    let backOffMs = BACK_OFF_MS.first;
    for (;;) {
      const began = Date.now();
      await running.exited;
      if (stopping.signal.aborted) return;
      if (Date.now() - began > STEADY_MS) backOffMs = BACK_OFF_MS.first;
      say(`${name} ended unexpectedly; starting it again …`);
      while (!stopping.signal.aborted) {
        await sleep(backOffMs, undefined, { signal: stopping.signal }).catch(() => {});
        backOffMs = Math.min(backOffMs * 2, BACK_OFF_MS.most);
        try {
          if (!stopping.signal.aborted) running = await restart();
          break;
        } catch (error) {
          say(messageOf(error));
        }
      }
      // The stop may have come during a restart: the new server must be stopped too.
      if (stopping.signal.aborted) return running.stop();
      say(`${name} is back`);
    }
  }

  const watching = watch();
  return {
    async stop() {
      stopping.abort();
      await running.stop();
      await watching;
    },
  };
}
