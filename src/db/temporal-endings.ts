import { audit } from './audit.js';
import { endDeliveries, type EndStatus } from './open-deliveries/index.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Actor in the audit: Temporal does not record who used its tools. */
const ACTOR = 'temporal';

/** An ending decided by a tool of Temporal. */
export interface TemporalEnding {
  action: 'delivery.cancel' | 'delivery.fail';
  /** Audit reason, if more is known than the delivery's `status_reason`. */
  detail?: string;
}

/** Ends open deliveries as decided in Temporal, audited. Returns the ids of those that had not ended. */
export function endByTemporal(
  pool: Pool,
  ids: string[],
  status: EndStatus,
  reason: string,
  { action, detail }: TemporalEnding,
): Promise<string[]> {
  return transaction(pool, async (db) => {
    const ended = await endDeliveries(db, ids, status, reason);
    for (const object of ended) {
      await audit(db, { actor: ACTOR, action, object, reason: detail ?? reason, after: { status } });
    }
    return ended;
  });
}

/** Audits an activity that was completed by hand; its delivery continues. */
export function auditCompleted(db: Db, deliveryId: string): Promise<void> {
  const reason = 'its activity was completed in Temporal, without an answer of a receiver: ignored';
  return audit(db, { actor: ACTOR, action: 'delivery.complete', object: deliveryId, reason });
}
