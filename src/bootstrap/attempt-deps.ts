import { loadAttemptTargets, type AttemptTarget } from '../db/deliveries.js';
import {
  endDeliveries,
  recordAttempt,
  recordAttempts,
  type AttemptRecord,
} from '../db/open-deliveries/index.js';
import { isDatabaseAway, overloaded, transaction } from '../db/pool.js';
import type { AttemptDeps } from '../delivery/attempt.js';
import { createBatcher } from '../lib/batcher.js';
import { withLookUpLimit, type DeliveryParts } from './delivery-parts.js';
import type { ServiceOptions } from './service-options.js';
import { VERSION } from './version.js';

/** Attempt records per batch, each batch one commit. No receiver waits for it: several share the cost of a commit. */
const RECORDS = { most: 256, atOnce: 2, lingerMs: 10, mostWaiting: 32_768, full: overloaded };
/** Deliveries looked up per batch; the payload of each may be large. */
const TARGETS = { most: 64, atOnce: 2, mostWaiting: 32_768, full: overloaded };

export function attemptDeps(options: ServiceOptions, parts: DeliveryParts): AttemptDeps {
  const { pool, hot, control, sender, readSending, retryPolicy, metrics } = parts;
  const startsOpen = options.workflows === 'open';
  return {
    load: createBatcher<{ id: string; claim: number }, AttemptTarget | null>({
      ...TARGETS,
      keyOf: ({ id }) => id,
      isFatal: isDatabaseAway,
      run: (claims) => loadAttemptTargets(hot, claims),
    }),
    record: createBatcher<AttemptRecord, void>({
      ...RECORDS,
      keyOf: ({ deliveryId }) => deliveryId,
      isFatal: isDatabaseAway,
      async run(records) {
        if (records.length === 1) await recordAttempt(hot, records[0]!, startsOpen);
        else await recordAttempts(hot, records, startsOpen);
        return [];
      },
    }),
    end: withLookUpLimit(async (id, status, reason) => {
      await transaction(pool, (db) => endDeliveries(db, [id], status, reason));
    }),
    paused: (tenant) => control.paused(tenant),
    alive: (since) => control.alive(since),
    count: (classification) => metrics.attempt(classification),
    sender,
    readSending,
    retryPolicy,
    retryScale: options.retryScale,
    version: VERSION,
    log: options.log,
  };
}
