import pg from 'pg';
import { migrate } from '../src/db/migrate.js';

const WEEK_MS = 7 * 24 * 60 * 60 * 1_000;
const EVENTS = 490_000;
const REPLAYED = 20_000;

/** Share of all events, in turn: one tenant has a third, thirty nearly all of the rest, twenty next to nothing. */
const TENANTS: [name: string, share: number][] = Array.from({ length: 100 }, (_, i) => {
  if (i === 0) return ['big', 0.3];
  return [`tenant-${i}`, i < 30 ? 0.02 : i < 80 ? 0.00236 : 0.0001];
});
/** From a third of all events down to about a hundred. */
const TYPES: [name: string, share: number][] = [
  ['order.created', 0.352],
  ['order.paid', 0.2],
  ['order.shipped', 0.1],
  ['invoice.created', 0.08],
  ['invoice.paid', 0.06],
  ['invoice.overdue', 0.05],
  ['customer.created', 0.04],
  ['customer.updated', 0.03],
  ['customer.deleted', 0.025],
  ['cart.abandoned', 0.02],
  ['refund.created', 0.015],
  ['refund.failed', 0.01],
  ['payout.created', 0.007],
  ['payout.failed', 0.005],
  ['dispute.created', 0.003],
  ['dispute.won', 0.0015],
  ['dispute.lost', 0.0007],
  ['plan.changed', 0.0004],
  ['key.rotated', 0.0002],
  ['account.closed', 0.0002],
];
/** Classifications of failed attempts. */
const FAULTS: [name: string, share: number][] = [
  ['HTTP_5XX_RETRYABLE', 0.4],
  ['HTTP_4XX_PERMANENT', 0.3],
  ['TIMEOUT', 0.2],
  ['NETWORK_ERROR', 0.08],
  ['RATE_LIMITED', 0.015],
  ['GONE', 0.004],
  ['WORKER_LOST', 0.001],
];

/**
 * 1,000,000 deliveries as a week would have left them: 490,000 events with two each, and a replay batch of 20,000. 97 %
 * are DELIVERED, 2 % FAILED, 1 % wait for a retry, some hundred are HELD or CANCELLED; each that was tried has its last
 * attempt. Two common values that never meet are there as well: the big tenant sends no `order.shipped`, and one
 * endpoint of tenant-1 has only failures.
 */
export async function seedListing(databaseUrl: string): Promise<void> {
  // The partitions a product that has run for a week has.
  await migrate(databaseUrl, { now: new Date(Date.now() - WEEK_MS) });
  const db = new pg.Client(databaseUrl);
  await db.connect();
  try {
    // The same rows at every run, but for their ids.
    await db.query('select setseed(0.5)');
    await seedEndpoints(db);
    await seedEvents(db);
    await seedDeliveries(db);
    await seedReplays(db);
    await seedAttempts(db);
    // As autovacuum leaves it.
    await db.query('vacuum (analyze) events, deliveries, open_deliveries, attempts, endpoints, tenants');
  } finally {
    await db.end();
  }
}

/** One of a list at random, each as often as its share says; as SQL. */
function oneOf(list: [name: string, share: number][], random = 'random()'): string {
  let sum = 0;
  const bounds = list.slice(0, -1).map(([, share]) => (sum += share).toFixed(6));
  return `('{${list.map(([name]) => name).join()}}'::text[])[1 + width_bucket(${random}, '{${bounds.join()}}'::float8[])]`;
}

/** 208 of the big tenant, 8 of each other. Nobody listens there; of some tenants, one is paused. */
async function seedEndpoints(db: pg.Client): Promise<void> {
  await db.query('insert into tenants (id) select unnest($1::text[]) on conflict do nothing', [
    TENANTS.map(([name]) => name),
  ]);
  await db.query(`
    insert into endpoints (id, tenant, url, event_types, timeout_ms, status, status_reason)
    select new_id('ep', now() - interval '8 days' + nth * interval '1 second'), id, 'http://127.0.0.1:9/' || id || '/' || nth,
      '{*}', 15000, paused.*
    from tenants, generate_series(1, case id when 'big' then 208 else 8 end) nth,
      lateral (select case when nth = 8 and id like 'tenant-4%' then 'paused' else 'enabled' end,
        case when nth = 8 and id like 'tenant-4%' then 'manual' end) paused`);
  await db.query(
    'create temp table seed as select tenant, array_agg(id order by id) as ids from endpoints group by tenant',
  );
}

