import type { IncomingMessage } from 'node:http';
import { Problem } from '../problem.js';

/** A header that pages of other origins cannot send: CORS does not allow it to them. */
const PAGE_HEADER = 'x-surehook-page';

/**
 * Throws a 403 Problem where the browser says that a page of another origin makes the request. The browser's own verdict
 * is asked first: a proxy may have changed `host`.
 */
export function requireSameOrigin({ headers }: IncomingMessage): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  if (site === 'same-origin') return;
  if (site !== undefined) throw refusedFor('Sec-Fetch-Site', `It is ${String(site)}, not same-origin.`);
  if (origin === undefined || (URL.canParse(origin) && new URL(origin).host === host)) return;
  throw refusedFor('Origin', 'It is not the origin of this host.');
}

/** Throws a 403 Problem unless the page itself makes the request: browsers add the cookie to requests of others, too. */
export function requirePage(request: IncomingMessage): void {
  if (request.headers[PAGE_HEADER] !== '1')
    throw refusedFor('X-Surehook-Page', 'A request with the cookie of a session needs it, with the value 1.');
  requireSameOrigin(request);
}

const refusedFor = (header: string, message: string) =>
  new Problem(403, 'forbidden', `${header}: ${message}`, [{ path: header, message }]);
