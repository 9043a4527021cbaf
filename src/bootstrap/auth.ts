import { findApiKeys, recordKeyUse } from '../db/api-keys.js';
import { batchReads } from '../db/batch-reads.js';
import { overloaded, type Pool } from '../db/pool.js';
import { findSpent, spendToken } from '../db/spent-tokens.js';
import type { AppDeps } from '../http/app-deps.js';
import { createApiKeyCache } from '../http/api-key-cache.js';
import { createAuth } from '../http/auth.js';
import { startKeyUse } from '../http/key-use.js';
import { createPageSessions } from '../http/page/sessions.js';
import { withSessions } from '../http/page/with-sessions.js';
import { createRateLimits } from '../http/rate-limits.js';
import { withConcurrencyLimit } from '../lib/batcher.js';
import type { DeliveryParts } from './delivery-parts.js';
import type { ServiceOptions } from './service-options.js';

const MAX_SPENT_WAITING = 1_024;
/** Sign-ins by a link and sign-outs: a flood of them leaves connections to others. */
const SPENDING = { atOnce: 2, mostWaiting: 1_024, full: overloaded };

/** Wires API keys: read through memory, limited, and their use written now and then. And sessions of the dashboard. */
export function startAuth(
  { adminKey, publicUrl, log }: Pick<ServiceOptions, 'adminKey' | 'publicUrl' | 'log'>,
  { pool, secrets, control }: Pick<DeliveryParts, 'pool' | 'secrets' | 'control'>,
  /** Sessions are read by it: the kill switch must work from the dashboard while all connections of `pool` are in use. */
  controlPool: Pool,
  release: (() => Promise<unknown>)[],
): Pick<AppDeps, 'identify' | 'isValid' | 'countFailure' | 'identifyHash' | 'sessions'> {
  const use = startKeyUse((used) => recordKeyUse(pool, used), log);
  release.push(() => use.close());
  const cache = createApiKeyCache((hashes) => findApiKeys(pool, hashes), control);
  const keys = createAuth(adminKey, cache, createRateLimits(), use.note);
  const sessions = createPageSessions({
    secrets,
    spend: withConcurrencyLimit((token) => spendToken(pool, token), SPENDING),
    isSpent: batchReads((ids) => findSpent(controlPool, ids), MAX_SPENT_WAITING),
    isHttps: () => publicUrl?.startsWith('https:') === true,
  });
  return { ...withSessions(keys, sessions), identifyHash: keys.identifyHash, sessions };
}
