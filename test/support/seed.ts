import type pg from 'pg';

export interface Seeded {
  id: string;
  event_id: string;
}

/** Inserts ended deliveries and their events, dated one hour ago; returns them oldest first. */
export async function seedDeliveries(
  db: Pick<pg.Pool, 'query'>,
  {
    endpointId,
    count,
    status = 'FAILED',
    type = 'order.created',
    classification = 'HTTP_4XX_PERMANENT',
  }: {
    endpointId: string;
    count: number;
    status?: string;
    type?: string;
    classification?: string;
  },
): Promise<Seeded[]> {
  const { rows } = await db.query<Seeded>(
    `with event as (
       insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at)
       select new_id('evt', now() - interval '1 hour' + n * interval '1 millisecond'), ep.tenant, $3, '{"n":' || n || '}',
         'seed-' || ep.id || n, 'deliver:seed:' || ep.id || n, now() - interval '1 hour'
       from endpoints ep, generate_series(1, $2::integer) n where ep.id = $1
       returning id, tenant, workflow_id
     )
     insert into deliveries (id, event_id, endpoint_id, tenant, event_type, status, status_reason, attempt_count,
       max_attempts, last_classification, workflow_id, created_at, completed_at)
     select 'del' || substr(id, 4), id, $1, tenant, $3, $4, $5, 1, 12, $5, workflow_id, now() - interval '1 hour', now()
     from event returning id, event_id`,
    [endpointId, count, type, status, classification],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}
