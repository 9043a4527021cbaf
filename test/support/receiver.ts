import { once } from 'node:events';
import http, { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Webhook } from 'standardwebhooks';

/** One received request. */
export interface Recorded {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The exact bytes of the body; `body` is the same as text. */
  raw: Buffer;
  body: string;
  at: number;
  /** The client's port: the same for two requests over one connection. */
  remotePort: number;
}

/** The receiver's reaction to a request. */
export type Behaviour =
  | {
      status: number;
      headers?: Record<string, string | string[]>;
      body?: string | Buffer;
      gzip?: boolean;
      afterMs?: number;
    }
  | { hang: true }
  /** Sends the headers at once, then single bytes without end. */
  | { trickle: { everyMs: number; status?: number } }
  | { endless: true; status?: number; body?: string }
  | { reset: 'before' | 'mid-body' }
  /** Writes these bytes to the socket and closes it. */
  | { raw: string | Buffer };

export type Behave = (request: Recorded, index: number) => Behaviour | Promise<Behaviour>;

export interface ReceiverOptions {
  tls?: https.ServerOptions;
  behave?: Behave;
  host?: string;
}

export interface Receiver {
  url: string;
  port: number;
  requests: Recorded[];
  setBehaviour(behave: Behave): void;
  /** Resolves as soon as the predicate holds for the requests so far; rejects after `ms`. */
  waitFor(predicate: (requests: Recorded[]) => boolean, ms?: number): Promise<Recorded[]>;
  /** Open connections right now. */
  connections(): number;
  close(): Promise<void>;
}

/** A real HTTP(S) server that records every request and misbehaves on command. */
export async function startReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: Recorded[] = [];
  const sockets = new Set<Socket>();
  const waiting = new Set<() => void>();
  let behave: Behave = options.behave ?? (() => ({ status: 200 }));

  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    void record(request).then(async (recorded) => {
      const index = requests.push(recorded) - 1;
      for (const check of waiting) check();
      await perform(await behave(recorded, index), response);
    }, ignore);
  };
  const server = options.tls ? https.createServer(options.tls, listener) : http.createServer(listener);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', ignore).on('close', () => sockets.delete(socket));
  });
  server.listen(0, options.host ?? '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `${options.tls ? 'https' : 'http'}://${options.tls ? 'localhost' : '127.0.0.1'}:${port}/hook`,
    port,
    requests,
    setBehaviour(next) {
      behave = next;
    },
    waitFor: (predicate, ms = 60_000) => waitUntil(waiting, requests, predicate, ms),
    connections: () => sockets.size,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Returns the payload if an independent library accepts its signature and timestamp; throws otherwise. */
export function verified(secret: string, recorded: Recorded): unknown {
  return new Webhook(secret).verify(recorded.raw, recorded.headers as Record<string, string>);
}

async function record(request: IncomingMessage): Promise<Recorded> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  const raw = Buffer.concat(chunks);
  return {
    method: request.method ?? '',
    path: request.url ?? '',
    headers: request.headers,
    raw,
    body: raw.toString('utf8'),
    at: Date.now(),
    remotePort: request.socket.remotePort ?? 0,
  };
}

async function perform(behaviour: Behaviour, response: ServerResponse): Promise<void> {
  const { socket } = response;
  if (!socket || 'hang' in behaviour) return;
  if ('status' in behaviour && 'endless' in behaviour === false) return answer(behaviour, response);
  if ('raw' in behaviour) return void socket.end(behaviour.raw);
  if ('trickle' in behaviour) return trickle(behaviour.trickle, response);
  if ('endless' in behaviour) return endless(behaviour, response);
  if ('reset' in behaviour) return reset(behaviour.reset, response, socket);
}

async function answer(
  behaviour: Extract<Behaviour, { status: number; gzip?: boolean }>,
  response: ServerResponse,
) {
  const { status, headers = {}, body = '', gzip, afterMs } = behaviour;
  if (afterMs) await new Promise((done) => setTimeout(done, afterMs));
  response.writeHead(status, gzip ? { ...headers, 'content-encoding': 'gzip' } : headers);
  response.end(gzip ? gzipSync(body) : body);
}

function trickle(
  { everyMs, status = 200 }: { everyMs: number; status?: number },
  response: ServerResponse,
): void {
  response.writeHead(status);
  const timer = setInterval(() => response.write('.'), everyMs);
  response.on('close', () => clearInterval(timer));
}

function endless(
  { status = 200, body = 'x' }: { status?: number; body?: string },
  response: ServerResponse,
): void {
  const chunk = Buffer.from(body.repeat(Math.ceil(16_384 / body.length)));
  response.writeHead(status);
  const pump = (): void => {
    while (!response.destroyed && response.write(chunk));
  };
  response.on('drain', pump);
  pump();
}

function reset(when: 'before' | 'mid-body', response: ServerResponse, socket: Socket): void {
  if (when === 'before') {
    socket.resetAndDestroy();
    return;
  }
  response.writeHead(200, { 'content-length': '1000' });
  // A reset discards bytes that the client has not read yet: give it 30 ms to read them.
  response.write('the first part', () => setTimeout(() => socket.resetAndDestroy(), 30));
}

function waitUntil(
  waiting: Set<() => void>,
  requests: Recorded[],
  predicate: (requests: Recorded[]) => boolean,
  ms: number,
): Promise<Recorded[]> {
  return new Promise((resolve, reject) => {
    const check = (): void => {
      if (!predicate(requests)) return;
      stop();
      resolve(requests);
    };
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`The receiver waited ${ms} ms in vain; it got ${requests.length} requests.`));
    }, ms);
    const stop = (): void => {
      clearTimeout(timer);
      waiting.delete(check);
    };
    waiting.add(check);
    check();
  });
}

function ignore(): void {
  // Many tests close the client's connection on purpose.
}
