import type { Credential } from '../db/api-keys.js';
import { batchReads } from '../db/batch-reads.js';
import { keepReads } from '../delivery/kept-reads.js';
import type { KillSwitch } from '../delivery/kill-switch.js';

export interface ApiKeyCache {
  /**
   * At once where the key was read a short while ago and has not changed since; also a key that is revoked or has
   * expired. Null: there is no such key.
   */
  get(hash: string): Credential | null | Promise<Credential | null>;
}

const MAX_KEYS = 10_000;
/** A notification that got lost costs at most this. */
const LIFETIME_MS = 10_000;
const MAX_WAITING = 4_096;

/** The token of a portal session ends with the key that made the session. */
const isOf = (key: Credential | null, id: string) => key?.id === id || key?.created_by === id;

/** API keys in memory, by their hash, as long as Postgres says that they are what they were. */
export function createApiKeyCache(
  /** In the order of the hashes. */
  load: (hashes: string[]) => Promise<(Credential | null)[]>,
  control: Pick<KillSwitch, 'onApiKey' | 'current'>,
): ApiKeyCache {
  const keys = keepReads(control, batchReads(load, MAX_WAITING), MAX_KEYS, { lifetimeMs: LIFETIME_MS });
  control.onApiKey((id) => keys.forgetWhere((key) => id === null || isOf(key, id)));
  return keys;
}
