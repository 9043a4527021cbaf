import type { StoredApiKey } from '../db/api-keys.js';
import { DatabaseAwayError, isDatabaseAway } from '../db/pool.js';
import type { KillSwitch } from '../delivery/kill-switch.js';
import { createBatcher } from '../lib/batcher.js';

export interface ApiKeyCache {
  /** From memory: a key read a short while ago that has not changed since. Also one that is revoked or has expired. */
  known(hash: string): StoredApiKey | null;
  /** From Postgres; null: there is no such key. */
  find(hash: string): Promise<StoredApiKey | null>;
}

const MAX_KEYS = 10_000;
/** A notification that got lost costs at most this. */
const LIFETIME_MS = 10_000;
/** Few statements, whatever is presented: connections are left to others. */
const READS = { most: 500, atOnce: 2, mostWaiting: 4_096 };

/** API keys in memory, by their hash, as long as Postgres says that they are what they were. */
export function createApiKeyCache(
  /** In the order of the hashes. */
  load: (hashes: string[]) => Promise<(StoredApiKey | null)[]>,
  control: Pick<KillSwitch, 'onApiKey' | 'current'>,
): ApiKeyCache {
  const loadOne = createBatcher<string, StoredApiKey | null>({
    ...READS,
    keyOf: (hash) => hash,
    full: () => new DatabaseAwayError('The database is overloaded.'),
    isFatal: isDatabaseAway,
    run: load,
  });
  const known = new Map<string, { key: StoredApiKey; until: number }>();
  const reading = new Map<string, Promise<StoredApiKey | null>>();
  control.onApiKey((id) => {
    // Drop reads in flight too: they may predate the change.
    reading.clear();
    for (const entry of known.values()) if (id === null || entry.key.id === id) entry.until = -Infinity;
  });

  function read(hash: string): Promise<StoredApiKey | null> {
    const current = control.current();
    const under = loadOne(hash)
      .then((key) => {
        const until = current && reading.get(hash) === under ? performance.now() + LIFETIME_MS : -Infinity;
        if (known.size >= MAX_KEYS) known.clear();
        if (key) known.set(hash, { key, until });
        else known.delete(hash);
        return key;
      })
      .finally(() => {
        if (reading.get(hash) === under) reading.delete(hash);
      });
    reading.set(hash, under);
    return under;
  }

  return {
    known(hash) {
      const entry = known.get(hash);
      return entry && entry.until > performance.now() && control.current() ? entry.key : null;
    },
    find: (hash) => reading.get(hash) ?? read(hash),
  };
}
