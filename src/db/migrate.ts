import { readdir, readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { connectForDdl, DDL_LOCK, IN_THE_WAY, tableExists } from './ddl.js';
import { makePartitions } from './partitions.js';
import type { Db } from './pool.js';

const FOLDER = new URL('./migrations/', import.meta.url);
/** Lock wait for readers such as pg_dump: new statements queue behind it, so it is short and repeated. */
const TRIAL_MS = 1_000;
const AGAIN_MS = 2_000;
/** Lock wait after the trial found no long holder: as long as a statement of an older process may take. */
const LOCK_MS = 5_000;

export interface MigrateOptions {
  now?: Date;
  /** Throws to refuse the database; nothing is written then. */
  verify?: (db: Db) => Promise<void>;
  /** Called with the error of each try that a lock blocked. */
  waiting?: (error: unknown) => void;
}

/**
 * Applies the new files of migrations/ in order, all or nothing, and creates the partitions of the weeks ahead unless a
 * lock blocks them. With nothing new, no table is locked.
 */
export async function migrate(databaseUrl: string, options: MigrateOptions = {}): Promise<string[]> {
  const { now = new Date(), verify = async () => {}, waiting = () => {} } = options;
  const db = await connectForDdl(databaseUrl);
  try {
    const applied = await untilDone(db, () => applyNew(db, verify), waiting);
    await makePartitions(databaseUrl, now);
    return applied;
  } finally {
    // Closing the connection rolls back an uncommitted migration.
    await db.end();
  }
}

async function untilDone<T>(
  db: pg.Client,
  work: () => Promise<T>,
  waiting: (error: unknown) => void,
): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!IN_THE_WAY.includes(String((error as { code?: unknown }).code))) throw error;
      await db.query('rollback');
      waiting(error);
      await sleep(AGAIN_MS);
    }
  }
}

async function applyNew(db: pg.Client, verify: (db: Db) => Promise<void>): Promise<string[]> {
  await db.query('begin');
  // Waits without a lock timeout: another process may be migrating, and then nothing is left to do here.
  await db.query('select pg_advisory_xact_lock($1)', [DDL_LOCK]);
  const { isEmpty, fresh, unknown } = await migrationState(db);
  if (unknown.length > 0)
    throw new Error(
      `The database was made by another version of Surehook (its migration ${unknown[0]} is not known here): use an ` +
        'empty database, or with the embedded Postgres another DATA_DIR.',
    );
  if (isEmpty)
    await db.query('create table migrations (name text primary key, applied_at timestamptz default now())');
  else if (fresh.length > 0) await tryLocks(db);
  for (const name of fresh) {
    await db.query(await readFile(new URL(name, FOLDER), 'utf8'));
    await db.query('insert into migrations (name) values ($1)', [name]);
  }
  await verify(db);
  await db.query('commit');
  return fresh;
}

/** `fresh`: files that are not applied yet; `unknown`: those that another version has applied. */
export async function migrationState(
  db: pg.Client,
): Promise<{ isEmpty: boolean; fresh: string[]; unknown: string[] }> {
  const files = (await readdir(FOLDER)).filter((name) => name.endsWith('.sql')).sort();
  const applied = await appliedTo(db);
  return {
    isEmpty: applied === null,
    fresh: files.filter((name) => !applied?.has(name)),
    unknown: [...(applied ?? [])].filter((name) => !files.includes(name)),
  };
}

/** Null in an empty database. */
async function appliedTo(db: pg.Client): Promise<Set<string> | null> {
  if (!(await tableExists(db, 'migrations'))) return null;
  const { rows } = await db.query<{ name: string }>('select name from migrations');
  return new Set(rows.map(({ name }) => name));
}

/**
 * Locks every table once before the migration and releases the locks at once; fails if one is held for long. Without
 * this trial, a migration could build indexes, block all writes meanwhile, and then fail on a lock and start again.
 */
async function tryLocks(db: pg.Client): Promise<void> {
  await db.query(`set local lock_timeout = ${TRIAL_MS}`);
  const { rows } = await db.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
     where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and not relispartition
       and pg_has_role(relowner, 'usage')
     order by oid`,
  );
  await db.query('savepoint locks');
  await db.query(`lock table ${rows.map(({ name }) => name).join(', ')} in access exclusive mode`);
  await db.query('rollback to savepoint locks');
  await db.query(`set local lock_timeout = ${LOCK_MS}`);
}
