import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { lowestId, type IdPrefix } from '../lib/ids.js';
import { connectForDdl, DDL_LOCK, IN_THE_WAY, tableExists } from './ddl.js';

const WEEK = 7 * 24 * 60 * 60 * 1000;
/** This week and the next four: a reader may block the creation of a partition for four weeks without harm. */
const WEEKS = 5;
const PARTITIONED: [table: string, key: string, prefix: IdPrefix][] = [
  ['events', 'id', 'evt'],
  ['deliveries', 'id', 'del'],
  ['attempts', 'delivery_id', 'del'],
];
/**
 * Attaching locks the default partition exclusively for a moment. While it waits for readers such as pg_dump, new
 * statements queue behind it: the wait is short, and tried again later.
 */
const LOCK_MS = 100;
/** Failed tries in one call, over all partitions; most blocking statements end quickly. */
const TRIES = 5;
const PAUSE_MS = 200;
/** Limits the lock on the default partition: attaching scans its rows, which may be many. */
const STATEMENT_MS = 2_000;
/** SQLSTATEs to try again after: locks, a statement timeout, and a row that just arrived in the default partition. */
const NOT_NOW = [...IN_THE_WAY, '57014', '23514'];

/**
 * Creates the partitions of the weeks ahead; false if one is still missing. A partition created separately and then
 * attached does not lock its table exclusively: events continue. Rows without a partition go to the default one.
 */
export async function makePartitions(databaseUrl: string, now = new Date()): Promise<boolean> {
  const db = await connectForDdl(databaseUrl);
  try {
    let tries = TRIES;
    for (const partition of partitionsAt(now)) {
      while (!(await isThere(db, partition)) && !(await make(db, partition))) {
        tries -= 1;
        if (tries === 0) return false;
        await sleep(PAUSE_MS);
      }
    }
    return true;
  } finally {
    await db.end();
  }
}

/** Names of the partitions of the weeks ahead that are not made yet. */
export async function missingPartitions(db: pg.Client, now: Date): Promise<string[]> {
  const missing: string[] = [];
  for (const partition of partitionsAt(now))
    if (!(await isThere(db, partition))) missing.push(partition.name);
  return missing;
}

interface Partition {
  name: string;
  table: string;
  /** The column that the table is partitioned by. */
  key: string;
  from: string;
  to: string;
}

function partitionsAt(now: Date): Partition[] {
  const first = Math.floor(now.getTime() / WEEK) * WEEK;
  return PARTITIONED.flatMap(([table, key, prefix]) =>
    Array.from({ length: WEEKS }, (_, week) => {
      const [from, to] = [week, week + 1].map((one) => new Date(first + one * WEEK)) as [Date, Date];
      const name = `${table}_${from.toISOString().slice(0, 10).replaceAll('-', '')}`;
      return { name, table, key, from: lowestId(prefix, from), to: lowestId(prefix, to) };
    }),
  );
}

async function isThere(db: pg.Client, { name, table, key, from, to }: Partition): Promise<boolean> {
  if (await tableExists(db, name)) return true;
  // Rows of this week in the default partition prevent attaching one: the week stays there.
  const { rowCount } = await db.query(
    `select 1 from ${table}_default where ${key} >= $1 and ${key} < $2 limit 1`,
    [from, to],
  );
  return rowCount! > 0;
}

async function make(db: pg.Client, { name, table, from, to }: Partition): Promise<boolean> {
  try {
    await db.query('begin');
    await db.query(`set local lock_timeout = ${LOCK_MS}; set local statement_timeout = ${STATEMENT_MS}`);
    // Processes take turns; the second finds the partition created.
    await db.query('select pg_advisory_xact_lock($1)', [DDL_LOCK]);
    if (!(await tableExists(db, name))) {
      await db.query(`create table ${name} (like ${table} including all)`);
      await db.query(
        `alter table ${table} attach partition ${name} for values from ('${from}') to ('${to}')`,
      );
    }
    await db.query('commit');
    return true;
  } catch (error) {
    await db.query('rollback');
    if (!NOT_NOW.includes(String((error as { code?: unknown }).code))) throw error;
    return false;
  }
}
