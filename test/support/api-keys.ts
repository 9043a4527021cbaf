import type { Role } from '../../src/domain/role.js';
import type { TestService } from './service.js';

export interface NewKey {
  id: string;
  key: string;
}

let nth = 0;

/** Makes an API key of a role, bound to a tenant if one is given. */
export async function createKey(
  t: TestService,
  role: Role,
  tenant: string | null = null,
  over: Record<string, unknown> = {},
): Promise<NewKey> {
  const body = { name: `${role}-${(nth += 1)}`, role, tenant, ...over };
  const answer = await t.call<NewKey>('POST', '/v1/api-keys', body);
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return answer.body;
}

/** A service whose calls are made with another API key. */
export const as = (t: TestService, key: string): TestService => ({
  ...t,
  call: (method, path, body, headers = {}) =>
    t.call(method, path, body, { authorization: `Bearer ${key}`, ...headers }),
});
