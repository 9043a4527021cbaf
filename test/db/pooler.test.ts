import { afterEach, expect, test } from 'vitest';
import { isDatabaseAway } from '../../src/db/away.js';
import { createPool, transaction } from '../../src/db/pool.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { hasPgBouncer, startPgBouncer, type PgBouncer } from '../support/pgbouncer.js';
import { startReceiver } from '../support/receiver.js';
import { createDatabase, startTestService } from '../support/service.js';

let databases = 0;
const database = () => createDatabase(`pooled_${process.pid}_${(databases += 1)}`);

const release: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

async function bouncer(settings: string[], url?: string): Promise<PgBouncer> {
  const one = await startPgBouncer(url ?? (await database()), settings);
  release.push(() => one.stop());
  return one;
}

const pgBouncer = test.skipIf(!hasPgBouncer);

pgBouncer('behind a PgBouncer in session mode events are delivered; a mode change gives no 500', async () => {
  const { url, reload } = await bouncer(['pool_mode = session', 'default_pool_size = 50']);
  const receiver = await startReceiver();
  release.push(() => receiver.close());
  const t = await startTestService({ databaseUrl: url });
  release.push(() => t.stop());
  await createEndpoint(t, receiver.url);
  const event = await postEvent(t, {});
  expect(await deliveryIn(t, event.deliveries[0]!.id)).toMatchObject({ status: 'DELIVERED' });
  expect((await t.call('GET', '/readyz')).body).toMatchObject({ status: 'ok' });

  // The mode changes while Surehook runs: no answer may be a 500.
  await reload(['pool_mode = transaction', 'default_pool_size = 3', 'server_lifetime = 1']);
  const statuses = new Set<number>();
  for (let round = 0; round < 10; round++) {
    const posts = Array.from({ length: 20 }, () => t.call('POST', '/v1/events', { type: 'a.b', payload: 1 }));
    const lists = Array.from({ length: 5 }, () => t.call('GET', '/v1/deliveries?status=FAILED'));
    for (const { status } of await Promise.all([...posts, ...lists])) statuses.add(status);
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect([...statuses].filter((status) => ![200, 202, 503].includes(status))).toEqual([]);
});

pgBouncer.each([
  [['pool_mode = transaction'], /gives each transaction another connection.*pool_mode = session\.$/],
  [['pool_mode = transaction', 'default_pool_size = 2', 'server_round_robin = 1'], /each transaction/],
  [['pool_mode = statement'], /each transaction/],
  [
    ['pool_mode = session', 'default_pool_size = 5'],
    /gives 5 of 29 connections .*; raise its default_pool_size\.$/,
  ],
])(
  'behind a PgBouncer with %j Surehook does not start, and says why in one line',
  async (settings, why) => {
    const { url } = await bouncer(settings);
    const started = startTestService({ databaseUrl: url });
    started.then(
      (t) => release.push(() => t.stop()),
      () => {},
    );
    const error = await started.then(
      () => null,
      (reason: Error) => reason,
    );
    expect(error?.message).toMatch(/^The Postgres of DATABASE_URL, at 127\.0\.0\.1:\d+, cannot be used: /);
    expect(error?.message).toMatch(why);
    expect(error?.message).not.toContain('\n');
  },
  60_000,
);

pgBouncer('settings in the URL that a PgBouncer refuses are reported in one line', async () => {
  const { url } = await bouncer(['pool_mode = session']);
  await expect(startTestService({ databaseUrl: `${url}?options=-c%20jit%3Doff` })).rejects.toThrow(
    /^The Postgres of DATABASE_URL, at 127\.0\.0\.1:\d+, cannot be used: unsupported startup parameter: options\.$/,
  );
});

test('a lost prepared statement counts as the database being away, and costs only its connection', async () => {
  const pool = createPool(await database(), 1);
  release.push(() => pool.end());
  const named = { name: 'named', text: 'select 1 as one' };
  await pool.query(named);
  await pool.query('deallocate all');
  const failure = await pool.query(named).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: '26000' });
  expect(isDatabaseAway(failure)).toBe(true);
  expect((await pool.query(named)).rows).toEqual([{ one: 1 }]);

  await pool.query('deallocate all');
  const inTransaction = transaction(pool, (db) => db.query(named));
  await expect(inTransaction).rejects.toMatchObject({ code: '26000' });
  expect((await transaction(pool, (db) => db.query(named))).rows).toEqual([{ one: 1 }]);
});

test('a table change after a statement was prepared counts as the database being away, once', async () => {
  const pool = createPool(await database(), 1);
  release.push(() => pool.end());
  await pool.query('create table changing (a int)');
  const named = { name: 'all', text: 'select * from changing' };
  await pool.query(named);
  await pool.query('alter table changing add column b int');
  const failure = await transaction(pool, (db) => db.query(named)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ code: '0A000' });
  expect(isDatabaseAway(failure)).toBe(true);
  expect((await transaction(pool, (db) => db.query(named))).rows).toEqual([]);
});

test('the settings of a connection are made by a statement, not by startup parameters', async () => {
  const pool = createPool(await database(), 2, { planOnce: true });
  release.push(() => pool.end());
  const { rows } = await pool.query<{ setting: string }>(
    `select current_setting(name) as setting from unnest(array['statement_timeout', 'idle_in_transaction_session_timeout',
       'enable_seqscan', 'enable_bitmapscan', 'plan_cache_mode', 'application_name']) as s (name)`,
  );
  expect(rows.map(({ setting }) => setting)).toEqual([
    ...['4500ms', '10s', 'off', 'off', 'force_generic_plan', 'surehook'],
  ]);
});
