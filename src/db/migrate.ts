import { readdir, readFile } from 'node:fs/promises';
import { lowestId, type IdPrefix } from '../ids.js';
import pg from 'pg';
import type { Db } from './pool.js';
import { reasonOf, unusable } from './unusable.js';

const FOLDER = new URL('./migrations/', import.meta.url);
// Any fixed number: two processes that start together migrate one after the other.
const LOCK = 727_480_001;
const WEEK = 7 * 24 * 60 * 60 * 1000;
const PARTITIONED: [table: string, prefix: IdPrefix][] = [
  ['events', 'evt'],
  ['deliveries', 'del'],
  ['attempts', 'att'],
];

/**
 * Applies what is new in migrations/, in order, all or nothing, and makes the partitions of the weeks ahead. `verify` may
 * refuse the database: then nothing is written.
 */
export async function migrate(
  databaseUrl: string,
  now = new Date(),
  verify: (db: Db) => Promise<void> = async () => {},
): Promise<string[]> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  // A connection of its own: a migration takes as long as it takes.
  const db = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  db.on('error', () => {});
  await db.connect().catch((error: unknown) => {
    throw unusable(databaseUrl, reasonOf(error), error);
  });
  try {
    await db.query('begin');
    await db.query('select pg_advisory_xact_lock($1)', [LOCK]);
    await db.query(
      'create table if not exists migrations (name text primary key, applied_at timestamptz default now())',
    );
    const { rows } = await db.query<{ name: string }>('select name from migrations');
    const applied = new Set(rows.map((row) => row.name));
    const fresh = files.filter((name) => !applied.has(name));
    for (const name of fresh) {
      await db.query(await readFile(new URL(name, FOLDER), 'utf8'));
      await db.query('insert into migrations (name) values ($1)', [name]);
    }
    await verify(db);
    await ensurePartitions(db, now);
    await db.query('commit');
    return fresh;
  } finally {
    // Without its commit, nothing of it stays.
    await db.end();
  }
}

/** One partition a week, this week's and the four after it. */
async function ensurePartitions(db: Db, now: Date): Promise<void> {
  const first = Math.floor(now.getTime() / WEEK) * WEEK;
  for (const [table, prefix] of PARTITIONED) {
    for (let week = 0; week < 5; week++) {
      const from = new Date(first + week * WEEK);
      const name = `${table}_${from.toISOString().slice(0, 10).replaceAll('-', '')}`;
      const { rowCount } = await db.query('select 1 from pg_class where relname = $1', [name]);
      if (rowCount) continue;
      const bounds = [from, new Date(from.getTime() + WEEK)].map((at) => `'${lowestId(prefix, at)}'`);
      // A default partition that already holds rows of this week would refuse: then they simply stay there.
      await db.query('savepoint part');
      await db
        .query(`create table ${name} partition of ${table} for values from (${bounds[0]}) to (${bounds[1]})`)
        .catch(() => db.query('rollback to savepoint part'));
    }
  }
}
