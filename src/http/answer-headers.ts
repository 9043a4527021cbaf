import type { ServerResponse } from 'node:http';
import { newId } from '../lib/ids.js';

/** Any answer may hold a secret or a payload: no cache may keep it, no browser may render it as a page. */
export function setAnswerHeaders(response: ServerResponse): void {
  response.setHeader('x-request-id', newId('req'));
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
}
