import type { IncomingMessage, RequestListener } from 'node:http';
import type { ConcurrencyLimit } from './concurrency-limit.js';
import { setAnswerHeaders } from './answer-headers.js';
import type { AppDeps } from './app-deps.js';
import { MAX_EVENT_BYTES } from './json-body.js';
import type { WriteProblem } from './error-handler.js';
import { postEvent } from './incoming-event.js';

/**
 * `POST /v1/events` without a router: it comes by the thousand a second, and a router takes longer than all the rest of it.
 * What is no plain request of this kind, and all else, is `others`'.
 */
export function withEventFastPath(
  others: RequestListener,
  deps: AppDeps,
  { room, refuse }: { room: ConcurrencyLimit; refuse: WriteProblem },
): RequestListener {
  return (request, response) => {
    if (!isPlain(request)) return others(request, response);
    setAnswerHeaders(response);
    try {
      deps.allow(deps.identify(request.headers.authorization), 'publisher');
      room.enter(response);
    } catch (error) {
      refuse(error, request, response);
      return;
    }
    readBody(request, (bytes) => {
      postEvent(deps, request, bytes, response).catch((error: unknown) => refuse(error, request, response));
    });
  };
}

/** Of a length that is known and allowed, and neither compressed nor held back. */
function isPlain({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    url === '/v1/events' &&
    Number(headers['content-length']) <= MAX_EVENT_BYTES &&
    headers['content-encoding'] === undefined
  );
}

/** A request that breaks off is never answered: nobody is there. */
function readBody(request: IncomingMessage, done: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
}
