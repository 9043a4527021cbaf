import type { Answer, CanaryRun } from './canary-run.js';
import { portalSecret } from './planted.js';

const TENANT = 'acme';

interface Session {
  id: string;
  code: string;
}

async function createSession(run: CanaryRun): Promise<Session> {
  const token = encodeURIComponent(run.wallet.planted.returnToken.text);
  const { status, body } = await run.call<Session>('POST', '/v1/portal-sessions', {
    tenant: TENANT,
    scopes: ['read', 'endpoints', 'replay'],
    return_url: `https://shop.example/?token=${token}`,
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  run.canaries.push(portalSecret('portalCode', body.code));
  return body;
}

export const redeemCode = (run: CanaryRun, code: unknown): Promise<Answer<{ token: string }>> =>
  run.call('POST', '/v1/portal-sessions/redeem', { code }, { authorization: '' });

/** All that a customer does with a link: a session is opened, used, refused and revoked. Returns the code of another. */
export async function usePortal(run: CanaryRun, endpointId: string): Promise<string> {
  const { id, code } = await createSession(run);
  const { token } = (await redeemCode(run, code)).body;
  run.canaries.push(portalSecret('portalToken', token));
  const headers = { authorization: `Bearer ${token}` };
  const expected: [status: number, method: string, path: string, body?: unknown][] = [
    [200, 'GET', '/v1/endpoints?limit=1'],
    [200, 'GET', `/v1/endpoints/${endpointId}/secret`],
    [200, 'PATCH', `/v1/endpoints/${endpointId}`, { description: 'changed by its customer' }],
    [201, 'POST', '/v1/batches', { filter: {}, dry_run: true }],
    [403, 'GET', '/v1/audit'],
    [403, 'POST', '/v1/events', { type: 'a.b', payload: 1 }],
    [400, 'GET', '/v1/endpoints?limit=none'],
  ];
  for (const [status, method, path, body] of expected) {
    const answer = await run.call(method, path, body, headers);
    if (answer.status !== status) throw new Error(`${method} ${path}: ${JSON.stringify(answer)}`);
  }
  const refused: unknown[] = [code, token, [code], { code }, `${code}x`, code.replace('_', '-')];
  for (const one of refused)
    if ((await redeemCode(run, one)).status < 400) throw new Error('A code was redeemed twice.');
  await run.call('POST', '/v1/portal-sessions/redeem', `{"code":"${code}"`, { authorization: '' });
  await run.call('GET', '/v1/endpoints', undefined, { authorization: `Bearer ${code}` });
  await run.call('GET', '/v1/endpoints', undefined, { authorization: `Bearer ${token}x` });
  await run.call('POST', `/v1/portal-sessions/${id}/revoke`, { reason: 'a look' });
  await run.call('GET', `/v1/portal-sessions/${id}`);
  return (await createSession(run)).code;
}
