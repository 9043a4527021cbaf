import type { Socket } from 'node:net';
import type { Dispatcher } from 'undici';
import { enter, finish, type Exchange } from './exchange.js';
import { nameFault } from './faults.js';
import { keptBody, keptHeaders, storable, type KeptBody } from './response-text.js';

const READ_BODY_BYTES = 64 * 1024;
const MESSAGE_CHARACTERS = 500;

export function handlerFor(
  exchange: Exchange,
  connection: { socket: Socket | null },
): Dispatcher.DispatchHandler {
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

export function fail(exchange: Exchange, error: Error, named = nameFault(exchange, error)): void {
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

function bodyOf({ chunks, headers }: Exchange, cut: boolean): Promise<KeptBody> {
  return keptBody(Buffer.concat(chunks), values(headers['content-encoding']).join(', '), cut);
}

/** A repeated header comes as a list, also where the types say that it cannot. */
function values(header: string | string[] | undefined): string[] {
  return header === undefined ? [] : [header].flat();
}
