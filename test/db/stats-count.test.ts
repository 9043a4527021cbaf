import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { endDeliveries, recordAttempts } from '../../src/db/open-deliveries/index.js';
import { transaction, type Pool } from '../../src/db/pool.js';
import { statsCompleteTo } from '../../src/db/stats.js';
import { countPage } from '../../src/db/stats-count.js';
import { STATS_SOURCES } from '../../src/db/stats-sources.js';
import {
  accept,
  addEndpoints,
  deleteEverything,
  newEvent,
  openTestDatabase,
  recordOf,
  testAttempt,
  type TestDatabase,
} from '../support/open-deliveries.js';
import { eventually } from '../support/eventually.js';
import { lockWaits } from '../support/lock-waits.js';
import { expectAllCounted, uncounted } from '../support/stats.js';

let pool: Pool;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  pool = database.pool;
});
afterAll(() => database.close());
beforeEach(async () => {
  await deleteEverything(database);
  await addEndpoints(pool, 2, { tenant: 'a' });
  await addEndpoints(pool, 1, { tenant: 'b' });
});

const now = async () => (await database.admin.query<{ now: Date }>('select now()')).rows[0]!.now.getTime();

/** Posts events of a tenant and records one attempt of each delivery, in turn delivered, failed and to be retried. */
async function attempts(tenant: string, count: number): Promise<void> {
  const events = await accept(
    pool,
    Array.from({ length: count }, (_, n) =>
      // At different days, with different durations.
      newEvent({ tenant, createdAt: new Date(Date.now() - n * 7_000_000) }),
    ),
  );
  const results = ['delivered', 'failed', 'retry'] as const;
  const records = events
    .flatMap(({ made }) => made)
    .map(({ id, claim }, n) => {
      const record = recordOf({ id, claim: claim! }, results[n % 3]!);
      const started_at = new Date(Date.now() - n * 1_000_000).toISOString();
      return { ...record, attempt: { ...record.attempt, started_at, latency_ms: 1.5 ** (n % 30) } };
    });
  await recordAttempts(pool, records);
}

it('counts every event, attempt and delivery once, in each of its scopes and widths', async () => {
  await attempts('a', 40);
  await attempts('b', 30);
  expect(await uncounted(database.admin)).toBeGreaterThan(500);
  // By pages that begin within a transaction, and by several at the same time.
  await Promise.all([1, 2, 3].map(() => expectAllCounted(database.admin, pool, 3)));
  await attempts('a', 5);
  await expectAllCounted(database.admin, pool);
});

it('waits for older transactions, so that what they insert is counted, too', async () => {
  await countPage(pool, 'events', 10);
  const older = await database.admin.connect();
  try {
    await older.query('begin');
    await older.query('select pg_current_xact_id()');
    const began = await now();
    await attempts('a', 3);
    expect(await countPage(pool, 'events', 10)).toBe(false);
    expect(await uncounted(database.admin)).toBeGreaterThan(0);
    expect((await statsCompleteTo(pool))?.getTime() ?? 0).toBeLessThan(began);
    const event = newEvent({ tenant: 'a' });
    await older.query(
      `insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, delivery_count)
       values ($1, 'a', 'late.event', '1', $1, $1, now(), 0)`,
      [event.id],
    );
  } finally {
    await older.query('commit');
    older.release();
  }
  await expectAllCounted(database.admin, pool);
  const ended = await now();
  await eventually(async () => {
    await attempts('a', 1);
    for (const source of STATS_SOURCES) await countPage(pool, source, 1_000);
    return ((await statsCompleteTo(pool))?.getTime() ?? 0) >= ended;
  });
});

it('counts a lost attempt, and a delivery that ended with it, by the late result', async () => {
  const [event] = await accept(pool, [newEvent({ tenant: 'b', maxAttempts: 1 })]);
  const { id, claim } = event!.made[0]!;
  const lost = { ...recordOf({ id, claim: claim! }, 'failed'), reason: 'WORKER_LOST' };
  await recordAttempts(pool, [{ ...lost, attempt: testAttempt({ classification: 'WORKER_LOST' }) }]);
  await expectAllCounted(database.admin, pool);
  const late = recordOf({ id, claim: claim! }, 'delivered');
  await recordAttempts(pool, [late]);
  await recordAttempts(pool, [late]);
  await expectAllCounted(database.admin, pool);
  const { rows } = await database.admin.query(
    `select measure, label, count::int from stats where tenant = '' and width = 'day' and count <> 0
       and measure in ('attempt', 'delivery') order by 1`,
  );
  expect(rows).toEqual([
    { measure: 'attempt', label: 'DELIVERED', count: 1 },
    { measure: 'delivery', label: 'DELIVERED', count: 1 },
  ]);
});

