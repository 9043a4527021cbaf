import pg from 'pg';
import { breaksConnection, DatabaseAwayError, isDatabaseAway } from './away.js';

export { DatabaseAwayError, isDatabaseAway };

export type Pool = pg.Pool;
/** A pool or a client inside a transaction. */
export type Db = Pick<pg.Pool, 'query'>;

/** A server that hangs is worse than one that is down: this is how long anybody waits for it. */
const QUERY_MS = 5_000;
/** Callers that may wait for a connection at a time; with more, waiting would only make it worse. */
const MAX_WAITING = 256;
/** After a time-out the database counts as away for so long; then one caller asks it again. */
const AWAY_MS = 1_000;

type Connected = (error: Error | undefined, client: pg.PoolClient | undefined, done: () => void) => void;

/** A pool that refuses at once what could only pile up. */
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
    if (this.waitingCount >= MAX_WAITING) throw new DatabaseAwayError('The database is overloaded.');
    // Until it answers, this caller is the only one to ask.
    if (this.#awayUntil > 0) this.#awayUntil = Date.now() + AWAY_MS;
    return super.connect().catch((error: Error) => {
      this.#note(error);
      throw error;
    });
  }

  #note(error: Error | undefined): void {
    this.#awayUntil = error && /timeout/i.test(error.message) ? Date.now() + AWAY_MS : 0;
  }

  constructor(config: pg.PoolConfig) {
    super(config);
    // A client whose query ran out of time comes back with that error, and is dropped.
    this.on('release', (error: Error | undefined) => this.#note(error));
    // An idle connection that breaks would otherwise end the process.
    this.on('error', () => {});
  }
}

/**
 * Connections are few: every statement here is short, and the database is small. `planOnce`: for named statements that
 * every event needs, and the drain twenty times a second. Postgres would plan them anew each time, for the partitions of
 * just these ids, which takes longer than the rest of them; for a list it is right, because what is rare has indexes of
 * its own. `keepSeconds`: connections stay open while idle, and are closed when they are that old.
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
  // A server that is only slow gives up by itself, before we do.
  statement_timeout: String(QUERY_MS - 500),
  idle_in_transaction_session_timeout: String(2 * QUERY_MS),
  // Nothing here is meant to read a whole table. A statement prepared while a week's partition was new, and empty, would,
  // and go on so: an event then cost 0.55 ms of Postgres's CPU after 30,000 others, instead of 0.11 all the time. Nor to
  // read an index from an id on, which a bitmap does where what else is asked for has no statistics yet.
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
};

/** Set by a statement: a pooler refuses a connection that brings its settings with its start. */
const settle =
  (settings: Record<string, string>) =>
  (client: pg.ClientBase): void =>
    // The pool awaits it, unlike its type says.
    client.query(
      'select set_config(name, setting, false) from unnest($1::text[], $2::text[]) as s (name, setting)',
      [Object.keys(settings), Object.values(settings)],
    ) as unknown as void;

/** SQLSTATEs of two that were in each other's way: the one that lost has changed nothing, and asks again. */
const IN_THE_WAY = new Set(['40P01', '40001']);
const TRIES = 3;

export function transaction<T>(pool: Pool, work: (db: Db) => Promise<T>): Promise<T> {
  return retryOnConflict(() => once(pool, work));
}

/** Asks again where another was in the way: `work` is one transaction. */
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
  // One that breaks between two statements would otherwise end the process; the next statement tells.
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
