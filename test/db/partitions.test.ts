import { readdir, readFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.js';
import { makePartitions } from '../../src/db/partitions.js';
import { newId } from '../../src/lib/ids.js';
import { query } from '../support/query.js';
import { createDatabase, eventually, startTestService, type TestService } from '../support/service.js';

const WEEK = 7 * 24 * 60 * 60 * 1000;

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

/** Retries, because locks of other sessions may be in the way for a moment. */
const made = (at: Date) => eventually(() => makePartitions(t.databaseUrl, at), 30_000);

const partitions = async (of: string) =>
  (
    await t.pool.query<{ name: string }>(
      'select inhrelid::regclass::text as name from pg_inherits where inhparent = $1::regclass order by 1',
      [of],
    )
  ).rows.map(({ name }) => name);

/** Acts like pg_dump: takes one snapshot, and locks every table against schema changes. */
async function startDump(databaseUrl: string): Promise<{ end(): Promise<void> }> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  await client.query('begin isolation level repeatable read read only');
  const { rows } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`,
  );
  await client.query(`lock table ${rows.map(({ name }) => name).join(', ')} in access share mode`);
  return { end: () => client.end() };
}

test('during a dump, new partitions wait while posts and lists go on; after it they are created', async () => {
  const later = new Date(Date.now() + 5 * WEEK);
  const before = await partitions('events');
  const dump = await startDump(t.databaseUrl);
  const statuses: number[] = [];
  try {
    let done = false;
    const making = makePartitions(t.databaseUrl, later).finally(() => (done = true));
    while (!done || statuses.length < 40) {
      const answers = await Promise.all([
        t.call('POST', '/v1/events', { type: 'a.b', payload: 1 }),
        t.call('GET', '/v1/events'),
        t.call('GET', '/v1/deliveries?status=FAILED'),
        t.call('GET', '/readyz'),
      ]);
      statuses.push(...answers.map(({ status }) => status));
    }
    expect(await making).toBe(false);
    expect(await partitions('events')).toEqual(before);
    expect([...new Set(statuses)].sort()).toEqual([200, 202]);
  } finally {
    await dump.end();
  }
  await made(later);
  expect(await partitions('events')).toHaveLength(before.length + 5);
});

test('processes that start together on an empty database migrate it once, and create each partition once', async () => {
  for (let round = 0; round < 5; round++) {
    const databaseUrl = await createDatabase(`together_${process.pid}_${round}`);
    const applied = await Promise.all([1, 2, 3].map(() => migrate(databaseUrl)));
    expect(applied.filter((names) => names.length > 0)).toHaveLength(1);
    await eventually(() => makePartitions(databaseUrl), 30_000);
  }
});

test('a process that starts during a dump is ready, even if a partition is missing', async () => {
  const [last] = (await partitions('attempts')).filter((name) => name !== 'attempts_default').slice(-1);
  await t.pool.query(`drop table ${last}`);
  const dump = await startDump(t.databaseUrl);
  try {
    const another = await startTestService({ databaseUrl: t.databaseUrl });
    try {
      expect((await another.call('GET', '/readyz')).status).toBe(200);
      expect((await another.call('POST', '/v1/events', { type: 'a.b', payload: 1 })).status).toBe(202);
    } finally {
      await another.stop();
    }
  } finally {
    await dump.end();
  }
});

test('a new partition has every index of its table once, and gets the rows of its week', async () => {
  const at = new Date(Date.now() + 20 * WEEK);
  await made(at);
  for (const [table, by, prefix] of [
    ['events', 'id', 'evt'],
    ['deliveries', 'id', 'del'],
    ['attempts', 'delivery_id', 'del'],
  ] as const) {
    const { rows } = await t.pool.query<Record<'QUERY PLAN', string>>(
      `explain select * from ${table} where ${by} = '${newId(prefix, at)}'`,
    );
    const [name] = new RegExp(`${table}_\\d{8}`).exec(JSON.stringify(rows))!;
    const { rows: indexes } = await t.pool.query(
      `select (select count(*)::int from pg_index where indrelid = $1::regclass) as of_table,
        (select count(*)::int from pg_index where indrelid = $2::regclass) as of_partition,
        (select count(*)::int from pg_index i join pg_inherits on inhrelid = indexrelid
          where indrelid = $2::regclass) as attached`,
      [table, name],
    );
    const { of_table } = indexes[0] as { of_table: number };
    expect(indexes).toEqual([{ of_table, of_partition: of_table, attached: of_table }]);
  }
});

test('a week with rows in the default partition gets no partition, and the other weeks still get theirs', async () => {
  const at = new Date(Date.now() + 30 * WEEK);
  const id = newId('del', at);
  await t.pool.query(
    `insert into attempts (delivery_id, number, started_at, latency_ms, classification, detail)
     values ($1, 1, now(), 0, 'DELIVERED', '{}')`,
    [id],
  );
  const before = (await partitions('attempts')).length;
  await made(at);
  expect(await partitions('attempts')).toHaveLength(before + 4);
  expect(
    (await t.pool.query('select tableoid::regclass::text as of from attempts where delivery_id = $1', [id]))
      .rows,
  ).toEqual([{ of: 'attempts_default' }]);
});

test('a migration waits for a dump without blocking writes, and runs after it', async () => {
  const databaseUrl = await createDatabase(`migrating_${process.pid}`);
  const folder = new URL('../../src/db/migrations/', import.meta.url);
  const files = (await readdir(folder)).sort();
  const db = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  try {
    await db.query('create table migrations (name text primary key, applied_at timestamptz default now())');
    for (const name of files.slice(0, -1)) {
      await db.query(await readFile(new URL(name, folder), 'utf8'));
      await db.query('insert into migrations (name) values ($1)', [name]);
    }
    const dump = await startDump(databaseUrl);
    let tries = 0;
    const migrating = migrate(databaseUrl, { waiting: () => (tries += 1) });
    try {
      await eventually(async () => tries > 0, 30_000);
      for (let i = 0; i < 20; i++) {
        await db.query(`set statement_timeout = '4s'`);
        await db.query('insert into tenants (id) values ($1)', [`tenant-${i}`]);
        await db.query('select count(*) from deliveries');
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      await eventually(async () => tries > 1, 30_000);
    } finally {
      await dump.end();
    }
    expect(await migrating).toEqual(files.slice(-1));
    expect(await migrate(databaseUrl)).toEqual([]);
  } finally {
    await db.end();
  }
});

test('a database made by another version is refused in one sentence, and not changed', async () => {
  const databaseUrl = await createDatabase(`of_another_${process.pid}`);
  await query(databaseUrl, 'create table migrations (name text primary key, applied_at timestamptz)');
  await query(databaseUrl, `insert into migrations (name) values ('0001_core.sql'), ('0009_of_another.sql')`);
  await expect(migrate(databaseUrl)).rejects.toThrow(
    /^The database was made by another version of Surehook \(its migration 0009_of_another\.sql is not known here\)/,
  );
  expect(
    await query(
      databaseUrl,
      `select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace`,
    ),
  ).toEqual([{ relname: 'migrations' }]);
});