it('counts deliveries that end without an attempt', async () => {
  const events = await accept(pool, [newEvent({ tenant: 'a' }), newEvent({ tenant: 'b' })], {
    claimedBy: null,
  });
  const ids = events.flatMap(({ made }) => made.map(({ id }) => id));
  await transaction(pool, (db) => endDeliveries(db, ids, 'CANCELLED', 'enough'));
  await expectAllCounted(database.admin, pool);
});

it('counts a late result once, whether it comes before the count or after it', async () => {
  for (const counts of [[], ['before'], ['after'], ['before', 'after']]) {
    const [event] = await accept(pool, [newEvent({ tenant: 'b', maxAttempts: 1 })]);
    const { id, claim } = event!.made[0]!;
    const lost = { ...recordOf({ id, claim: claim! }, 'failed'), reason: 'WORKER_LOST' };
    await recordAttempts(pool, [{ ...lost, attempt: testAttempt({ classification: 'WORKER_LOST' }) }]);
    if (counts.includes('before')) await expectAllCounted(database.admin, pool);
    await recordAttempts(pool, [recordOf({ id, claim: claim! }, 'delivered')]);
    if (counts.includes('after')) await expectAllCounted(database.admin, pool);
  }
  await expectAllCounted(database.admin, pool);
  expect((await pool.query('select from stats_corrections')).rowCount).toBe(0);
});

it('counts URLs that are no registered endpoint by their tenant only', async () => {
  await database.admin.query(`update endpoints set ad_hoc_key = id where tenant = 'b'`);
  await attempts('b', 3);
  await expectAllCounted(database.admin, pool);
  const { rows } = await database.admin.query(
    `select distinct tenant, endpoint_id from stats where count <> 0 order by 1`,
  );
  expect(rows).toEqual([
    { tenant: '', endpoint_id: '' },
    { tenant: 'b', endpoint_id: '' },
  ]);
});

it('counts durations of any value', async () => {
  await attempts('a', 3);
  await database.admin.query(
    `update attempts set latency_ms = (case number % 3 when 0 then 'NaN' when 1 then 'Infinity' else '-1' end)::float8`,
  );
  await expectAllCounted(database.admin, pool);
});

it('counts everything anew after a restore, by the statements of docs/events.md', async () => {
  await attempts('a', 5);
  await expectAllCounted(database.admin, pool);
  // Another cluster had higher numbers.
  for (const table of ['events', 'attempts', 'deliveries', 'stats_progress'])
    await database.admin.query(`update ${table} set xid = '1000000000000'`);
  const docs = await readFile(new URL('../../docs/events.md', import.meta.url), 'utf8');
  const after = docs.slice(docs.indexOf('#### After a restore'));
  for (const [, statements] of after.matchAll(/^```\n(.*?)^```$/gms)) await database.admin.query(statements!);
  await attempts('a', 5);
  await expectAllCounted(database.admin, pool);
});

const countAll = async () => {
  for (const source of STATS_SOURCES) await countPage(pool, source, 1_000);
};
const issues = async () => {
  const { rows } = await pool.query<{ endpoint_id: string }>(
    'select endpoint_id, attempt_count::int from issues',
  );
  return rows;
};

it('leaves no issue behind where its endpoint is deleted meanwhile', async () => {
  await attempts('b', 3);
  const deleting = await database.admin.connect();
  let counting;
  try {
    await deleting.query('begin');
    await deleting.query(`select from endpoints where tenant = 'b' for update`);
    await deleting.query(`update endpoints set deleted_at = now() where tenant = 'b'`);
    await deleting.query('delete from issues');
    let isDone = false;
    counting = eventually(async () => {
      await countAll();
      const { rows } = await pool.query(
        'select from attempts where xid > (select xid from stats_progress where source = $1)',
        ['attempts'],
      );
      return rows.length === 0;
    }).finally(() => (isDone = true));
    await eventually(async () => isDone || (await lockWaits(database.admin)) > 0);
  } finally {
    await deleting.query('commit');
    deleting.release();
  }
  await counting;
  expect(await issues()).toEqual([]);
});

it('makes no issue of a correction of what was counted before the endpoint was registered', async () => {
  await database.admin.query(`update endpoints set ad_hoc_key = id where tenant = 'b'`);
  const [event] = await accept(pool, [newEvent({ tenant: 'b', maxAttempts: 1 })]);
  const { id, claim } = event!.made[0]!;
  const lost = { ...recordOf({ id, claim: claim! }, 'failed'), reason: 'WORKER_LOST' };
  await recordAttempts(pool, [{ ...lost, attempt: testAttempt({ classification: 'WORKER_LOST' }) }]);
  await expectAllCounted(database.admin, pool);
  await database.admin.query(`update endpoints set ad_hoc_key = null where tenant = 'b'`);
  await recordAttempts(pool, [recordOf({ id, claim: claim! }, 'delivered')]);
  await eventually(async () => {
    await countAll();
    return (await pool.query('select from stats_corrections')).rowCount === 0;
  });
  expect(await issues()).toEqual([]);
});
