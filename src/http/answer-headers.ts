import type { IncomingMessage, ServerResponse } from 'node:http';
import { newId } from '../lib/ids.js';

/** A request id that may stand in logs and in the audit as it was sent. */
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** Any answer may hold a secret or a payload: no cache may keep it, no browser may render it as a page. */
export function setAnswerHeaders({ headers }: IncomingMessage, response: ServerResponse): void {
  const given = headers['x-request-id'];
  const isUsable = typeof given === 'string' && REQUEST_ID.test(given);
  response.setHeader('x-request-id', isUsable ? given : newId('req'));
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
}
