import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { planPage } from '../../src/db/batch-plan.js';
import { createPool } from '../../src/db/pool.js';
import type { BatchPlan } from '../../src/domain/batch.js';
import { createEndpoint } from '../support/path.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  // No worker plans these batches: the tests make each page themselves.
  t = await startTestService({ pollEveryMs: 3_600_000 });
});
afterAll(() => t.stop());
beforeEach(() => {
  tenant = `plan_${nth++}`;
});

const PAGE = 2_500;

async function newBatch(selection: object, ids: string[] | null = null): Promise<string> {
  // As autovacuum does within a minute. Statistics from before the seeds would choose another index, or not, by chance.
  await t.pool.query('analyze deliveries, open_deliveries, events');
  const { rows } = await t.pool.query<{ id: string }>(
    `insert into batches (id, dry_run, selection, delivery_ids, rate_per_second, created_by, due_at)
     values (new_id('bat', now()), true, $1, $2, 0, 'test', null) returning id`,
    [JSON.stringify({ include_delivered: false, ...selection }), ids],
  );
  return rows[0]!.id;
}

async function newEndpoints(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < count; i++) {
    ids.push((await createEndpoint(t, 'http://127.0.0.1:9/', { tenant })).id);
  }
  return ids;
}

interface Reads {
  items: number;
  deliveries: number;
}

/** Rows and index entries read of the tables of a plan, by all connections that have closed. */
async function readsSoFar(): Promise<Reads> {
  const { rows } = await t.pool.query<Reads>(
    `with read as (
       select relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as count from pg_stat_user_tables
       union all select relname, idx_tup_read from pg_stat_user_indexes)
     select coalesce(sum(count) filter (where relname like 'batch%'), 0)::int as items,
       coalesce(sum(count) filter (where relname like 'deliveries%'), 0)::int as deliveries from read`,
  );
  return rows[0]!;
}

/** Makes one page on a connection of its own, whose statistics are complete once it has closed. */
async function planOnePage(id: string): Promise<{ more: boolean; reads: Reads }> {
  const before = await readsSoFar();
  const pool = createPool(t.databaseUrl, 1);
  const { rows } = await pool.query<{ pid: number }>('select pg_backend_pid() as pid');
  const more = await planPage(pool, id);
  await pool.end();
  await eventually(async () => {
    const { rowCount } = await t.pool.query('select from pg_stat_activity where pid = $1', [rows[0]!.pid]);
    return rowCount === 0;
  });
  const after = await readsSoFar();
  const reads = { items: after.items - before.items, deliveries: after.deliveries - before.deliveries };
  return { more, reads };
}

/** Makes all pages; returns the most that one of them read. */
async function plan(id: string): Promise<{ pages: number; most: Reads; plan: BatchPlan }> {
  const most: Reads = { items: 0, deliveries: 0 };
  for (let pages = 1; ; pages++) {
    const { more, reads } = await planOnePage(id);
    most.items = Math.max(most.items, reads.items);
    most.deliveries = Math.max(most.deliveries, reads.deliveries);
    if (more) continue;
    const { rows } = await t.pool.query<{ plan: BatchPlan }>('select plan from batches where id = $1', [id]);
    return { pages, most, plan: rows[0]!.plan };
  }
}

/** The plan as its items say it, sorted and counted all at once. */
async function planOfItems(id: string): Promise<BatchPlan> {
  const list = async <T>(sql: string) => (await t.pool.query<T & object>(sql, [id])).rows;
  const counts = <T>(column: string, status: string, limit: number) =>
    list<T>(
      `select ${column}, count(*)::int as count from batch_items where batch_id = $1 and status = '${status}'
       group by ${column} order by count desc, ${column} limit ${limit}`,
    );
  const [of] = await list<{ total: number; eligible: number }>(
    `select count(*)::int as total, count(*) filter (where status = 'PLANNED')::int as eligible
     from batch_items where batch_id = $1`,
  );
  const reasons = await counts<{ reason: string; count: number }>('reason', 'SKIPPED', 100);
  return {
    ...of!,
    skipped_by_reason: Object.fromEntries(reasons.map(({ reason, count }) => [reason, count])),
    skipped: await list(
      `select source_delivery_id as delivery_id, reason from batch_items
       where batch_id = $1 and status = 'SKIPPED' order by number limit 100`,
    ),
    by_endpoint: await counts('endpoint_id', 'PLANNED', 100),
    by_event_type: await counts('event_type', 'PLANNED', 100),
  };
}

