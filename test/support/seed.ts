import type pg from 'pg';

export interface Seeded {
  id: string;
  event_id: string;
}

const EVENTS = `
  insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, delivery_count)
  select new_id('evt', now() - interval '1 hour' + n * interval '1 millisecond'), ep.tenant, $3, '{"n":' || n || '}',
    'seed-' || ep.id || '-' || n || $3, 'deliver:seed:' || ep.id || '-' || n || $3, now() - interval '1 hour', 1
  from endpoints ep, generate_series(1, $2::integer) n where ep.id = $1
  returning id, tenant, workflow_id`;

/** Inserts ended deliveries and their events, dated one hour ago; returns them oldest first. */
export async function seedDeliveries(
  db: Pick<pg.Pool, 'query'>,
  {
    endpointId,
    count,
    status = 'FAILED',
    type = 'order.created',
    classification = 'HTTP_4XX_PERMANENT',
    open = false,
  }: {
    endpointId: string;
    count: number;
    status?: string;
    type?: string;
    classification?: string;
    /** The deliveries are retrying instead: their next attempt is due in a day. */
    open?: boolean;
  },
): Promise<Seeded[]> {
  if (open) return seedOpen(db, { endpointId, count, type, attempts: 1 });
  const { rows } = await db.query<Seeded>(
    `with event as (${EVENTS})
     insert into deliveries (id, event_id, endpoint_id, tenant, event_type, status, status_reason, attempt_count,
       max_attempts, last_classification, workflow_id, created_at, completed_at)
     select 'del' || substr(id, 4), id, $1, tenant, $3, $4, $5, 1, 12, $5, workflow_id, now() - interval '1 hour', now()
     from event returning id, event_id`,
    [endpointId, count, type, status, classification],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** Inserts ready deliveries and their events, dated one hour ago and due in a day; returns them oldest first. */
export async function seedOpen(
  db: Pick<pg.Pool, 'query'>,
  {
    endpointId,
    count,
    type = 'order.created',
    attempts = 0,
  }: { endpointId: string; count: number; type?: string; attempts?: number },
): Promise<Seeded[]> {
  const { rows } = await db.query<Seeded>(
    `with event as (${EVENTS})
     insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, attempt_count, max_attempts,
       last_classification, workflow_id, created_at, run_at, run_by)
     select 'del' || substr(id, 4), id, $1, tenant, $3, $4, 12, case when $4 > 0 then 'TIMEOUT' end, workflow_id,
       now() - interval '1 hour', now() + interval '1 day', 'queue'
     from event returning id, event_id`,
    [endpointId, count, type, attempts],
  );
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1));
}
