import type { Socket } from 'node:net';
import { Client, type buildConnector } from 'undici';
import { fail, handlerFor } from './answer.js';
import { PHASES, unsent, type Exchange } from './exchange.js';

/** Of one endpoint. */
const MOST_CONNECTIONS = 256;
/** Requests that wait for one of them: more would only run out of time. */
const MOST_WAITING = 256;
const WAIT_MS = 5_000;
const BUSY = 'the endpoint has as many requests under way as it may';
const IDLE_MAX_MS = 60_000;

/**
 * A client with one socket, carrying one exchange at a time. undici's own pool does not say which request a socket was
 * opened for; here a socket's phases, its address and its errors belong to exactly one exchange.
 */
interface Connection {
  client: Client;
  pool: Pool;
  socket: Socket | null;
  exchange: Exchange | null;
}

export interface Pool {
  idle: Connection[];
  open: number;
  waiting: Set<Exchange>;
  connect(): Connection;
  forget(): void;
}

export type Dial = (
  connection: Connection,
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => void;

/** Of an endpoint alone: one that hangs takes none of its neighbours' at the same origin. */
export function createPool(pools: Map<string, Pool>, key: string, origin: string, dial: Dial): Pool {
  const pool: Pool = {
    idle: [],
    open: 0,
    waiting: new Set(),
    connect: () => openConnection(pool, origin, dial),
    forget: () => pools.delete(key),
  };
  pools.set(key, pool);
  return pool;
}

function openConnection(pool: Pool, origin: string, dial: Dial): Connection {
  const client = new Client(origin, {
    connect: (options, callback) => dial(connection, options, callback),
    pipelining: 1,
    // The deadline over the whole exchange governs.
    headersTimeout: 0,
    bodyTimeout: 0,
    keepAliveMaxTimeout: IDLE_MAX_MS,
  });
  const connection: Connection = { client, pool, socket: null, exchange: null };
  client.on('disconnect', () => {
    if (!connection.exchange) void drop(connection);
  });
  pool.open += 1;
  return connection;
}

/** The most recently used connection first, so that a quiet endpoint keeps few of them. */
export function assign(pool: Pool, exchange: Exchange): void {
  const idle = pool.idle.pop();
  if (idle) run(idle, exchange);
  else if (pool.open < MOST_CONNECTIONS) run(pool.connect(), exchange);
  else wait(pool, exchange);
}

/** Too many, or too long, are no attempt: what its deadline counts has not begun. */
function wait(pool: Pool, exchange: Exchange): void {
  if (pool.waiting.size >= MOST_WAITING) return unsent(exchange, BUSY);
  pool.waiting.add(exchange);
  exchange.timer = setTimeout(() => {
    pool.waiting.delete(exchange);
    unsent(exchange, BUSY);
  }, WAIT_MS);
}

function run(connection: Connection, exchange: Exchange): void {
  const { headers, body } = exchange.request;
  const { origin, pathname, search } = exchange.url!;
  connection.exchange = exchange;
  begin(exchange);
  exchange.release = (reusable) => giveBack(connection, reusable);
  connection.client.dispatch(
    { origin, path: pathname + search, method: 'POST', headers, body: Buffer.from(body, 'utf8') },
    handlerFor(exchange, connection),
  );
}

/** From here on its deadline runs. */
function begin(exchange: Exchange): void {
  clearTimeout(exchange.timer);
  exchange.startedAt = new Date();
  exchange.start = exchange.phaseStart = performance.now();
  exchange.timer = setTimeout(expire, exchange.request.timeoutMs, exchange);
}

/** Until `resume` its deadline stands still: time that we take ourselves is not the receiver's. */
export function pauseDeadline(exchange: Exchange): () => void {
  clearTimeout(exchange.timer);
  const began = performance.now();
  return function resume() {
    if (exchange.done) return;
    const waited = performance.now() - began;
    exchange.start += waited;
    exchange.startedAt = new Date(exchange.startedAt.getTime() + waited);
    const leftMs = exchange.request.timeoutMs - (began + waited - exchange.start);
    exchange.timer = setTimeout(expire, leftMs, exchange);
  };
}

function expire(exchange: Exchange): void {
  const { phase, remoteAddress, request } = exchange;
  const where = phase === 'connect' && remoteAddress ? `connecting to ${remoteAddress}` : PHASES[phase];
  const message = `No complete answer within ${request.timeoutMs} ms: time ran out while ${where}.`;
  fail(exchange, new Error(message), { fault: 'TIMEOUT', message });
}

function giveBack(connection: Connection, reusable: boolean): void {
  const { pool } = connection;
  connection.exchange = null;
  if (reusable && !connection.socket?.destroyed) pool.idle.push(connection);
  else void drop(connection);
  const [next] = pool.waiting;
  if (!next) return;
  pool.waiting.delete(next);
  assign(pool, next);
}

/** One for all: a stream has the stack of what ends it written out, which took a tenth of a time-out's CPU. */
const DROPPED = new Error('dropped');

export async function drop(connection: Connection): Promise<void> {
  const { pool, client, socket } = connection;
  if (client.destroyed) return;
  pool.open -= 1;
  pool.idle = pool.idle.filter((other) => other !== connection);
  if (pool.open === 0 && pool.waiting.size === 0) pool.forget();
  const destroyed = client.destroy(DROPPED);
  // A client does not know a socket that is still connecting.
  socket?.destroy(DROPPED);
  await destroyed;
}
