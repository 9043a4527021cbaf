import type { Headers } from './answer-head.js';
import type { AnswerEnd } from './answer-reader.js';
import { enter, finish, type Exchange } from './exchange.js';
import { nameFault } from './faults.js';
import { keptBody, keptHeaders, newBody, storable, type BodyBytes, type KeptBody } from './response-text.js';

/** Limit for an error message and for `Retry-After`, all of whose valid forms are shorter. */
const MAX_CHARACTERS = 500;

/** From here on the status decides the outcome: an invalid, cut or slow body does not change it. */
export function headCame(exchange: Exchange, status: number, headers: Headers): void {
  if (exchange.done) return;
  const retryAfter = headers['retry-after'];
  exchange.status = status;
  exchange.headers = keptHeaders(headers);
  exchange.body = newBody(headers);
  exchange.retryAfter = retryAfter === undefined ? null : bounded([retryAfter].flat()[0] ?? '');
  enter(exchange, 'body');
}

export function answered(exchange: Exchange, { cut, error, reusable }: AnswerEnd): void {
  const { status, headers, body, retryAfter } = exchange;
  finish(exchange, reusable, async () => ({
    kind: 'response',
    status: status ?? 0,
    headers,
    ...(await kept(body, cut)),
    error: error === null ? null : bounded(error),
    retryAfter,
  }));
}

export function fail(exchange: Exchange, error: Error, named = nameFault(exchange, error)): void {
  const { fault, code, message } = named;
  finish(exchange, false, async () => ({
    kind: 'fault',
    fault,
    code,
    message: bounded(message),
    status: null,
    headers: {},
    body: null,
    truncated: false,
  }));
}

function kept({ bytes, length, size, coding, charset }: BodyBytes, cut: boolean): Promise<KeptBody> {
  return keptBody(bytes.subarray(0, length), coding, cut || size > length, charset);
}

function bounded(text: string): string {
  return storable(text.replace(/\s+/g, ' ')).slice(0, MAX_CHARACTERS);
}
