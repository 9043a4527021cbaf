import { afterAll, beforeAll, expect, test } from 'vitest';
import { readAttemptFeed } from '../../src/db/attempt-feed.js';
import { nextOpen } from '../../src/db/cancel-deliveries.js';
import { listDeliveries, type DeliveryFilter } from '../../src/db/deliveries.js';
import { feedEnd, readFeed } from '../../src/db/event-feed.js';
import { FEED_START, type FeedPlace } from '../../src/db/feed-place.js';
import { getEvent, listEvents, type EventFilter, type NewEvent } from '../../src/db/events.js';
import { migrate } from '../../src/db/migrate.js';
import { countOpen } from '../../src/db/open-counts.js';
import { acceptEvents, recordAttempts } from '../../src/db/open-deliveries/index.js';
import { createPool, type Db, type Pool } from '../../src/db/pool.js';
import { DELIVERY_STATUSES } from '../../src/domain/delivery.js';
import { newId } from '../../src/lib/ids.js';
import { createDatabase } from '../support/service.js';
import { seedOpen } from '../support/seed.js';

const COUNT = 30_000;
/** Open deliveries, half of them held: a list may walk over these, in a part of the pages that the history has. */
const OPEN = 4_000;
const OPEN_PAGES = 300;
/** Far below the history or any large part of it: 30,000 deliveries are over 1,000 pages. */
const FEW_PAGES = 330;
/** For the rows shown: each is looked up, and whether it is held. */
const ROWS_PAGES = 1_500;
const PAGE = { limit: 50, cursor: null };

let pool: Pool;
let busy: string;
let failing: string;
let paused: string;
beforeAll(async () => {
  const databaseUrl = await createDatabase(`t_${newId('req').slice(4)}`);
  await migrate(databaseUrl);
  pool = createPool(databaseUrl, 1);
  await seed();
});
afterAll(() => pool.end());

/**
 * A third of the events is of tenant `big`, which never has the type `b`, though a fifth of all events has it; thirty
 * events have the type `c`. All ended deliveries went to the endpoint `busy`, or to `failing`, which has only failures.
 * Open ones wait for `busy`, and for `paused`, whose tenant has nothing else.
 */
async function seed(): Promise<void> {
  await pool.query("insert into tenants (id) values ('big'), ('mid'), ('tiny'), ('held')");
  const { rows } = await pool.query<{ id: string }>(`
    insert into endpoints (id, tenant, url, event_types, timeout_ms, status)
    select new_id('ep', now() + n * interval '1 second'), case n when 3 then 'held' else 'mid' end, 'http://127.0.0.1:9/',
      '{*}', 15000, case n when 3 then 'paused' else 'enabled' end
    from generate_series(1, 500) n returning id`);
  [busy, failing, paused] = rows.map((row) => row.id).sort() as [string, string, string];
  await pool.query(
    `insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, delivery_count)
     select new_id('evt', now() + n * interval '1 millisecond'),
       case when n % 3 = 0 then 'big' when n % 6000 = 1 then 'tiny' else 'mid' end,
       case when n % 1000 = 500 then 'c' when n % 3 > 0 and n % 10 < 3 then 'b' else 'a' end, '{}', 'key-' || n, 'deliver:' || n, now(), 1
     from generate_series(1, $1::integer) n`,
    [COUNT],
  );
  await pool.query(
    `insert into idempotency_keys (tenant, key, event_id, request_hash) select tenant, idempotency_key, id, '' from events`,
  );
  await pool.query(
    `insert into deliveries (id, event_id, endpoint_id, tenant, event_type, status, attempt_count, max_attempts, last_classification,
       workflow_id, created_at, completed_at)
     select 'del' || substr(id, 4), id, case when n % 100 = 0 then $2 else $1 end, tenant, type,
       case when n % 100 = 0 then 'FAILED' when n % 3000 = 7 then 'CANCELLED' else 'DELIVERED' end,
       1, 12, case when n % 100 = 0 or n % 3000 = 7 then 'TIMEOUT' else 'DELIVERED' end, workflow_id, now(), now()
     from (select *, substr(idempotency_key, 5)::integer as n from events) e order by id`,
    [busy, failing],
  );
  await pool.query(
    `insert into attempts (delivery_id, number, started_at, latency_ms, classification, detail)
     select id, 1, now(), 1, last_classification, '{}' from deliveries order by id`,
  );
  for (const endpointId of [busy, paused]) await seedOpen(pool, { endpointId, count: OPEN / 2, type: 'a' });
  await pool.query(
    `update open_deliveries set claimed_by = 'prc', claim_until = now() + interval '1 minute', attempt_count = 1
    where id in (select id from open_deliveries where endpoint_id = $1 order by id limit 10)`,
    [busy],
  );
  // In the order of ids, as accepted: a walk by id reads each page once.
  await pool.query('cluster open_deliveries using open_deliveries_pkey');
  for (const table of [
    'deliveries',
    'open_deliveries',
    'events',
    'idempotency_keys',
    'endpoints',
    'attempts',
  ])
    await pool.query(`vacuum (analyze) ${table}`);
}

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  'Shared Hit Blocks': number;
  'Shared Read Blocks': number;
  Plans?: Plan[];
}

