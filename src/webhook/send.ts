import type { IncomingHttpHeaders } from 'node:http';
import { isIP, type Socket } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import { buildConnector, Client, type Dispatcher } from 'undici';
import type { SendFault } from '../domain/classify.js';
import type { Timings } from '../domain/delivery.js';
import { AddressBlockedError, guardedLookup, type AddressGuard } from './address-guard.js';
import { keptBody, keptHeaders, storable, type KeptBody } from './response-text.js';

export interface SendRequest {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** For all of it: name, connection, handshake, headers and body. */
  timeoutMs: number;
}

interface Sent {
  startedAt: Date;
  latencyMs: number;
  timings: Timings;
  remoteAddress: string | null;
}

interface Answered {
  kind: 'response';
  status: number;
  headers: Record<string, string>;
  body: string;
  truncated: boolean;
  retryAfter: string | null;
}

interface Failed {
  kind: 'fault';
  fault: SendFault;
  message: string;
  /** Null unless the headers of an answer had come. */
  status: number | null;
  headers: Record<string, string>;
  body: string | null;
  truncated: boolean;
}

export type SendResult = Sent & (Answered | Failed);

export interface Sender {
  /** Never rejects for anything a receiver or the network can do. */
  send(request: SendRequest): Promise<SendResult>;
  /** Refuses new requests and waits for the running ones. */
  close(): Promise<void>;
}

const CONNECTIONS_PER_ORIGIN = 256;
const READ_BODY_BYTES = 64 * 1024;
const MESSAGE_CHARACTERS = 500;
const IDLE_MAX_MS = 60_000;
/** Node's 250 ms gives up on a distant address for the next one, which may not be reachable at all. */
const ADDRESS_ATTEMPT_MS = 500;

/** What an exchange is doing, in the words a person reads when its time is up. */
const PHASES = {
  queue: 'waiting for a free connection',
  dns: 'resolving the name',
  connect: 'connecting',
  tls: 'in the TLS handshake',
  answer: 'waiting for the answer',
  body: 'reading the body of the answer',
} as const;
type Phase = keyof typeof PHASES;

/** One request from its start to its result. */
interface Exchange {
  request: SendRequest;
  host: string;
  startedAt: Date;
  start: number;
  phase: Phase;
  phaseStart: number;
  timings: Omit<Timings, 'total'>;
  remoteAddress: string | null;
  status: number | null;
  headers: IncomingHttpHeaders;
  chunks: Buffer[];
  size: number;
  connection: Connection | null;
  timer: NodeJS.Timeout | undefined;
  done: boolean;
  resolve(result: Promise<SendResult>): void;
}

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

interface Pool {
  idle: Connection[];
  open: number;
  waiting: Set<Exchange>;
  connect(): Connection;
  forget(): void;
}

/** `ca`: certificates trusted besides the public ones, as PEM. */
export function createSender(options: { guard: AddressGuard; ca?: string }): Sender {
  const dial = createDial(options.guard, options.ca);
  const pools = new Map<string, Pool>();
  const running = new Set<Promise<SendResult>>();
  let closed = false;

  function start(request: SendRequest, resolve: Exchange['resolve']): void {
    const url = parseUrl(request.url);
    const exchange = newExchange(request, url?.hostname ?? '', resolve);
    if (closed) return fail(exchange, new Error('the sender is closed'));
    if (!url) return fail(exchange, new Error('its URL is not an http or https URL'));
    const pool = pools.get(url.origin) ?? createPool(pools, url.origin, dial);
    exchange.timer = setTimeout(expire, request.timeoutMs, exchange, pool);
    assign(pool, exchange);
  }

  return {
    async send(request) {
      const result = new Promise<SendResult>((resolve) => start(request, resolve));
      running.add(result);
      return result.finally(() => running.delete(result));
    },
    async close() {
      closed = true;
      await Promise.all(running);
      await Promise.all([...pools.values()].flatMap((pool) => [...pool.idle]).map(drop));
    },
  };
}

function parseUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url : null;
}