async function seedEvents(db: pg.Client): Promise<void> {
  await db.query(`
    insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, delivery_count)
    select new_id('evt', at), tenant, case when tenant = 'big' and type = 'order.shipped' then 'order.created' else type end,
      '{"order_id":"' || n || '","total":49.9,"note":"' || repeat('x', 110) || '"}', 'seed-' || key, 'deliver:' || tenant || ':seed-' || key, at, 2
    from (
      select n, md5(n::text) as key, now() - interval '7 days' + n * (interval '7 days' / ${EVENTS}) as at,
        ${oneOf(TENANTS)} as tenant, ${oneOf(TYPES)} as type
      from generate_series(1, ${EVENTS} - 1) n offset 0) made`);
}

/** The first of an event to any endpoint of its tenant, of the big one often to the same; the second to another. */
async function seedDeliveries(db: pg.Client): Promise<void> {
  await db.query(`
    create temp table made as
    select new_id('del', e.created_at) as id, e.id as event_id, ep.id as endpoint_id, e.tenant, e.type as event_type,
      d.status, case d.status when 'FAILED' then d.fault when 'CANCELLED' then 'cancelled by admin' end as status_reason,
      case when d.status in ('PENDING', 'HELD') then 0 else 1 end as attempt_count, 12 as max_attempts,
      case when d.status = 'DELIVERED' then d.status when d.status not in ('PENDING', 'HELD') then d.fault end as last_classification,
      e.workflow_id, e.created_at
    from events e
      cross join lateral (select nth, e.id, random() as place, random() as luck, ${oneOf(FAULTS)} as fault
        from generate_series(1, 2) nth offset 0) r
      join seed on seed.tenant = e.tenant
      cross join lateral (select case
        when e.tenant = 'tenant-1' and nth = 2 then 1
        when e.tenant = 'big' and nth = 1 and place < 0.3 then 1
        else 1 + floor(place * cardinality(ids))::int end as number) which
      cross join lateral (select ids[which.number] as id) ep
      cross join lateral (select fault, case
        when e.tenant = 'tenant-1' and nth = 2 then 'FAILED'
        when e.tenant like 'tenant-4%' and which.number = 8 and e.created_at > now() - interval '1 day' then 'HELD'
        when luck < 0.01 then 'FAILED'
        when luck < 0.02 then 'IN_PROGRESS'
        when luck < 0.0203 then 'CANCELLED'
        when luck < 0.02035 then 'PENDING'
        else 'DELIVERED' end as status) d
    order by e.id, nth`);
  const kept = `id, event_id, endpoint_id, tenant, event_type, status_reason, attempt_count, max_attempts, last_classification,
    workflow_id, created_at`;
  const hasEnded = `status in ('DELIVERED', 'FAILED', 'CANCELLED')`;
  await db.query(`
    insert into deliveries (${kept}, status, completed_at)
    select ${kept}, status, created_at + interval '20 ms' from made where ${hasEnded} order by id`);
  await db.query(`
    insert into open_deliveries (${kept}, run_at, run_by)
    select ${kept}, now() + interval '1 day', 'queue' from made where not ${hasEnded}`);
}

async function seedReplays(db: pg.Client): Promise<void> {
  await db.query(`
    with batch as (
      insert into batches (id, status, dry_run, selection, rate_per_second, created_by, due_at)
      values (new_id('bat', now() - interval '1 day'), 'COMPLETED', false, '{"filter":{"tenant":"tenant-2"}}', 0, 'bench', null)
      returning id
    )
    insert into deliveries (id, event_id, endpoint_id, tenant, event_type, status, attempt_count, max_attempts,
      last_classification, source_delivery_id, batch_id, workflow_id, created_at, completed_at)
    select new_id('del', at), event_id, endpoint_id, tenant, event_type, 'DELIVERED', 1, 12, 'DELIVERED', source.id, batch.id,
      'deliver:' || source.tenant || ':' || source.id, at, at
    from batch, (select *, now() - interval '1 day' + row_number() over (order by id) * interval '10 ms' as at
      from deliveries where tenant in ('tenant-2', 'tenant-3') order by id limit ${REPLAYED}) source`);
}

async function seedAttempts(db: pg.Client): Promise<void> {
  await db.query(`
    insert into attempts (delivery_id, number, started_at, latency_ms, classification, http_status, detail)
    select d.id, 1, d.created_at, 12.5, last_classification, 200, jsonb_build_object('id', new_id('att', d.created_at), 'number', 1,
      'started_at', d.created_at, 'latency_ms', 12.5, 'timings', null, 'remote_address', '127.0.0.1', 'http_status', 200,
      'classification', last_classification, 'error', null, 'request_headers', '{"content-type":"application/json","webhook-attempt":"1"}'::jsonb,
      'response_headers', '{"date":"Tue, 24 Nov 2026 06:55:13 GMT","connection":"keep-alive"}'::jsonb, 'response_body', 'ok',
      'truncated', false, 'retry_after', null, 'next_attempt_at', null)
    from all_deliveries d where last_classification is not null order by d.id`);
}