/** Pages of events and ended deliveries that a plan reads. */
const historyPages = (plan: Plan): number =>
  /^(events|deliveries)/.test(plan['Relation Name'] ?? '')
    ? plan['Shared Hit Blocks'] + plan['Shared Read Blocks']
    : (plan.Plans ?? []).reduce((sum, child) => sum + historyPages(child), 0);

/** Runs `list` on a database that only explains each statement; returns how many pages they read. */
async function pagesOf(list: (db: Db) => Promise<unknown>): Promise<{ history: number; others: number }> {
  const pages = { history: 0, others: 0 };
  const explaining = {
    async query(text: string, values: unknown[]) {
      const { rows } = await pool.query<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
        `explain (analyze, buffers, format json) ${text}`,
        values,
      );
      const { Plan: plan } = rows[0]!['QUERY PLAN'][0];
      const history = historyPages(plan);
      pages.history += history;
      pages.others += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'] - history;
      // This row serves as an endpoint of its tenant, as a page of deliveries, and as the events of a key.
      return { rows: [{ id: newId('del'), ids: [newId('evt')] }] };
    },
  };
  await list(explaining as unknown as Db);
  return pages;
}

async function expectFewPages(list: (db: Db) => Promise<unknown>, of?: object | string): Promise<void> {
  const { history, others } = await pagesOf(list);
  expect(history, `history: ${JSON.stringify(of)}`).toBeLessThan(FEW_PAGES);
  expect(others, `others: ${JSON.stringify(of)}`).toBeLessThan(OPEN_PAGES + ROWS_PAGES);
}

test.for<DeliveryFilter>([
  {},
  { tenant: 'big' },
  { tenant: 'tiny' },
  { tenant: 'nobody' },
  ...DELIVERY_STATUSES.map((status) => ({ status })),
  { tenant: 'held', status: 'PENDING' },
  { tenant: 'held', status: 'HELD' },
  { tenant: 'mid', status: 'HELD' },
  { event_type: 'c' },
  { event_type: 'no.such' },
  { last_classification: 'TIMEOUT' },
  { last_classification: 'DNS_ERROR' },
  { batch_id: 'bat_none' },
  { event_id: 'evt_none' },
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
])('a list of deliveries reads few pages of the tables when filtered by %o', async (filter) => {
  await expectFewPages((db) => listDeliveries(db, filter, PAGE));
});

test('a list of deliveries of an endpoint reads few pages of the tables, even if none match', async () => {
  for (const filter of [
    { endpoint_id: busy },
    { endpoint_id: busy, status: 'FAILED' },
    { endpoint_id: busy, status: 'HELD' },
    { endpoint_id: busy, event_type: 'no.such' },
    { endpoint_id: busy, tenant: 'mid', event_type: 'c' },
    { endpoint_id: failing, status: 'DELIVERED' },
    { endpoint_id: failing, status: 'PENDING' },
    { endpoint_id: paused },
    { endpoint_id: paused, status: 'HELD' },
    { endpoint_id: paused, status: 'IN_PROGRESS' },
  ] satisfies DeliveryFilter[]) {
    await expectFewPages((db) => listDeliveries(db, filter, PAGE), filter);
  }
});