test('no page of 60,000 items reads more items than a page, and the plan is what all items say', async () => {
  const endpoints = await newEndpoints(120);
  for (const [i, endpointId] of endpoints.entries()) {
    const type = `order.${i % 7}`;
    await seedDeliveries(t.pool, { endpointId, count: 495 + (i % 4), type });
    if (i % 10 === 0) {
      await seedDeliveries(t.pool, { endpointId, count: 30, type: 'order.open', open: true });
    }
  }
  // A second delivery of the same event to the same endpoint, on a later page.
  const { rows } = await t.pool.query<{ total: number }>(
    `with again as (
       insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
         status, status_reason, last_classification, attempt_count, completed_at)
       select new_id('del', now() - interval '10 minutes'), event_id, endpoint_id, tenant, event_type, 12,
         'none:' || id, now(), 'CANCELLED', 'test', 'HTTP_4XX_PERMANENT', 1, now()
       from deliveries where tenant = $1 and status = 'FAILED' order by id limit 300 returning 1)
     select ((select count(*) from again) + (select count(*) from all_deliveries where tenant = $1))::int as total`,
    [tenant],
  );
  const filter = { tenant, status: ['FAILED', 'IN_PROGRESS', 'CANCELLED'] };
  const id = await newBatch({ filter });
  const made = await plan(id);
  expect(made.plan.total).toBe(rows[0]!.total);
  expect(made.pages).toBe(Math.floor(rows[0]!.total / PAGE) + 1);
  expect(made.plan.skipped_by_reason).toEqual({ duplicate: 300, in_progress: 360 });
  expect(made.plan.by_endpoint).toHaveLength(100);
  expect(made.plan).toEqual(await planOfItems(id));
  expect(made.most.items).toBeLessThan(16 * PAGE);
});

test('events an endpoint has missed are looked for a page at a time', async () => {
  const [busy] = (await newEndpoints(1)) as [string];
  await seedDeliveries(t.pool, { endpointId: busy, count: 20_000 });
  const { total } = (await plan(await newBatch({ missing: { endpoint_id: busy } }))).plan;
  expect(total).toBe(0);
  const [late] = (await newEndpoints(1)) as [string];
  const made = await plan(await newBatch({ missing: { endpoint_id: late } }));
  expect(made.plan).toMatchObject({ total: 20_000, eligible: 20_000 });
  expect(made.most.items).toBeLessThan(16 * PAGE);
});

test('a page of missed events ends where a filter has much to do, and the pages find all of them', async () => {
  const [first] = (await newEndpoints(1)) as [string];
  await seedDeliveries(t.pool, { endpointId: first, count: 60 });
  const [last] = (
    await t.pool.query<{ id: string }>('select max(id) as id from events where tenant = $1', [tenant])
  ).rows;
  // 20 KB and 800 elements: with 50 values, each is bounded by 200,000 comparisons, and a page by 2,000,000.
  await t.pool.query('update events set payload = $2 where tenant = $1', [
    tenant,
    JSON.stringify({ a: Array(800).fill('x'.repeat(22)) }),
  ]);
  await t.pool.query('update events set payload = $2 where id = $1', [last!.id, '{"a":7}']);
  const late = await createEndpoint(t, 'http://127.0.0.1:9/', {
    tenant,
    filter: { a: { $in: Array.from({ length: 50 }, (_, i) => i) } },
  });
  const made = await plan(await newBatch({ missing: { endpoint_id: late.id } }));
  expect(made.plan).toMatchObject({ total: 1, eligible: 1 });
  expect(made.pages).toBe(7);
});

test('chosen ids are looked up one by one, however many deliveries lie between them', async () => {
  const [endpointId] = (await newEndpoints(1)) as [string];
  const seeded = await seedDeliveries(t.pool, { endpointId, count: 40_000 });
  await t.pool.query('analyze deliveries');
  const ids = seeded.filter((_one, i) => i % 1_000 === 0).map((one) => one.id);
  const made = await plan(await newBatch({ delivery_id_count: ids.length, tenant: null }, ids));
  expect(made.plan).toMatchObject({ total: 40, eligible: 40 });
  expect(made.most.deliveries).toBeLessThan(1_000);
});