function newExchange(request: SendRequest, host: string, resolve: Exchange['resolve']): Exchange {
  const start = performance.now();
  return {
    request,
    host,
    startedAt: new Date(),
    start,
    phase: 'queue',
    phaseStart: start,
    timings: { dns: null, connect: null, tls: null, first_byte: null },
    remoteAddress: null,
    status: null,
    headers: {},
    chunks: [],
    size: 0,
    connection: null,
    timer: undefined,
    done: false,
    resolve,
  };
}

/** Goes on to a phase; the time since the last one is what `step` took. */
function enter(exchange: Exchange, phase: Phase, step?: keyof Exchange['timings']): void {
  if (exchange.done) return;
  const now = performance.now();
  if (step) exchange.timings[step] = milliseconds(now - exchange.phaseStart);
  exchange.phase = phase;
  exchange.phaseStart = now;
}

// --- Connections

function createPool(pools: Map<string, Pool>, origin: string, dial: Dial): Pool {
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
function assign(pool: Pool, exchange: Exchange): void {
  const idle = pool.idle.pop();
  if (idle) run(idle, exchange);
  else if (pool.open < CONNECTIONS_PER_ORIGIN) run(pool.connect(), exchange);
  else pool.waiting.add(exchange);
}

function run(connection: Connection, exchange: Exchange): void {
  const { url, headers, body } = exchange.request;
  const { origin, pathname, search } = new URL(url);
  connection.exchange = exchange;
  exchange.connection = connection;
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

async function drop(connection: Connection): Promise<void> {
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

type Dial = (
  connection: Connection,
  options: buildConnector.Options,
  callback: buildConnector.Callback,
) => void;

function createDial(guard: AddressGuard, ca: string | undefined): Dial {
  const connector = buildConnector({
    // One context for all: making one from certificates costs milliseconds.
    secureContext: createSecureContext(ca ? { ca: [...rootCertificates, ca] } : {}),
    lookup: guardedLookup(guard),
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    timeout: 0,
  });
  return (connection, options, callback) => {
    const { exchange } = connection;
    const { hostname, protocol } = options;
    if (!exchange || (isIP(hostname) && guard.isForbidden(hostname))) {
      // A socket looks up names only: an address has to be judged here.
      process.nextTick(callback, new AddressBlockedError(hostname, hostname), null);
      return;
    }
    enter(exchange, isIP(hostname) ? 'connect' : 'dns');
    // undici's connector returns the socket it is opening, which its types do not tell.
    const socket = connector(options, callback) as unknown as Socket;
    connection.socket = socket;
    follow(socket, exchange, protocol === 'https:');
  };
}

/** Ahead of undici's own listeners, which start the request. */
function follow(socket: Socket, exchange: Exchange, secure: boolean): void {
  socket.prependOnceListener('lookup', (error: Error | null) => {
    if (!error) enter(exchange, 'connect', 'dns');
  });
  socket.on('connectionAttempt', (address: string) => {
    exchange.remoteAddress = address;
  });
  socket.prependOnceListener('connect', () => {
    exchange.remoteAddress = socket.remoteAddress ?? null;
    enter(exchange, secure ? 'tls' : 'answer', 'connect');
  });
  socket.prependOnceListener('secureConnect', () => enter(exchange, 'answer', 'tls'));
}

// --- The answer

function handlerFor(exchange: Exchange, connection: Connection): Dispatcher.DispatchHandler {
  return {
    onRequestStart() {
      exchange.remoteAddress = connection.socket?.remoteAddress ?? null;
      enter(exchange, 'answer');
    },
    onResponseStart(_controller, status, headers) {
      // 1xx only announces the answer.
      if (exchange.done || status < 200) return;
      exchange.status = status;
      exchange.headers = headers;
      enter(exchange, 'body', 'first_byte');
    },
    onResponseData(_controller, chunk) {
      if (exchange.done) return;
      exchange.chunks.push(chunk.subarray(0, READ_BODY_BYTES - exchange.size));
      exchange.size += chunk.length;
      if (exchange.size > READ_BODY_BYTES) answer(exchange, true);
    },
    onResponseEnd: () => answer(exchange, false),
    onResponseError: (_controller, error) => fail(exchange, error),
  };
}

function answer(exchange: Exchange, cut: boolean): void {
  const status = exchange.status ?? 0;
  const [retryAfter] = values(exchange.headers['retry-after']);
  finish(exchange, !cut, async () => ({
    kind: 'response',
    status,
    headers: keptHeaders(exchange.headers),
    ...(await bodyOf(exchange, cut)),
    retryAfter: retryAfter === undefined ? null : storable(retryAfter),
  }));
}

function fail(exchange: Exchange, error: Error, named = nameFault(exchange, error)): void {
  const { fault, message } = named;
  finish(exchange, false, async () => ({
    kind: 'fault',
    fault,
    message: storable(message.replace(/\s+/g, ' ')).slice(0, MESSAGE_CHARACTERS),
    status: exchange.status,
    headers: keptHeaders(exchange.headers),
    ...(exchange.status === null ? { body: null, truncated: false } : await bodyOf(exchange, true)),
  }));
}

function expire(exchange: Exchange, pool: Pool): void {
  const { phase, remoteAddress, request } = exchange;
  pool.waiting.delete(exchange);
  const where = phase === 'connect' && remoteAddress ? `connecting to ${remoteAddress}` : PHASES[phase];
  const message = `No complete answer within ${request.timeoutMs} ms: time ran out while ${where}.`;
  fail(exchange, new Error(message), { fault: 'TIMEOUT', message });
}

function finish(exchange: Exchange, reusable: boolean, outcome: () => Promise<Answered | Failed>): void {
  if (exchange.done) return;
  exchange.done = true;
  clearTimeout(exchange.timer);
  const total = milliseconds(performance.now() - exchange.start);
  const { startedAt, remoteAddress, connection } = exchange;
  const sent = { startedAt, latencyMs: total, timings: { ...exchange.timings, total }, remoteAddress };
  // Not while undici is still inside its parser; and before the caller goes on, who may send again at once.
  queueMicrotask(() => {
    if (connection) giveBack(connection, reusable);
    exchange.resolve(outcome().then((result) => ({ ...sent, ...result })));
  });
}

function bodyOf({ chunks, headers }: Exchange, cut: boolean): Promise<KeptBody> {
  return keptBody(Buffer.concat(chunks), values(headers['content-encoding']).join(', '), cut);
}

/** A repeated header comes as a list, also where the types say that it cannot. */
function values(header: string | string[] | undefined): string[] {
  return header === undefined ? [] : [header].flat();
}

// --- Faults

interface Named {
  fault: SendFault;
  message: string;
}

/** The phase an error comes in says more than its code: a reset may end a connection, a handshake or an answer. */
function nameFault(exchange: Exchange, error: Error): Named {
  const cause = rootCause(error);
  const { code = cause.name, address = exchange.remoteAddress } = cause;
  const { phase, host } = exchange;
  exchange.remoteAddress = address;
  if (cause instanceof AddressBlockedError) {
    exchange.remoteAddress = null;
    return { fault: 'ADDRESS_BLOCKED', message: cause.message };
  }
  if (phase === 'dns') {
    return { fault: 'DNS_ERROR', message: `The name ${host} could not be resolved (${code}).` };
  }
  if (phase === 'tls' || (phase === 'answer' && code.startsWith('ERR_SSL_'))) {
    return {
      fault: 'TLS_ERROR',
      message: `The TLS handshake with ${host} failed (${code}): ${reason(cause)}.`,
    };
  }
  return { fault: 'NETWORK_ERROR', message: networkMessage(phase, code, address ?? host, reason(cause)) };
}

function networkMessage(phase: Phase, code: string, address: string, why: string): string {
  if (phase === 'connect') return `No connection to ${address} could be made (${code}).`;
  if (phase === 'queue') return `The request could not be sent (${code}): ${why}.`;
  if (code.startsWith('HPE_')) return `The answer was not valid HTTP (${code}): ${why}.`;
  if (phase === 'body') return `The answer broke off in its body (${code}): ${why}.`;
  return `The connection ended before an answer came (${code}): ${why}.`;
}

interface NetworkError extends Error {
  code?: string;
  address?: string;
  /** OpenSSL's own words, without the numbers around them. */
  reason?: string;
}

function rootCause(error: Error): NetworkError {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first : error;
}

function reason(error: NetworkError): string {
  return (typeof error.reason === 'string' ? error.reason : error.message).replace(/[\s.]+$/, '');
}

function milliseconds(value: number): number {
  return Math.round(value * 10) / 10;
}
