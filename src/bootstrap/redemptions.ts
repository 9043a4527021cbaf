import { batchReads } from '../db/batch-reads.js';
import { overloaded, type Pool } from '../db/pool.js';
import { findCodes, redeemPortalSession, type Redemption } from '../db/portal-sessions.js';
import type { AppDeps } from '../http/app-deps.js';
import { withConcurrencyLimit } from '../lib/batcher.js';

/** Redemptions need no API key: a flood of them leaves connections to others. */
const REDEMPTIONS = { atOnce: 2, mostWaiting: 1_024, full: overloaded };
const MAX_CODES_WAITING = 4_096;

/** Only a code that gives a token costs a transaction; others are looked up together. */
export function createRedemptions(pool: Pool): AppDeps['redeemPortalSession'] {
  const find = batchReads((hashes) => findCodes(pool, hashes), MAX_CODES_WAITING);
  const redeem = withConcurrencyLimit((one: Redemption) => redeemPortalSession(pool, one), REDEMPTIONS);
  return async (one) => (await find(one.codeHash)) ?? redeem(one);
}
