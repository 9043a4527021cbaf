import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordAttempts } from '../../src/db/attempts.js';
import { nextOpen } from '../../src/db/cancel-deliveries.js';
import { OPEN_STATUSES } from '../../src/domain/delivery.js';
import { listDeliveries, type DeliveryFilter } from '../../src/db/deliveries.js';
import { feedEnd, FEED_START, readFeed, type FeedPlace } from '../../src/db/event-feed.js';
import { acceptEvents, listEvents, type EventFilter, type NewEvent } from '../../src/db/events.js';
import { migrate } from '../../src/db/migrate.js';
import { createPool, type Db, type Pool } from '../../src/db/pool.js';
import { countOpenDeliveries } from '../../src/db/overdue-deliveries.js';
import { newId } from '../../src/lib/ids.js';
import { createDatabase } from '../support/service.js';

const COUNT = 30_000;
/** Far below the table or any large part of it: 30,000 deliveries are over 1,000 pages. */
const FEW_PAGES = 330;
const PAGE = { limit: 50, cursor: null };

let pool: Pool;
let busy: string;
let failing: string;
beforeAll(async () => {
  const databaseUrl = await createDatabase(`t_${newId('req').slice(4)}`);
  await migrate(databaseUrl);
  pool = createPool(databaseUrl, 1);
  await seed();
});
afterAll(() => pool.end());

/**
 * A third of the events is of tenant `big`, which never has the type `b`, though a fifth of all events has it; thirty
 * events have the type `c`. All deliveries went to the endpoint `busy`, or to `failing`, which has only failures.
 */
async function seed(): Promise<void> {
  await pool.query("insert into tenants (id) values ('big'), ('mid'), ('tiny')");
  const { rows } = await pool.query<{ id: string }>(`
    insert into endpoints (id, tenant, url, event_types, timeout_ms)
    select new_id('ep', now() + n * interval '1 second'), 'mid', 'http://127.0.0.1:9/', '{*}', 15000 from generate_series(1, 2) n returning id`);
  [busy, failing] = rows.map((row) => row.id).sort() as [string, string];
  await pool.query(
    `insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at)
     select new_id('evt', now() + n * interval '1 millisecond'),
       case when n % 3 = 0 then 'big' when n % 6000 = 1 then 'tiny' else 'mid' end,
       case when n % 1000 = 500 then 'c' when n % 3 > 0 and n % 10 < 3 then 'b' else 'a' end, '{}', 'key-' || n, 'deliver:' || n, now()
     from generate_series(1, $1::integer) n`,
    [COUNT],
  );
  await pool.query(
    `insert into deliveries (id, event_id, endpoint_id, tenant, event_type, status, attempt_count, max_attempts, last_classification,
       workflow_id, created_at, due_at)
     select 'del' || substr(id, 4), id, case when n % 100 = 0 then $2 else $1 end, tenant, type,
       case when n % 100 = 0 then 'FAILED' when n % 3000 = 7 then 'CANCELLED' when n % 3000 = 8 then 'IN_PROGRESS' else 'DELIVERED' end,
       1, 12, case when n % 100 = 0 or n % 3000 in (7, 8) then 'TIMEOUT' else 'DELIVERED' end, workflow_id, now(), now() + interval '1 day'
     from (select *, substr(idempotency_key, 5)::integer as n from events) e order by id`,
    [busy, failing],
  );
  await pool.query('vacuum (analyze) deliveries');
  await pool.query('vacuum (analyze) events');
}

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

