import { audit, TEMPORAL } from './audit.js';
import { endDeliveries, readOpen, type EndStatus } from './open-deliveries/index.js';
import { transaction, type Db, type Pool } from './pool.js';

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
    const open = new Map((await readOpen(db, ids)).map((before) => [before.id, before]));
    const ended = await endDeliveries(db, ids, status, reason);
    for (const object of ended) {
      const { tenant, ...before } = open.get(object)!;
      const after = { ...before, status };
      await audit(db, { actor: TEMPORAL, action, object, tenant, reason: detail ?? reason, before, after });
    }
    return ended;
  });
}

/** Audits an activity that was completed by hand; its delivery continues. */
export async function auditCompleted(db: Db, deliveryId: string): Promise<void> {
  const reason = 'its activity was completed in Temporal, without an answer of a receiver: ignored';
  const { rows } = await db.query<{ tenant: string }>('select tenant from all_deliveries where id = $1', [
    deliveryId,
  ]);
  const tenant = rows[0]?.tenant ?? null;
  await audit(db, { actor: TEMPORAL, action: 'delivery.complete', object: deliveryId, tenant, reason });
}
