import type pg from 'pg';

/**
 * Inserts ready deliveries of one event, due `dueInSeconds` from now, as they are after a pause, an outage or a retry. They
 * have had one attempt, or none with `attempts: 0`.
 */
export async function insertReady(
  db: Pick<pg.Pool, 'query'>,
  {
    endpointId,
    count,
    dueInSeconds,
    attempts = 0,
  }: { endpointId: string; count: number; dueInSeconds: number; attempts?: 0 | 1 },
): Promise<void> {
  await db.query(
    `with event as (
       insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
       select new_id('evt', now()), tenant, 'test.ready', '{}', new_id('key', now()), new_id('deliver', now()), 1, now()
       from endpoints where id = $1 returning *
     )
     insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, attempt_count, max_attempts, workflow_id,
       created_at, run_at, run_by)
     select new_id('del', now()), id, $1, tenant, type, $4, 12, workflow_id, created_at,
       now() + $3 * interval '1 second', 'queue' from event, generate_series(1, $2::int)`,
    [endpointId, count, dueInSeconds, attempts],
  );
}