test('a list finds what holds a delivery only for the rows it shows', async () => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query('create sequence calls');
    await client.query(`create or replace function held_reason(tenant text, endpoint text) returns text language plpgsql as $$
      begin perform nextval('calls'); return 'counted'; end $$`);
    const calls = async (filter: DeliveryFilter) => {
      await client.query('alter sequence calls restart');
      const { data } = await listDeliveries(client, filter, PAGE);
      const { rows } = await client.query<{ calls: number }>(`select nextval('calls')::int - 1 as calls`);
      return { shown: data.length, calls: rows[0]!.calls };
    };
    for (const filter of [
      {},
      { tenant: 'held' },
      { endpoint_id: paused },
      { status: 'HELD' },
      { status: 'PENDING' },
      { status: 'IN_PROGRESS', tenant: 'held' },
      { status: 'HELD', tenant: 'mid' },
    ] satisfies DeliveryFilter[]) {
      const { shown, calls: made } = await calls(filter);
      // For the status and its reason, of the rows shown and of the one that says whether there are more.
      expect(made, JSON.stringify(filter)).toBeLessThanOrEqual(2 * (shown + 1));
    }
  } finally {
    await client.query('rollback');
    client.release();
  }
});

test.for(DELIVERY_STATUSES)(
  'a list of the status %s has the deliveries that are shown with it, page by page',
  async (status) => {
    const { rows } = await pool.query<{ id: string }>(
      'select id from all_deliveries where status = $1 order by id desc limit 300',
      [status],
    );
    const seen: { id: string; status: string }[] = [];
    for (let cursor: string | null = null; seen.length < rows.length; cursor = seen.at(-1)!.id) {
      const { data } = await listDeliveries(pool, { status }, { limit: 100, cursor });
      seen.push(...data);
      if (data.length < 100) break;
    }
    expect(seen.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    expect(seen.every((one) => one.status === status)).toBe(true);
  },
);

test.for([
  ['everything', `insert into control (scope, reason, paused_by) values ('all', 'r', 'a')`],
  ['a tenant', `insert into control (scope, reason, paused_by) values ('tenant:mid', 'r', 'a')`],
  [
    'every process by its file',
    `insert into processes (id, makes_attempts, paused) values ('prc_1', true, 'r'), ('prc_2', true, 'r')`,
  ],
  [
    'one process by its file',
    `insert into processes (id, makes_attempts, paused) values ('prc_1', true, 'r'), ('prc_2', true, null)`,
  ],
  [
    'an endpoint that is deleted since',
    `update endpoints set status = 'disabled', deleted_at = now() where tenant = 'held'`,
  ],
] as const)('lists and metrics agree with held_reason while %s is paused', async ([, change]) => {
  const client = await pool.connect();
  try {
    await client.query('begin');
    await client.query(change);
    const { rows } = await client.query<{ status: string; count: number }>(
      `select status, count(*)::int from all_deliveries where completed_at is null group by status`,
    );
    const count = (of: string) => rows.find(({ status }) => status === of)?.count ?? 0;
    expect((await countOpen(client)).byStatus).toEqual({
      PENDING: count('PENDING'),
      IN_PROGRESS: count('IN_PROGRESS'),
      HELD: count('HELD'),
    });
    for (const status of ['PENDING', 'IN_PROGRESS', 'HELD'] as const) {
      const { data } = await listDeliveries(client, { status }, { limit: 2 * OPEN, cursor: null });
      expect(data, status).toHaveLength(count(status));
    }
  } finally {
    await client.query('rollback');
    client.release();
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
  await expectFewPages((db) => listEvents(db, filter, PAGE));
});

test('an event of 5,000 open deliveries is read with its first 100 in few pages', async () => {
  await pool.query(`insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, delivery_count)
    values ('evt_wide', 'mid', 'wide', '{}', 'wide', 'deliver:wide', now(), 5000)`);
  await pool.query(
    `insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at, run_at, run_by)
     select new_id('del', now()), 'evt_wide', 'ep_' || lpad(n::text, 5, '0'), 'mid', 'wide', 12, 'deliver:wide~p' || n / 50, now(), now(),
       'queue' from generate_series(1, 5000) n`,
  );
  const event = await getEvent(pool, 'evt_wide');
  expect(event).toMatchObject({ delivery_count: 5_000 });
  expect(event!.deliveries.map(({ endpoint_id }) => endpoint_id)).toEqual(
    Array.from({ length: 100 }, (_, i) => `ep_${String(i + 1).padStart(5, '0')}`),
  );
  const { history, others } = await pagesOf((db) => getEvent(db, 'evt_wide'));
  expect(history + others).toBeLessThan(3_000);
  await pool.query(`delete from open_deliveries where event_id = 'evt_wide'`);
  await pool.query(`delete from events where id = 'evt_wide'`);
});

test('a page of the event feed reads few pages of the table at any cursor', async () => {
  const { rows } = await pool.query<FeedPlace>(
    'select xid::text as xid, id from events order by xid, id offset 20000 limit 1',
  );
  for (const place of [FEED_START, rows[0]!, await feedEnd(pool)]) {
    await expectFewPages((db) => readFeed(db, {}, place, 50), place.id);
  }
});

test('a page of the attempt feed reads few pages of the tables at any cursor, with a filter those of 1,000 attempts', async () => {
  const { rows } = await pool.query<FeedPlace>(
    `select xid::text as xid, delivery_id || ' 1' as id from attempts order by xid, delivery_id offset 20000 limit 1`,
  );
  for (const place of [null, FEED_START, rows[0]!, await feedEnd(pool)]) {
    await expectFewPages((db) => readAttemptFeed(db, {}, place, 50), place ?? 'newest');
    const { history, others } = await pagesOf((db) => readAttemptFeed(db, { tenant: 'no.such' }, place, 50));
    expect(history + others).toBeLessThan(8_000);
  }
});

test('finding open deliveries to cancel reads at most 2,000 rows at a time, and no history', async () => {
  for (const status of ['PENDING', 'IN_PROGRESS', 'HELD'] as const) {
    const filter = { status: [status], endpoint_id: busy, event_type: 'no.such' };
    const { history, others } = await pagesOf((db) => nextOpen(db, filter, { after: '', until: 'del_g' }));
    expect(history, status).toBeLessThan(20);
    expect(others, status).toBeLessThan(OPEN_PAGES);
  }
});

test('the metrics count open deliveries without reading the history', async () => {
  expect(await countOpen(pool)).toMatchObject({
    byStatus: { PENDING: OPEN / 2 - 10, IN_PROGRESS: 10, HELD: OPEN / 2 },
    overdue: 0,
    workflowStartsWaiting: 0,
  });
  const { history, others } = await pagesOf((db) => countOpen(db));
  expect(history).toBe(0);
  expect(others).toBeLessThan(OPEN_PAGES);
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
        `select sum(seq_tup_read)::integer as read from pg_stat_user_tables
         where relname like 'deliveries%' or relname like '%open_deliveries' or relname like 'events%'`,
      );
      return rows[0]!.read;
    };
    const before = await read();
    for (let i = 10; i < 30; i++) await deliver50(fresh, i);
    expect(await read()).toBe(before);
    const { rows } = await fresh.query(`select count(*)::int from deliveries where status = 'DELIVERED'`);
    expect(rows).toEqual([{ count: 1_500 }]);
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
  const stored = await acceptEvents(db, events, { claimedBy: 'prc_test', workflow: 'none' });
  await recordAttempts(
    db,
    stored
      .flatMap((one) => (one.kind === 'accepted' ? one.made : []))
      .map(({ id, claim }) => ({
        ...{ deliveryId: id, claim: claim!, status: 'DELIVERED', reason: null, gone: false },
        attempt: {
          ...{ id: newId('att'), number: 1, started_at: new Date().toISOString(), latency_ms: 1 },
          ...{ timings: null, remote_address: null, http_status: 200, classification: 'DELIVERED' },
          ...{ error: null, request_headers: {}, response_headers: {}, response_body: null },
          ...{ truncated: false, retry_after: null, next_attempt_at: null, stop_reason: null },
        },
      })),
  );
}
