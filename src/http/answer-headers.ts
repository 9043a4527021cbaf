import type { ServerResponse } from 'node:http';
import { newId } from '../lib/ids.js';

/** Of every answer of the API: it may hold a secret or a payload, which no cache keeps and no browser takes for a page. */
export function setAnswerHeaders(response: ServerResponse): void {
  response.setHeader('x-request-id', newId('req'));
  response.setHeader('cache-control', 'no-store');
  response.setHeader('x-content-type-options', 'nosniff');
}
