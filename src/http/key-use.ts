import type { Logger } from 'pino';
import { startPollLoop } from '../lib/poll-loop.js';

const WRITE_EVERY_MS = 5_000;

export interface KeyUse {
  /** Remembers that a key was used now. */
  note(keyId: string): void;
  close(): Promise<void>;
}

/** Writes when keys were last used, apart from the requests. */
export function startKeyUse(record: (used: ReadonlyMap<string, Date>) => Promise<void>, log: Logger): KeyUse {
  let used = new Map<string, Date>();
  async function write(): Promise<void> {
    if (used.size === 0) return;
    const taken = used;
    used = new Map();
    await record(taken).catch((error: unknown) =>
      log.debug({ err: error }, 'the use of API keys is not written'),
    );
  }
  const loop = startPollLoop(async () => {
    await write();
    return WRITE_EVERY_MS;
  });
  return {
    note: (keyId) => void used.set(keyId, new Date()),
    async close() {
      await loop.close();
      await write();
    },
  };
}
