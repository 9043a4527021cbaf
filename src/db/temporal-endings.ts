import { OPEN_STATUSES, type DeliveryStatus } from '../domain/delivery.js';
import { audit } from './audit.js';
import { setStatus } from './deliveries.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Actor in the audit: Temporal does not record who used its tools. */
const ACTOR = 'temporal';

/** An ending decided in Temporal: by one of its tools, or by a workflow whose outcome Postgres did not have. */
export interface TemporalEnding {
  action: 'delivery.cancel' | 'delivery.fail' | 'delivery.read_back';
  /** Audit reason, if more is known than the delivery's `status_reason`. */
  detail?: string;
}

/** Ends open deliveries as Temporal decided, audited. DELIVERED requires a recorded attempt with a 2xx. */
export function endByTemporal(
  pool: Pool,
  ids: string[],
  status: DeliveryStatus,
  reason: string | null,
  { action, detail }: TemporalEnding,
): Promise<string[]> {
  return transaction(pool, async (db) => {
    const known = status === 'DELIVERED' ? await taken(db, ids) : ids;
    const ended = await setStatus(db, known, OPEN_STATUSES, status, reason);
    for (const object of ended) {
      await audit(db, { actor: ACTOR, action, object, reason: detail ?? reason, after: { status } });
    }
    return ended;
  });
}

async function taken(db: Db, ids: string[]): Promise<string[]> {
  const { rows } = await db.query<{ delivery_id: string }>(
    `select delivery_id from attempts where delivery_id = any($1) and classification = 'DELIVERED'`,
    [ids],
  );
  return rows.map((row) => row.delivery_id);
}

/** Audits an activity that was completed by hand; its delivery continues. */
export function auditCompleted(db: Db, deliveryId: string): Promise<void> {
  const reason = 'its activity was completed in Temporal, without an answer of a receiver: ignored';
  return audit(db, { actor: ACTOR, action: 'delivery.complete', object: deliveryId, reason });
}
