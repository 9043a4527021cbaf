import type { IncomingMessage, RequestListener } from 'node:http';
import { send } from './answer.js';
import { setAnswerHeaders } from './answer-headers.js';
import type { AppDeps } from './app-deps.js';
import { requireAccess, type Identity, type Needed } from './auth.js';
import type { WriteProblem } from './error-handler.js';
import type { FairLimit, Slot } from './fair-limit.js';
import { headerKey } from './idempotency-key.js';
import { acceptedAnswer, acceptPosted } from './incoming-event.js';
import { MAX_EVENT_BYTES, parseJson } from './json-body.js';
import { eventBody } from './event-schemas.js';

const NEEDED: Needed = { role: 'publisher' };

/**
 * Handles the route `postEvent` without a router: thousands arrive per second, and routing takes longer than all the rest.
 * `others` handles every other request, and those to this path that are not plain (`isPlain`).
 */
export function withEventFastPath(
  others: RequestListener,
  deps: AppDeps,
  { requests, refuse }: { requests: FairLimit; refuse: WriteProblem },
): RequestListener {
  return (request, response) => {
    if (!isPlain(request)) return others(request, response);
    setAnswerHeaders(request, response);
    const refused = (error: unknown) => void refuse(error, request, response);
    const accept = async (identity: Identity, slot: Slot, bytes: Buffer) => {
      const { text, value } = parseJson(bytes);
      const body = eventBody.parse(value);
      const given = { identity, body, text, slot, headerKey: headerKey(request) };
      send(response, acceptedAnswer(await acceptPosted(deps, given)));
    };
    const entered = (identity: Identity, slot: Slot) =>
      readBody(request, (bytes) => {
        accept(identity, slot, bytes).catch(refused);
      });
    const enter = (identity: Identity) => {
      requireAccess(identity, NEEDED);
      requests.enter(response, identity.id, (slot) => entered(identity, slot), refused);
    };
    try {
      const identity = deps.identify(request, response);
      if (identity instanceof Promise) identity.then(enter).catch(refused);
      else enter(identity);
    } catch (error) {
      refused(error);
    }
  };
}

/** Content-Length is given and within the limit, the body is not compressed, and no browser's page sends it. */
function isPlain({ method, url, headers }: IncomingMessage): boolean {
  return (
    method === 'POST' &&
    url === '/v1/events' &&
    Number(headers['content-length']) <= MAX_EVENT_BYTES &&
    headers['content-encoding'] === undefined &&
    headers.origin === undefined
  );
}

/** An aborted request is never answered: its client is gone. */
function readBody(request: IncomingMessage, done: (bytes: Buffer) => void): void {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => done(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
}
