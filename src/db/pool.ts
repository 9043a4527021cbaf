import pg from 'pg';

export type Pool = pg.Pool;
/** A pool or a client inside a transaction. */
export type Db = Pick<pg.Pool, 'query'>;

/** Connections are few: every statement here is short, and the database is small. */
export function createPool(url: string, max = 20): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    connectionTimeoutMillis: 5_000,
    statement_timeout: 15_000,
    application_name: 'surehook',
  });
  // An idle connection that breaks would otherwise end the process.
  pool.on('error', () => {});
  return pool;
}

/** SQLSTATE classes and Node errors that say "the database is away", not "the statement is wrong". */
export function isDatabaseAway(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code;
  const message = error instanceof Error ? error.message : '';
  return (
    (typeof code === 'string' &&
      /^(08|53|57P)|^(ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|ENOTFOUND)$/.test(code)) ||
    /Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error/.test(
      message,
    )
  );
}

export async function transaction<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.release(broken);
  }
}
