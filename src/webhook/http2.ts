import {
  connect,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
} from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { answered, fail, headCame } from './answer.js';
import { BadAnswerError, type Headers } from './answer-head.js';
import { MAX_BODY_BYTES } from './answer-reader.js';
import type { Wire } from './connections.js';
import { boundBodyTime } from './deadline.js';
import { enter, type Exchange } from './exchange.js';
import { ClosedError, explain } from './faults.js';
import { target } from './request.js';
import { appendTo } from './response-text.js';

/** Maximum informational answers (1xx) before the final one. */
const MAX_INTERIM = 100;
const NO_ERROR = 0;
const HEADER_LIST_BYTES = 128 * 1024;

/** HTTP/2, for receivers that offer nothing else; one exchange at a time, as with HTTP/1.1. */
export function http2(socket: TLSSocket, origin: string, lost: (error: Error | null) => void): Wire {
  const session: ClientHttp2Session = connect(origin, {
    createConnection: () => socket,
    settings: { enablePush: false, maxHeaderListSize: HEADER_LIST_BYTES },
  });
  session.on('error', lost).on('close', () => lost(null));
  let current: Exchange | null = null;

  return {
    send(exchange) {
      current = exchange;
      try {
        follow(exchange, session.request(headersOf(exchange)));
      } catch (error) {
        // The session has ended since the last exchange.
        lost(error as Error);
      }
    },
    ended: (error) => current && over(current, error),
    close: () => session.destroy(),
  };

  function follow(exchange: Exchange, stream: ClientHttp2Stream): void {
    let interim = 0;
    let bytes = 0;
    let failure: Error | null = null;
    const answerBegins = (): void => {
      if (exchange.phase === 'answer') enter(exchange, 'head', 'first_byte');
    };
    stream.on('headers', () => {
      answerBegins();
      interim += 1;
      if (interim > MAX_INTERIM)
        fail(exchange, new BadAnswerError(`${interim} informational answers (1xx) came`));
    });
    stream.on('response', (headers: IncomingHttpHeaders & { ':status'?: number }) => {
      answerBegins();
      headCame(exchange, headers[':status'] ?? 0, withoutPseudo(headers));
      boundBodyTime(exchange);
    });
    stream.on('data', (content: Buffer) => {
      if (exchange.done) return;
      appendTo(exchange.body, content);
      bytes += content.length;
      if (bytes > MAX_BODY_BYTES) answered(exchange, { cut: true, error: null, reusable: false });
    });
    stream.on('error', (error: Error) => (failure = error));
    stream.on('close', () => {
      const whole = exchange.status !== null && stream.rstCode === NO_ERROR && !failure;
      if (whole) answered(exchange, { cut: false, error: null, reusable: !session.closed });
      // The whole connection died: whether any of the answer has come decides if the request may be sent again.
      else if (session.destroyed) lost(failure);
      else over(exchange, failure);
    });
    stream.end(exchange.request.body);
  }
}

function headersOf({ request, url }: Exchange): OutgoingHttpHeaders {
  return {
    ...request.headers,
    ':method': 'POST',
    ':scheme': 'https',
    ':authority': url!.host,
    ':path': target(url!),
    'content-length': Buffer.byteLength(request.body),
  };
}

function over(exchange: Exchange, error: Error | null): void {
  if (exchange.status === null) return fail(exchange, error ?? new ClosedError());
  const why = error ? explain(error) : 'the receiver ended it';
  answered(exchange, { cut: true, error: `The answer broke off in its body: ${why}.`, reusable: false });
}

function withoutPseudo(headers: IncomingHttpHeaders): Headers {
  const plain = Object.create(null) as Headers;
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined && !name.startsWith(':')) plain[name] = value;
  }
  return plain;
}
