import { afterCommit } from '../../db/after-commit.js';
import type { Pool } from '../../db/pool.js';
import { deleteTenant, getTenant, insertTenant, listTenants, updateTenant } from '../../db/tenants.js';
import { answer, replayed } from '../answer.js';
import { pageOf } from '../answers/common.js';
import { listedTenant, tenantDetail } from '../answers/tenants.js';
import { createOnce, deletedSince, requestKey } from '../once.js';
import { notFound, Problem } from '../problem.js';
import { route, type Param } from '../route.js';
import { tenant } from '../schemas.js';
import { tenantBody, tenantPatch, tenantsQuery } from '../tenant-schemas.js';

const tag = 'Tenants';
const id: Param = { schema: tenant, what: 'tenant', example: 'acme', owned: 'tenant' };
const params = { id };
const responses = { 200: { description: 'The tenant.', schema: tenantDetail } };

const create = route('POST /v1/tenants', {
  operationId: 'createTenant',
  tag,
  role: 'admin',
  aboveTenants: true,
  summary: 'Make a tenant with a name and quotas',
  description: 'Without this, a tenant is made by its first event or endpoint.',
  idempotent: true,
  body: tenantBody,
  example: { id: 'globex', name: 'Globex', max_endpoints: 20 },
  responses: {
    201: { description: 'The tenant.', schema: tenantDetail },
    200: { description: 'The tenant that an earlier request made.', schema: tenantDetail },
  },
  problems: ['tenant_exists', 'not_found'],
  async handle({ body: { id, ...settings }, raw, key: given, actor }, { pool }) {
    const key = requestKey(given, { tenant: id, route: 'tenants', about: raw.value });
    const result = await createOnce(
      pool,
      key,
      (db) => insertTenant(db, id, settings, actor),
      (made) => (made ? id : null),
    );
    if ('knownId' in result) return replayed(await known(pool, result.knownId));
    if (result.made) return answer(201, await committed(pool, id));
    const message =
      'There is this tenant already: its first event or endpoint makes it. Change it with PATCH.';
    throw new Problem(409, 'tenant_exists', message, [{ path: 'id', message }]);
  },
});

/** Read after the commit: until then, events of the tenant wait. */
async function committed(pool: Pool, id: string) {
  const stored = await afterCommit(getTenant(pool, id));
  if (!stored) throw notFound('tenant', id);
  return stored;
}

async function known(pool: Pool, id: string) {
  const stored = await afterCommit(getTenant(pool, id));
  if (stored) return stored;
  throw deletedSince('tenant', id);
}

const list = route('GET /v1/tenants', {
  operationId: 'listTenants',
  tag,
  role: 'viewer',
  summary: 'List tenants',
  query: tenantsQuery,
  responses: { 200: { description: 'In the order of their ids.', schema: pageOf(listedTenant) } },
  async handle({ query: { limit, cursor = null }, identity }, { pool }) {
    const { data, more } = await listTenants(pool, { limit, after: cursor, only: identity.tenant });
    const next_cursor = more ? Buffer.from(data.at(-1)!.id).toString('base64url') : null;
    return answer(200, { data, next_cursor });
  },
});

const get = route('GET /v1/tenants/{id}', {
  operationId: 'getTenant',
  tag,
  role: 'viewer',
  summary: 'Get a tenant',
  params,
  responses,
  async handle({ params: { id } }, { pool }) {
    const stored = await getTenant(pool, id);
    if (!stored) throw notFound('tenant', id);
    return answer(200, stored);
  },
});

const update = route('PATCH /v1/tenants/{id}', {
  operationId: 'updateTenant',
  tag,
  role: 'admin',
  aboveTenants: true,
  summary: 'Change the name, metadata or quotas of a tenant',
  description: 'Fields that are not given stay as they are.',
  params,
  body: tenantPatch,
  example: { max_events_per_second: 500 },
  responses,
  async handle({ params: { id }, body, actor }, { pool }) {
    if (!(await updateTenant(pool, id, body, actor))) throw notFound('tenant', id);
    return answer(200, await committed(pool, id));
  },
});

const remove = route('DELETE /v1/tenants/{id}', {
  operationId: 'deleteTenant',
  tag,
  role: 'admin',
  aboveTenants: true,
  summary: 'Delete a tenant without endpoints, open deliveries and API keys',
  description: 'Its history stays. Its next event makes it again.',
  params,
  responses: { 204: { description: 'Deleted.', schema: null } },
  problems: ['tenant_in_use'],
  async handle({ params: { id }, actor }, { pool }) {
    const result = await deleteTenant(pool, id, actor);
    if (result === null) throw notFound('tenant', id);
    if (result === 'in_use') {
      const message =
        'It has endpoints, open deliveries or API keys: delete its endpoints first, which ends their deliveries, and revoke its keys.';
      throw new Problem(409, 'tenant_in_use', message);
    }
    return answer(204, undefined);
  },
});

export const tenantRoutes = [create, list, get, update, remove];
