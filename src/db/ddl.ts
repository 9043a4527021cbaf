import pg from 'pg';
import { reasonOf, unusable } from './unusable.js';

/** Advisory lock key, any fixed number: processes that start together change tables one after the other. */
export const DDL_LOCK = 727_480_001;

/** SQLSTATEs of a lock timeout and of a deadlock. */
export const IN_THE_WAY = ['55P03', '40P01'];

/** A separate connection without the pools' timeouts: a migration may take as long as it needs. */
export async function connectForDdl(databaseUrl: string): Promise<pg.Client> {
  const db = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 });
  db.on('error', () => {});
  await db.connect().catch((error: unknown) => {
    throw unusable(databaseUrl, reasonOf(error), error);
  });
  return db;
}

/** Reads the catalogue itself: `to_regclass` may return the state before a lock wait. */
export async function tableExists(db: pg.Client, name: string): Promise<boolean> {
  const { rowCount } = await db.query(
    'select 1 from pg_class where relname = $1 and relnamespace = current_schema()::regnamespace',
    [name],
  );
  return rowCount! > 0;
}
