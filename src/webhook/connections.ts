import type { Socket } from 'node:net';
import { fail } from './answer.js';
import { begin } from './deadline.js';
import { enter, inTime, TOO_LATE, unsent, type Exchange } from './exchange.js';
import { ClosedError } from './faults.js';

/** Limit per endpoint. */
const MAX_CONNECTIONS = 256;
/** Limit of requests that wait for a connection: more would only time out. */
const MAX_WAITING = 256;
const WAIT_MS = 5_000;
const BUSY = 'the endpoint has as many requests under way as it may';
/** Keep-alive of idle connections: the default, and the maximum where the receiver sends `Keep-Alive: timeout`. */
const IDLE_MS = 4_000;
const IDLE_MAX_MS = 60_000;
/** Margin before the receiver's own timeout: it must not close the connection just as a request leaves. */
const IDLE_MARGIN_MS = 1_000;

/** The protocol on a connected socket, one exchange at a time. */
export interface Wire {
  send(exchange: Exchange): void;
  /** Bytes that the socket has read; the next read overwrites them. */
  received?(bytes: Buffer): void;
  /** The connection ended during an exchange; null: the receiver closed it in order. */
  ended(error: Error | null): void;
  close(): void;
}

/** The phases, address and errors of a connection belong to exactly one exchange at any time. */
export interface Connection {
  pool: Pool;
  socket: Socket | null;
  /** Where it leads, also through a proxy; null until connected. */
  remoteAddress: string | null;
  /** Null until connected. */
  wire: Wire | null;
  exchange: Exchange | null;
  /** Exchanges begun on this connection. */
  uses: number;
  idle: NodeJS.Timeout | undefined;
  idleMs: number;
  dropped: boolean;
}

export interface Pool {
  idle: Connection[];
  open: number;
  waiting: Set<Exchange>;
  dial: Dial;
  forget(): void;
}

/** Connects, then sends the exchange. `lost`: the connection can carry no further exchange; null: closed in order. */
export type Dial = (connection: Connection, exchange: Exchange, lost: (error: Error | null) => void) => void;

/** One pool per endpoint: an endpoint that hangs takes no connections from others at the same origin. */
export function createPool(pools: Map<string, Pool>, key: string, dial: Dial): Pool {
  const pool: Pool = { idle: [], open: 0, waiting: new Set(), dial, forget: () => pools.delete(key) };
  pools.set(key, pool);
  return pool;
}

/** Takes the most recently used connection first, so that a quiet endpoint keeps few connections. */
export function assign(pool: Pool, exchange: Exchange): void {
  const idle = pool.idle.pop();
  if (!idle && pool.open >= MAX_CONNECTIONS) return wait(pool, exchange);
  begin(exchange);
  if (idle) reuse(idle, exchange);
  else open(pool, exchange);
}

/** A full queue or a long wait is not an attempt: the deadline has not started. */
function wait(pool: Pool, exchange: Exchange): void {
  if (pool.waiting.size >= MAX_WAITING) return unsent(exchange, BUSY);
  pool.waiting.add(exchange);
  exchange.timer = setTimeout(() => {
    pool.waiting.delete(exchange);
    unsent(exchange, BUSY);
  }, WAIT_MS);
}

function reuse(connection: Connection, exchange: Exchange): void {
  exchange.remoteAddress = connection.remoteAddress;
  sendOn(connection, exchange);
  if (!inTime(exchange)) return unsent(exchange, TOO_LATE);
  enter(exchange, 'answer');
  connection.wire!.send(exchange);
}

function open(pool: Pool, exchange: Exchange): void {
  const connection: Connection = {
    pool,
    socket: null,
    remoteAddress: null,
    wire: null,
    exchange: null,
    uses: 0,
    idle: undefined,
    idleMs: 0,
    dropped: false,
  };
  pool.open += 1;
  sendOn(connection, exchange);
  pool.dial(connection, exchange, (error) => lost(connection, error));
}

function sendOn(connection: Connection, exchange: Exchange): void {
  connection.exchange = exchange;
  connection.uses += 1;
  exchange.release = (reusable) => giveBack(connection, reusable);
}

function lost(connection: Connection, error: Error | null): void {
  const { exchange, wire, uses } = connection;
  if (!exchange || exchange.done) return drop(connection);
  // The receiver may close an idle connection just as a request leaves on it: not a failure, send once more.
  if (uses > 1 && exchange.phase === 'answer' && !exchange.again) sendAgain(connection, exchange);
  else if (wire) wire.ended(error);
  else fail(exchange, error ?? new ClosedError());
}

/** Repeats the same attempt on a new connection, and drops the idle ones: they may be dead too. */
function sendAgain(connection: Connection, exchange: Exchange): void {
  const { pool } = connection;
  exchange.again = true;
  connection.exchange = null;
  open(pool, exchange);
  for (const old of [connection, ...pool.idle]) drop(old);
}

function giveBack(connection: Connection, reusable: boolean): void {
  const { pool, exchange } = connection;
  connection.exchange = null;
  // The pool of an inspected request gets no further one.
  const isReusable = reusable && !connection.dropped && !exchange?.request.inspect;
  const idleMs = isReusable ? idleTime(exchange?.headers['keep-alive']) : 0;
  if (idleMs > 0) {
    rest(connection, idleMs);
    pool.idle.push(connection);
  } else drop(connection);
  const [next] = pool.waiting;
  if (!next) return;
  pool.waiting.delete(next);
  assign(pool, next);
}

/** The idle timer keeps running while the connection is in use: a refresh is cheaper than a new timer each time. */
function rest(connection: Connection, ms: number): void {
  if (connection.idleMs === ms) return void connection.idle?.refresh();
  clearTimeout(connection.idle);
  connection.idleMs = ms;
  connection.idle = setTimeout(() => {
    if (!connection.exchange) drop(connection);
  }, ms);
}

function idleTime(keepAlive: string | undefined): number {
  const [, seconds] = /timeout=(\d{1,6})/i.exec(keepAlive ?? '') ?? [];
  return seconds ? Math.min(Number(seconds) * 1000 - IDLE_MARGIN_MS, IDLE_MAX_MS) : IDLE_MS;
}

export function drop(connection: Connection): void {
  const { pool, wire, socket } = connection;
  if (connection.dropped) return;
  connection.dropped = true;
  clearTimeout(connection.idle);
  pool.open -= 1;
  pool.idle = pool.idle.filter((other) => other !== connection);
  if (pool.open === 0 && pool.waiting.size === 0) pool.forget();
  if (wire) wire.close();
  else socket?.destroy();
}
