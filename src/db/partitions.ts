import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { lowestId, type IdPrefix } from '../lib/ids.js';
import { connectForDdl, DDL_LOCK, IN_THE_WAY, tableExists } from './ddl.js';

const WEEK = 7 * 24 * 60 * 60 * 1000;
/** This week's, and the four after it: as long as a reader may keep us from making one without any harm. */
const WEEKS = 5;
const PARTITIONED: [table: string, prefix: IdPrefix][] = [
  ['events', 'evt'],
  ['deliveries', 'del'],
  ['attempts', 'att'],
];
/**
 * Attaching needs the default partition for itself for a moment, and who comes after us waits with us for those who read it,
 * such as a pg_dump. Nobody waits longer than this, and we try again later.
 */
const LOCK_MS = 100;
/** Of those who are in the way most are gone at once; in a whole round, for all partitions. */
const TRIES = 5;
const PAUSE_MS = 200;
/** The default partition is locked for no longer, even where it holds many rows, which are looked through. */
const STATEMENT_MS = 2_000;
/** SQLSTATEs after which another try may do: besides locks, a statement out of time, and a row that has just come into the default partition. */
const NOT_NOW = [...IN_THE_WAY, '57014', '23514'];

/**
 * Makes the partitions of the weeks ahead; false where one is still missing. Made apart and attached, a partition does not
 * need its table for itself: events go on. Rows without a partition of their week are in the default one.
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

interface Partition {
  name: string;
  table: string;
  from: string;
  to: string;
}

function partitionsAt(now: Date): Partition[] {
  const first = Math.floor(now.getTime() / WEEK) * WEEK;
  return PARTITIONED.flatMap(([table, prefix]) =>
    Array.from({ length: WEEKS }, (_, week) => {
      const [from, to] = [week, week + 1].map((one) => new Date(first + one * WEEK)) as [Date, Date];
      const name = `${table}_${from.toISOString().slice(0, 10).replaceAll('-', '')}`;
      return { name, table, from: lowestId(prefix, from), to: lowestId(prefix, to) };
    }),
  );
}

async function isThere(db: pg.Client, { name, table, from, to }: Partition): Promise<boolean> {
  if (await tableExists(db, name)) return true;
  // A row that has come into the default one stays there: its week gets no other.
  const { rowCount } = await db.query(`select 1 from ${table}_default where id >= $1 and id < $2 limit 1`, [
    from,
    to,
  ]);
  return rowCount! > 0;
}

async function make(db: pg.Client, { name, table, from, to }: Partition): Promise<boolean> {
  try {
    await db.query('begin');
    await db.query(`set local lock_timeout = ${LOCK_MS}; set local statement_timeout = ${STATEMENT_MS}`);
    // One process after the other; the second finds it made.
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