/** Runs `list` on a database that only explains each statement; returns how many pages they read. */
async function pagesOf(list: (db: Db) => Promise<unknown>): Promise<number> {
  let pages = 0;
  const explaining = {
    async query(text: string, values: unknown[]) {
      const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain (analyze, buffers, format json) ${text}`,
        values,
      );
      const { Plan: plan } = rows[0]!['QUERY PLAN'][0];
      pages += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
      // This row serves as an endpoint of its tenant and as a page of deliveries.
      return { rows: [{ id: newId('del') }] };
    },
  };
  await list(explaining as unknown as Db);
  return pages;
}

test.for<DeliveryFilter>([
  {},
  { tenant: 'big' },
  { tenant: 'tiny' },
  { tenant: 'nobody' },
  { status: 'FAILED' },
  { status: 'CANCELLED' },
  { status: 'IN_PROGRESS' },
  { status: 'HELD' },
  { status: 'PENDING' },
  { event_type: 'c' },
  { event_type: 'no.such' },
  { last_classification: 'TIMEOUT' },
  { last_classification: 'DNS_ERROR' },
  { batch_id: 'bat_none' },
  { tenant: 'big', event_type: 'b' },
  { tenant: 'big', event_type: 'c' },
  { tenant: 'tiny', event_type: 'b' },
  { tenant: 'tiny', status: 'FAILED' },
  { tenant: 'big', status: 'CANCELLED', event_type: 'c' },
  { tenant: 'big', status: 'FAILED', event_type: 'b' },
  { tenant: 'tiny', last_classification: 'TIMEOUT' },
  { status: 'DELIVERED', last_classification: 'TIMEOUT' },
  { status: 'FAILED', last_classification: 'DELIVERED' },
  { status: 'FAILED', event_type: 'c' },
])('a list of deliveries reads few pages of the table when filtered by %o', async (filter) => {
  expect(await pagesOf((db) => listDeliveries(db, filter, PAGE))).toBeLessThan(FEW_PAGES);
});

test('a list of deliveries of an endpoint reads few pages of the table, even if none match', async () => {
  for (const filter of [
    { endpoint_id: busy },
    { endpoint_id: busy, status: 'FAILED' },
    { endpoint_id: busy, event_type: 'no.such' },
    { endpoint_id: busy, tenant: 'mid', event_type: 'c' },
    { endpoint_id: failing, status: 'DELIVERED' },
  ]) {
    expect(await pagesOf((db) => listDeliveries(db, filter, PAGE)), JSON.stringify(filter)).toBeLessThan(
      FEW_PAGES,
    );
  }
});

test('the deliveries of an endpoint filtered by another tenant are none', async () => {
  const list = (tenant: string) => listDeliveries(pool, { endpoint_id: busy, tenant }, PAGE);
  expect(await list('big')).toEqual({ data: [], next_cursor: null });
  expect((await list('mid')).data).toHaveLength(50);
});

test.for<EventFilter>([
  {},
  { tenant: 'big' },
  { type: 'c' },
  { type: 'no.such' },
  { tenant: 'big', type: 'b' },
  { tenant: 'tiny', type: 'c' },
  { idempotency_key: 'key-17' },
  { idempotency_key: 'key-none' },
  { tenant: 'big', idempotency_key: 'key-18' },
])('a list of events reads few pages of the table when filtered by %o', async (filter) => {
  expect(await pagesOf((db) => listEvents(db, filter, PAGE))).toBeLessThan(FEW_PAGES);
});

test('a page of the event feed reads few pages of the table at any cursor', async () => {
  const { rows } = await pool.query<FeedPlace>(
    'select xid::text as xid, id from events order by xid, id offset 20000 limit 1',
  );
  for (const place of [FEED_START, rows[0]!, await feedEnd(pool)]) {
    expect(await pagesOf((db) => readFeed(db, {}, place, 50)), place.id).toBeLessThan(FEW_PAGES);
  }
});

test('finding open deliveries to cancel reads few pages of the table, even for a busy endpoint', async () => {
  for (const status of OPEN_STATUSES) {
    const page = { status, after: '', until: 'del_g' };
    const filter = { endpoint_id: busy, event_type: 'a' };
    expect(await pagesOf((db) => nextOpen(db, filter, page)), status).toBeLessThan(FEW_PAGES);
  }
});

test('the metrics count open deliveries by reading fewer than 50 pages', async () => {
  expect(await countOpenDeliveries(pool)).toMatchObject({
    byStatus: { PENDING: 0, IN_PROGRESS: 10, HELD: 0 },
    overdue: 0,
  });
  expect(await pagesOf((db) => countOpenDeliveries(db))).toBeLessThan(50);
});

test('statements prepared on an empty table use its indexes when it is full', async () => {
  const databaseUrl = await createDatabase(`t_${newId('req').slice(4)}`);
  await migrate(databaseUrl);
  const fresh = createPool(databaseUrl, 1);
  try {
    await fresh.query("insert into tenants (id) values ('t')");
    await fresh.query(`insert into endpoints (id, tenant, url, event_types, timeout_ms)
      values (new_id('ep', now()), 't', 'http://127.0.0.1:9/', '{*}', 15000)`);
    // From its sixth execution on, a prepared statement keeps its plan.
    for (let i = 0; i < 10; i++) await deliver50(fresh, i);
    const read = async () => {
      await fresh.query('select pg_stat_force_next_flush()');
      const { rows } = await fresh.query<{ read: number }>(
        `select sum(seq_tup_read)::integer as read from pg_stat_user_tables where relname like 'deliveries%'`,
      );
      return rows[0]!.read;
    };
    const before = await read();
    for (let i = 10; i < 30; i++) await deliver50(fresh, i);
    expect(await read()).toBe(before);
  } finally {
    await fresh.end();
  }
});

/** Accepts a batch of 50 events, then records their attempts as a batch. */
async function deliver50(db: Pool, nth: number): Promise<void> {
  const events = Array.from({ length: 50 }, (_, i): NewEvent => ({
    ...{ id: newId('evt'), tenant: 't', type: 'a', payload: '{}', idempotencyKey: `key-${nth}-${i}` },
    ...{ requestHash: '00'.repeat(32), workflowId: `deliver:t:${nth}-${i}`, maxAttempts: 12 },
    ...{ createdAt: new Date(), endpointIds: null },
  }));
  const stored = await acceptEvents(db, events, { lane: 'direct', dueInMs: 60_000, heldLane: 'any' });
  await recordAttempts(
    db,
    stored
      .flatMap((one) => (one.kind === 'accepted' ? one.event.deliveries : []))
      .map(({ id }) => ({
        deliveryId: id,
        ...{ status: 'DELIVERED', reason: null, gone: false },
        attempt: {
          ...{
            id: newId('att'),
            number: 1,
            started_at: new Date().toISOString(),
            latency_ms: 1,
            timings: null,
          },
          ...{ remote_address: null, http_status: 200, classification: 'DELIVERED', error: null },
          ...{ request_headers: {}, response_headers: {}, response_body: null, truncated: false },
          ...{ retry_after: null, next_attempt_at: null },
        },
      })),
  );
}
