import { connect, type ClientHttp2Session, type IncomingHttpHeaders } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { answered, fail, headCame } from './answer.js';
import type { Headers } from './answer-head.js';
import { MAX_BODY_BYTES } from './answer-reader.js';
import type { Wire } from './connections.js';
import { boundBodyTime } from './deadline.js';
import { enter, type Exchange } from './exchange.js';
import { ClosedError, explain } from './faults.js';
import { target } from './request.js';
import { keep } from './response-text.js';

/** Informational answers before the one that counts. */
const MAX_INTERIM = 100;
const HEADER_LIST_BYTES = 128 * 1024;

/** HTTP/2, for receivers that offer nothing else: one exchange at a time, as with HTTP/1.1. */
export function http2(socket: TLSSocket, origin: string, lost: (error: Error | null) => void): Wire {
  const session: ClientHttp2Session = connect(origin, {
    createConnection: () => socket,
    settings: { enablePush: false, maxHeaderListSize: HEADER_LIST_BYTES },
  });
  session.on('error', lost).on('goaway', () => !current && lost(null));
  session.on('close', () => lost(null));
  let current: Exchange | null = null;

  return {
    send(exchange) {
      current = exchange;
      const { request, url } = exchange;
      const stream = session.request({
        ...request.headers,
        ':method': 'POST',
        ':scheme': 'https',
        ':authority': url!.host,
        ':path': target(url!),
        'content-length': Buffer.byteLength(request.body),
      });
      let interim = 0;
      let bytes = 0;
      stream.on('headers', () => {
        if (exchange.phase === 'answer') enter(exchange, 'head', 'first_byte');
        interim += 1;
        if (interim > MAX_INTERIM) fail(exchange, new Error(`${interim} informational answers (1xx) came`));
      });
      stream.on('response', (headers: IncomingHttpHeaders & { ':status'?: number }) => {
        if (exchange.phase === 'answer') enter(exchange, 'head', 'first_byte');
        headCame(exchange, headers[':status'] ?? 0, withoutPseudo(headers));
        boundBodyTime(exchange);
      });
      stream.on('data', (content: Buffer) => {
        if (exchange.done) return;
        keep(exchange.body, content);
        bytes += content.length;
        if (bytes > MAX_BODY_BYTES) answered(exchange, { cut: true, error: null, reusable: false });
      });
      stream.on('end', () => answered(exchange, { cut: false, error: null, reusable: !session.closed }));
      stream.on('error', (error: Error) => over(exchange, error));
      stream.on('close', () => over(exchange, null));
      stream.end(request.body);
    },
    ended: (error) => current && over(current, error),
    close: () => session.destroy(),
  };
}

function over(exchange: Exchange, error: Error | null): void {
  if (exchange.status === null) return fail(exchange, error ?? new ClosedError());
  const why = error ? explain(error) : 'the receiver ended it';
  answered(exchange, { cut: true, error: `The answer broke off in its body: ${why}.`, reusable: false });
}

function withoutPseudo(headers: IncomingHttpHeaders): Headers {
  const entries = Object.entries(headers).filter(([name]) => !name.startsWith(':'));
  return Object.assign(Object.create(null) as Headers, Object.fromEntries(entries) as Headers);
}
