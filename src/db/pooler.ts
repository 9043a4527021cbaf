import type pg from 'pg';
import { createPool } from './pool.js';
import { reasonOf, unusable } from './unusable.js';

/** Transactions opened on other clients: a pooler that assigns servers in turn could by chance give the first again. */
const SERVERS_TRIED = 3;

/**
 * Rejects a pooler that cannot serve `connections` made as the service makes them. One that changes the server between
 * transactions loses prepared statements, settings and LISTEN; one with too few servers lets statements wait until they
 * fail. Without a pooler, one connection is made.
 */
export async function requireSession(databaseUrl: string, connections: number): Promise<void> {
  const pool = createPool(databaseUrl, connections);
  const clients: pg.PoolClient[] = [];
  const fail = (why: string, cause?: unknown) => unusable(databaseUrl, why, cause);
  try {
    const first = await pool.connect().catch((error: unknown) => {
      throw fail(reasonOf(error), error);
    });
    clients.push(first);
    if ((await serverOf(first)) === (first as unknown as { processID: number | null }).processID) return;
    const more = Array.from({ length: connections - clients.length }, () => pool.connect());
    const made = await Promise.allSettled(more);
    for (const one of made) if (one.status === 'fulfilled') clients.push(one.value);
    const failed = made.find((one) => one.status === 'rejected');
    if (failed)
      throw fail(
        `a pooler is in between that gives ${clients.length} of ${connections} connections ` +
          `(${reasonOf(failed.reason)}); raise its default_pool_size`,
        failed.reason,
      );
    if (!(await hasOneServer(clients)))
      throw fail(
        'a pooler is in between that gives each transaction another connection, and Surehook prepares statements, sets ' +
          'and listens; name Postgres itself, or a pooler with pool_mode = session',
      );
  } finally {
    for (const client of clients) client.release(true);
    await pool.end();
  }
}

/** Process id of the Postgres server behind a connection: a pooler reports a different one at connection start. */
async function serverOf(client: pg.PoolClient): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]!.pid;
}

/** Whether the first client keeps its server while other clients take the free ones. */
async function hasOneServer([first, ...others]: pg.PoolClient[]): Promise<boolean> {
  try {
    const server = await serverOf(first!);
    for (const other of others.slice(0, SERVERS_TRIED)) {
      await other.query('begin');
      if ((await serverOf(first!)) !== server) return false;
    }
    return true;
  } catch {
    // The pooler allows no transactions, or has no server left for the first client.
    return false;
  }
}
