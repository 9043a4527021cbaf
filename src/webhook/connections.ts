import type { Socket } from 'node:net';
import { Client, type buildConnector } from 'undici';
import { handlerFor } from './answer.js';
import type { Exchange } from './exchange.js';

const CONNECTIONS_PER_ORIGIN = 256;
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

export function createPool(pools: Map<string, Pool>, origin: string, dial: Dial): Pool {
  const pool: Pool = {
    idle: [],
    open: 0,
    waiting: new Set(),
    connect: () => openConnection(pool, origin, dial),
    forget: () => pools.delete(origin),
  };
  pools.set(origin, pool);
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

/** The most recently used connection first, so that a quiet origin keeps few of them. */
export function assign(pool: Pool, exchange: Exchange): void {
  const idle = pool.idle.pop();
  if (idle) run(idle, exchange);
  else if (pool.open < CONNECTIONS_PER_ORIGIN) run(pool.connect(), exchange);
  else pool.waiting.add(exchange);
}

function run(connection: Connection, exchange: Exchange): void {
  const { url, headers, body } = exchange.request;
  const { origin, pathname, search } = new URL(url);
  connection.exchange = exchange;
  exchange.release = (reusable) => giveBack(connection, reusable);
  connection.client.dispatch(
    { origin, path: pathname + search, method: 'POST', headers, body: Buffer.from(body, 'utf8') },
    handlerFor(exchange, connection),
  );
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

export async function drop(connection: Connection): Promise<void> {
  const { pool, client, socket } = connection;
  if (client.destroyed) return;
  pool.open -= 1;
  pool.idle = pool.idle.filter((other) => other !== connection);
  if (pool.open === 0 && pool.waiting.size === 0) pool.forget();
  const destroyed = client.destroy();
  // A client does not know a socket that is still connecting.
  socket?.destroy(new Error('dropped'));
  await destroyed;
}
