import { findApiKeys, recordKeyUse } from '../db/api-keys.js';
import { createApiKeyCache } from '../http/api-key-cache.js';
import { createAuth, type Auth } from '../http/auth.js';
import { startKeyUse } from '../http/key-use.js';
import { createRateLimits } from '../http/rate-limits.js';
import type { DeliveryParts } from './delivery-parts.js';
import type { ServiceOptions } from './service-options.js';

/** Wires API keys: read through memory, limited, and their use written now and then. */
export function startAuth(
  { adminKey, log }: Pick<ServiceOptions, 'adminKey' | 'log'>,
  { pool, control }: Pick<DeliveryParts, 'pool' | 'control'>,
  release: (() => Promise<unknown>)[],
): Auth {
  const use = startKeyUse((used) => recordKeyUse(pool, used), log);
  release.push(() => use.close());
  const keys = createApiKeyCache((hashes) => findApiKeys(pool, hashes), control);
  return createAuth(adminKey, keys, createRateLimits(), use.note);
}
