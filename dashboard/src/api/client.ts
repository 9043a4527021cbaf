import createClient, { type Middleware } from 'openapi-fetch';
import { ApiError, type Problem } from './problem';
import type { paths } from './schema';

/** The server takes changes with the session's cookie only with this header, which pages of other origins cannot send. */
export const PAGE_HEADERS = { 'x-surehook-page': '1' };

const throwProblems: Middleware = {
  async onResponse({ response }) {
    if (response.ok) return;
    const problem = (await response.json().catch(() => null)) as Problem | null;
    throw new ApiError(response.status, problem, response.headers.get('x-request-id'));
  },
  onError() {
    throw new ApiError(0, null, null);
  },
};

/** Undefined: by the cookie. */
let token: string | null | undefined;

/** From now on, requests have this token, or none, and never the cookie: the portal's page is for a customer. */
export function authorizeBy(sessionToken: string | null): void {
  token = sessionToken;
}

const withToken: Middleware = {
  onRequest({ request }) {
    if (token === undefined) return;
    const signed = new Request(request, { credentials: 'omit' });
    if (token !== null) signed.headers.set('authorization', `Bearer ${token}`);
    return signed;
  },
};

/** The API of the server that this page came from. Rejects with an `ApiError` for each answer that is not 2xx. */
export const api = createClient<paths>({ baseUrl: '/', headers: PAGE_HEADERS });
api.use(throwProblems, withToken);

/** The body of an answer. */
export async function data<T>(answer: Promise<{ data?: T }>): Promise<NonNullable<T>> {
  return (await answer).data!;
}
