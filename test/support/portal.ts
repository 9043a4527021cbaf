import { as } from './api-keys.js';
import type { Answer, TestService } from './service.js';

export interface NewSession {
  id: string;
  url: string;
  code: string;
}

/** Makes a portal session of the tenant `acme` with every scope, unless `over` says otherwise. */
export async function createSession(t: TestService, over: Record<string, unknown> = {}): Promise<NewSession> {
  const body = { tenant: 'acme', scopes: ['read', 'endpoints', 'replay'], ...over };
  const answer = await t.call<NewSession>('POST', '/v1/portal-sessions', body);
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

export type Redeemed = Answer<{ token: string; code: string; errors: { path: string }[] }>;

/** Redeems a code as a browser does: without an API key. */
export const redeem = (t: TestService, code: string): Promise<Redeemed> =>
  t.call('POST', '/v1/portal-sessions/redeem', { code }, { authorization: '' });

/** The token of a new portal session. */
export async function openPortal(t: TestService, over: Record<string, unknown> = {}): Promise<string> {
  const answer = await redeem(t, (await createSession(t, over)).code);
  if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
  return answer.body.token;
}

export const sessionOf = (t: TestService, id: string): Promise<Answer> =>
  t.call('GET', `/v1/portal-sessions/${id}`);

export const revoke = (t: TestService, id: string): Promise<Answer> =>
  t.call('POST', `/v1/portal-sessions/${id}/revoke`, { reason: 'sent to the wrong address' });

/** The answer's status to a request with the token of a session. */
export const statusOf = async (t: TestService, token: string): Promise<number> =>
  (await as(t, token).call('GET', '/v1/endpoints')).status;

/** The entries of the audit about a session, the newest first. */
export const auditOf = async (t: TestService, id: string): Promise<unknown[]> =>
  (await t.call<{ data: unknown[] }>('GET', `/v1/audit?object=${id}`)).body.data;
