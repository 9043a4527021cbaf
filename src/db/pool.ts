import pg from 'pg';
import { breaksConnection, DatabaseAwayError, isDatabaseAway, isTooSlow, overloaded } from './away.js';

export { DatabaseAwayError, isDatabaseAway, isTooSlow, overloaded };

export type Pool = pg.Pool;
/** A pool or a client inside a transaction. */
export type Db = Pick<pg.Pool, 'query'>;

/** Deadline for a connection or a query: a server that hangs is worse than one that is down. */
const QUERY_MS = 5_000;
/** Limit on callers waiting for a connection; a longer queue would only add delay. */
const MAX_WAITING = 256;
/** After a timeout the database counts as away for this long; then one caller probes it. */
const AWAY_MS = 1_000;

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void;

/** A pool that rejects at once while the database is away or its queue is full. */
class BoundedPool extends pg.Pool {
  #awayUntil = 0;

  override connect(): Promise<pg.PoolClient>;
  override connect(callback: Connected): void;
  override connect(callback?: Connected): Promise<pg.PoolClient> | void {
    const taken = this.#take();
    if (!callback) return taken;
    taken.then(
      (client) => callback(undefined, client, () => client.release()),
      (error: Error) => callback(error, undefined, () => {}),
    );
  }

  async #take(): Promise<pg.PoolClient> {
    if (Date.now() < this.#awayUntil) throw new DatabaseAwayError('The database does not answer.');
    if (this.waitingCount >= MAX_WAITING) throw overloaded();
    // This caller is the only probe until the database answers.
    if (this.#awayUntil > 0) this.#awayUntil = Date.now() + AWAY_MS;
    return super.connect().catch((error: Error) => {
      this.#note(error);
      throw error;
    });
  }

  #note(error: Error | undefined): void {
    // An error with a code is an answer, also that a statement was too slow.
    const isAway = error instanceof Error && !('code' in error) && /timeout/i.test(error.message);
    this.#awayUntil = isAway ? Date.now() + AWAY_MS : 0;
  }

  constructor(config: pg.PoolConfig) {
    super(config);
    // A client whose query timed out is released with that error, and dropped.
    this.on('release', (error: Error | undefined) => this.#note(error));
    // An idle connection that breaks would otherwise end the process.
    this.on('error', () => {});
  }
}

/**
 * Few connections suffice: every statement is short, and the database is small. `planOnce`: for named statements that
 * every event needs, or the poller twenty times a second. Postgres would plan them each time, for the partitions of
 * just these ids, which takes longer than the rest of the statement. Lists need a plan each time: rare values have
 * indexes of their own. `keepSeconds`: idle connections stay open, and close at that age.
 */
export function createPool(url: string, max: number, { planOnce = false, keepSeconds = 0 } = {}): Pool {
  return new BoundedPool({
    connectionString: url,
    max,
    min: keepSeconds > 0 ? max : 0,
    maxLifetimeSeconds: keepSeconds,
    connectionTimeoutMillis: QUERY_MS,
    query_timeout: QUERY_MS,
    application_name: 'surehook',
    onConnect: settle(planOnce ? { ...SETTINGS, plan_cache_mode: 'force_generic_plan' } : SETTINGS),
  });
}

const SETTINGS = {
  // A slow server cancels the statement before the client times out.
  statement_timeout: String(QUERY_MS - 500),
  idle_in_transaction_session_timeout: String(2 * QUERY_MS),
  // No statement should read a whole table. One prepared while a week's partition was new and empty would, and keep
  // doing so: an event then cost 0.55 ms of Postgres's CPU after 30,000 others, instead of a constant 0.11. A bitmap
  // scan would read an index from an id to its end if the other conditions have no statistics yet.
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  // Compiling takes longer than any of our statements. It is chosen by costs, which a plan for all values overestimates.
  jit: 'off',
};

/** Applies settings by a statement: a pooler rejects connections with settings among their startup parameters. */
const settle =
  (settings: Record<string, string>) =>
  (client: pg.ClientBase): void =>
    // The pool awaits the result, although its type says void.
    client.query(
      'select set_config(name, setting, false) from unnest($1::text[], $2::text[]) as s (name, setting)',
      [Object.keys(settings), Object.values(settings)],
    ) as unknown as void;

/** SQLSTATEs of a deadlock and a serialization failure: the transaction was rolled back, so it can be retried. */
const IN_THE_WAY = new Set(['40P01', '40001']);
const TRIES = 3;

export function transaction<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  return retryOnConflict(() => once(pool, work));
}

/** Retries after a conflict with another transaction; `work` must be one transaction. */
export async function retryOnConflict<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      if (tries === TRIES || !IN_THE_WAY.has(String((error as { code?: unknown } | null)?.code))) throw error;
    }
  }
}

async function once<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // A connection that breaks between two statements would otherwise end the process; the next statement fails.
  const broke = (error: Error) => (broken = error);
  client.on('error', broke);
  try {
    await client.query('begin');
    const result = await work(client);
    await client.query('commit');
    return result;
  } catch (error) {
    if (breaksConnection(error)) broken = error as Error;
    await client.query('rollback').catch((failure: Error) => (broken = failure));
    throw error;
  } finally {
    client.off('error', broke);
    client.release(broken);
  }
}
