import pg from 'pg';
import { reasonOf, unusable } from './unusable.js';

/** Any fixed number: two processes that start together change tables one after the other. */
export const DDL_LOCK = 727_480_001;

/** SQLSTATEs of a lock that was not got in time, and of two that waited for each other. */
export const IN_THE_WAY = ['55P03', '40P01'];

/** A connection of its own, without the times of the pools: a migration takes as long as it takes. */
export async function connectForDdl(databaseUrl: string): Promise<pg.Client> {
  const db = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  db.on('error', () => {});
  await db.connect().catch((error: unknown) => {
    throw unusable(databaseUrl, reasonOf(error), error);
  });
  return db;
}

/** Read from the catalogue itself: `to_regclass` may answer from before we waited for a lock. */
export async function tableExists(db: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'select 1 from pg_class where relname = $1 and relnamespace = current_schema()::regnamespace',
    [name],
  );
  return rowCount! > 0;
}
