import { randomBytes } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { migrate } from '../../src/db/migrate.js';
import { newId } from '../../src/lib/ids.js';
import { createDatabase, startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

/** Tables, columns, constraints, indexes, functions and views as the catalogue has them; the dated partitions left out. */
async function dumpSchema(): Promise<string> {
  const lines = async (sql: string) =>
    (await t.pool.query<{ line: string }>(sql)).rows.map((row) => row.line);
  const ours = `c.relnamespace = 'public'::regnamespace and not c.relispartition`;
  const parts = await Promise.all([
    lines(`select format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
        case when a.attnotnull then ' not null' else '' end,
        coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) as line
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
      where c.relkind in ('r', 'p') and ${ours} order by c.relname, a.attnum`),
    lines(`select format('%s: %s', c.relname, pg_get_constraintdef(k.oid)) as line
      from pg_constraint k join pg_class c on c.oid = k.conrelid
      where ${ours} and k.contype <> 'n' order by c.relname, k.contype, k.conname`),
    lines(`select pg_get_indexdef(c.oid) as line from pg_class c
      where c.relkind in ('i', 'I') and ${ours} order by c.relname`),
    lines(`select format('%s partition by %s', c.relname, pg_get_partkeydef(c.oid)) as line from pg_class c
      where c.relkind = 'p' and ${ours} order by c.relname`),
    lines(`select pg_get_functiondef(p.oid) as line from pg_proc p
      where p.pronamespace = 'public'::regnamespace order by p.proname`),
    lines(`select format('%s as%s', c.relname, pg_get_viewdef(c.oid)) as line from pg_class c
      where c.relkind = 'v' and ${ours} order by c.relname`),
  ]);
  return `${parts.map((part) => part.join('\n')).join('\n\n')}\n`;
}

test('the committed schema is the result of the migrations (`npm run schema` writes it)', async () => {
  const file = 'src/db/schema.txt';
  const schema = await dumpSchema();
  if (process.env.UPDATE_SCHEMA) await writeFile(file, schema);
  expect(await readFile(file, 'utf8')).toBe(schema);
});

test('migrating again, from several processes at once, changes nothing', async () => {
  expect(await Promise.all([1, 2, 3].map(() => migrate(t.databaseUrl)))).toEqual([[], [], []]);
});

test('a database whose secrets an earlier version has encrypted is refused, and stays as it is', async () => {
  const url = await createDatabase(`earlier_${randomBytes(6).toString('hex')}`);
  const db = new pg.Client({ connectionString: url });
  await db.connect();
  await db.query('create table migrations (name text primary key, applied_at timestamptz default now())');
  const folder = 'src/db/migrations/';
  for (const name of (await readdir(folder)).sort().slice(0, 3)) {
    await db.query(await readFile(folder + name, 'utf8'));
    await db.query('insert into migrations (name) values ($1)', [name]);
  }
  await db.query(`insert into encryption_check (sealed) values ('\\x00')`);
  await expect(migrate(url)).rejects.toThrow(
    'The database was made by an earlier version of Surehook, whose secrets this version cannot read: use an empty database',
  );
  const { rows } = await db.query(
    `select (select count(*)::int from migrations), to_regclass('encryption_keys') is null as unchanged`,
  );
  expect(rows).toEqual([{ count: 3, unchanged: true }]);
  await db.end();
});

test('a look-up by id reads one partition, and the current week has its own', async () => {
  const { rows } = await t.pool.query<Record<'QUERY PLAN', string>>(
    `explain select * from events where id = '${newId('evt')}'`,
  );
  const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
  expect(plan).toMatch(/events_\d{8}/);
  expect(plan).not.toContain('events_default');
});

test('ids made in SQL have the format and order of ids made in code', async () => {
  const at = new Date('2026-02-03T04:05:06.789Z');
  const { rows } = await t.pool.query<{ id: string }>(`select new_id('del', $1::timestamptz) as id`, [at]);
  expect(rows[0]!.id).toMatch(/^del_[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  expect(rows[0]!.id.slice(0, 16)).toBe(newId('del', at).slice(0, 16));
});
