import { correctLate } from '../stats-sources.js';
import { transaction, type Pool } from '../pool.js';
import { KEPT } from './columns.js';
import type { AttemptRecord } from './record.js';

/** An ended delivery that a late 2xx still makes DELIVERED: no receiver's answer decided its end. */
const CUT_SHORT = `late.classification = 'DELIVERED' and (d.status = 'CANCELLED'
  or d.status = 'FAILED' and d.status_reason in ('ENDPOINT_DELETED', 'WORKER_LOST'))`;

/**
 * Records an attempt whose claim is over: its process was called dead, but was only slow. The result replaces the assumed
 * WORKER_LOST, or follows the ended delivery. Repeating the call changes nothing.
 */
export function recordLate(pool: Pool, { deliveryId, attempt }: AttemptRecord): Promise<void> {
  return transaction(pool, async (db) => {
    // In statements of their own: the last one sees where the delivery is after whatever moved it meanwhile.
    await db.query('select from open_deliveries where id = $1 for update', [deliveryId]);
    await db.query('select from deliveries where id = $1 for update', [deliveryId]);
    await db.query(
      `with late as (
         insert into attempts (delivery_id, number, started_at, latency_ms, classification, http_status, detail)
         select id, $2, $3, $4, $5, $6, $7::jsonb from all_deliveries where id = $1
         on conflict (delivery_id, number) do update
           set started_at = excluded.started_at, latency_ms = excluded.latency_ms,
             classification = excluded.classification, http_status = excluded.http_status,
             -- The next step was decided when the attempt counted as lost.
             detail = excluded.detail || jsonb_build_object('id', attempts.detail->'id', 'next_attempt_at',
               case when excluded.classification <> 'DELIVERED' then attempts.detail->'next_attempt_at' end)
           where attempts.classification = 'WORKER_LOST'
         returning delivery_id, number, started_at, latency_ms, classification
       ), ended as (
         delete from open_deliveries o using late
         where o.id = late.delivery_id and late.classification = 'DELIVERED' returning o.*, late.number
       ), history as (
         insert into deliveries (${KEPT}, status, attempt_count, last_classification, completed_at)
         select ${KEPT}, 'DELIVERED', greatest(attempt_count, number), 'DELIVERED', now() from ended
       ), corrected as (${correctLate(CUT_SHORT)})
       update deliveries d set attempt_count = greatest(d.attempt_count, late.number),
         status = case when ${CUT_SHORT} then 'DELIVERED' else d.status end,
         status_reason = case when ${CUT_SHORT} then null else d.status_reason end,
         last_classification = case when ${CUT_SHORT} then 'DELIVERED' else d.last_classification end
       from late where d.id = late.delivery_id`,
      [
        deliveryId,
        attempt.number,
        attempt.started_at,
        attempt.latency_ms,
        attempt.classification,
        attempt.http_status,
        JSON.stringify(attempt),
      ],
    );
  });
}
