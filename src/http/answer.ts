import type { ServerResponse } from 'node:http';
import { EventStream } from './event-stream.js';

/** A body that is text already. */
export class Text {
  constructor(
    readonly text: string,
    readonly type = JSON_TYPE,
  ) {}
}

export interface Answer {
  status: number;
  /** Sent as JSON, unless it is a Text or an EventStream; undefined: no body. */
  body?: unknown;
  headers?: Record<string, string>;
}

const JSON_TYPE = 'application/json; charset=utf-8';

export const answer = <const S extends number, T>(
  status: S,
  body: T,
  headers: Record<string, string> = {},
) => ({
  status,
  body,
  headers,
});

/** Repeats the answer of an earlier request with the same idempotency key. */
export const replayed = <T>(body: T) => answer(200, body, { 'idempotent-replayed': 'true' });

export function send(response: ServerResponse, { status, body, headers }: Answer): void {
  if (body instanceof EventStream) return body.open(response, headers);
  if (body === undefined) return void response.writeHead(status, headers).end();
  const { text, type } = body instanceof Text ? body : { text: JSON.stringify(body), type: JSON_TYPE };
  response.writeHead(status, {
    ...headers,
    'content-type': type,
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}
