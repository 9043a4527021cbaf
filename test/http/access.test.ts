import { afterAll, beforeAll, expect, test } from 'vitest';
import { PORTAL_SCOPES, ROLES, type NeededScope, type Role } from '../../src/domain/role.js';
import { as, createKey } from '../support/api-keys.js';
import { neededQuery, operations } from '../support/conformance.js';
import { createEndpoint } from '../support/path.js';
import { openPortal } from '../support/portal.js';
import { seedDeliveries, seedOpen } from '../support/seed.js';
import { startTestService, type TestService } from '../support/service.js';

interface Entry {
  /** The roles that may call it; `open`: it needs no key. */
  roles: Role[] | 'open';
  /** The scope with which a portal session may call it. */
  portal?: NeededScope;
  /**
   * The answer to a key of tenant `other` whose role allows the call, or to a portal session whose scope does: for an id of
   * tenant `acme`, for a body that names it, or for what is above tenants. `own`: it shows what is of its own tenant alone;
   * `shared`: what is of no tenant.
   */
  bound: 404 | 403 | 'own' | 'shared';
  /** A valid body; it names the tenant `acme` where it can. */
  body?: unknown;
}

const ADMINS: Role[] = ['admin'];
const OPERATORS: Role[] = ['admin', 'operator'];
const PUBLISHERS: Role[] = ['admin', 'publisher'];
const VIEWERS: Role[] = ['admin', 'operator', 'viewer'];
const ALL: Role[] = [...ROLES];

const tenant = 'acme';
const url = 'https://shop.example/';

/** Every operation of the OpenAPI document, by its id. */
const ENTRIES: Record<string, Entry> = {
  postEvent: { roles: PUBLISHERS, bound: 403, body: { type: 'a.b', payload: 1, tenant } },
  postEvents: { roles: PUBLISHERS, bound: 'own', body: { events: [{ type: 'a.b', payload: 1, tenant }] } },
  listEvents: { roles: VIEWERS, portal: 'read', bound: 'own' },
  searchEvents: { roles: VIEWERS, bound: 'own' },
  getEvent: { roles: ALL, portal: 'read', bound: 404 },
  sendWebhook: { roles: PUBLISHERS, bound: 403, body: { url, payload: 1, tenant } },
  createEndpoint: {
    roles: ADMINS,
    portal: 'endpoints',
    bound: 403,
    body: { url, event_types: ['*'], tenant },
  },
  listEndpoints: { roles: VIEWERS, portal: 'read', bound: 'own' },
  getEndpoint: { roles: VIEWERS, portal: 'read', bound: 404 },
  updateEndpoint: { roles: ADMINS, portal: 'endpoints', bound: 404, body: { description: 'changed' } },
  deleteEndpoint: { roles: ADMINS, portal: 'endpoints', bound: 404 },
  getEndpointSecret: { roles: ADMINS, portal: 'endpoints', bound: 404 },
  rotateEndpointSecret: { roles: ADMINS, portal: 'endpoints', bound: 404 },
  testEndpoint: { roles: OPERATORS, portal: 'endpoints', bound: 404 },
  pauseEndpoint: { roles: OPERATORS, portal: 'endpoints', bound: 404 },
  resumeEndpoint: { roles: OPERATORS, portal: 'endpoints', bound: 404 },
  enableEndpoint: { roles: OPERATORS, portal: 'endpoints', bound: 404 },
  disableEndpoint: { roles: OPERATORS, portal: 'endpoints', bound: 404 },
  matchEndpoints: { roles: VIEWERS, portal: 'read', bound: 403, body: { type: 'a.b', payload: 1, tenant } },
  createEventType: { roles: ADMINS, bound: 403, body: { name: 'new.type' } },
  importEventTypes: { roles: ADMINS, bound: 403, body: { openapi: { openapi: '3.1.0', webhooks: {} } } },
  listEventTypes: { roles: VIEWERS, portal: 'read', bound: 'shared' },
  getEventType: { roles: VIEWERS, portal: 'read', bound: 'shared' },
  updateEventType: { roles: ADMINS, bound: 403, body: { archived: true } },
  deleteEventType: { roles: ADMINS, bound: 403 },
  listDeliveries: { roles: VIEWERS, portal: 'read', bound: 'own' },
  getDelivery: { roles: ALL, portal: 'read', bound: 404 },
  cancelDeliveries: { roles: OPERATORS, bound: 403, body: { filter: { tenant } } },
  cancelDelivery: { roles: OPERATORS, bound: 404 },
  retryDelivery: { roles: OPERATORS, portal: 'replay', bound: 404 },
  listAttempts: { roles: VIEWERS, bound: 'own' },
  createBatch: { roles: OPERATORS, portal: 'replay', bound: 403, body: { filter: { tenant } } },
  listBatches: { roles: VIEWERS, portal: 'read', bound: 'own' },
  getBatch: { roles: VIEWERS, portal: 'read', bound: 404 },
  updateBatch: { roles: OPERATORS, portal: 'replay', bound: 404, body: { rate_per_second: 1 } },
  listBatchItems: { roles: VIEWERS, portal: 'read', bound: 404 },
  startBatch: { roles: OPERATORS, portal: 'replay', bound: 404 },
  pauseBatch: { roles: OPERATORS, portal: 'replay', bound: 404 },
  resumeBatch: { roles: OPERATORS, portal: 'replay', bound: 404 },
  cancelBatch: { roles: OPERATORS, portal: 'replay', bound: 404 },
  getControl: { roles: VIEWERS, bound: 'own' },
  pauseDeliveries: { roles: OPERATORS, bound: 403, body: { scope: 'tenant', tenant, reason: 'why' } },
  resumeDeliveries: { roles: OPERATORS, bound: 403, body: { scope: 'all' } },
  createTenant: { roles: ADMINS, bound: 403, body: { id: 'third' } },
  listTenants: { roles: VIEWERS, bound: 'own' },
  getTenant: { roles: VIEWERS, bound: 404 },
  updateTenant: { roles: ADMINS, bound: 403, body: { name: 'changed' } },
  deleteTenant: { roles: ADMINS, bound: 403 },
  createApiKey: { roles: ADMINS, bound: 403, body: { name: 'new', role: 'viewer', tenant } },
  listApiKeys: { roles: ADMINS, bound: 403 },
  getApiKey: { roles: ADMINS, bound: 403 },
  revokeApiKey: { roles: ADMINS, bound: 403 },
  createPortalSession: { roles: OPERATORS, bound: 403, body: { tenant } },
  redeemPortalSession: { roles: 'open', bound: 'own' },
  listPortalSessions: { roles: VIEWERS, bound: 'own' },
  getPortalSession: { roles: VIEWERS, bound: 404 },
  revokePortalSession: { roles: OPERATORS, bound: 404 },
  revokePortalSessions: { roles: OPERATORS, bound: 403, body: { tenant } },
  getCurrentPortalSession: { roles: [], portal: 'any', bound: 'own' },
  revokeCurrentPortalSession: { roles: [], portal: 'any', bound: 'own' },
  signIn: { roles: 'open', bound: 'own' },
  getSession: { roles: ALL, bound: 'own' },
  signOut: { roles: 'open', bound: 'own' },
  getStats: { roles: VIEWERS, portal: 'read', bound: 'own' },
  getEndpointStats: { roles: VIEWERS, portal: 'read', bound: 404 },
  listIssues: { roles: VIEWERS, bound: 'own' },
  acknowledgeIssue: { roles: OPERATORS, bound: 404 },
  reopenIssue: { roles: OPERATORS, bound: 404 },
  getLive: { roles: VIEWERS, portal: 'read', bound: 'own' },
  listAudit: { roles: VIEWERS, bound: 'own' },
  getSettings: { roles: OPERATORS, bound: 403 },
  listProcesses: { roles: OPERATORS, bound: 403 },
  getHealth: { roles: 'open', bound: 'own' },
  getReadiness: { roles: 'open', bound: 'own' },
  getMetrics: { roles: 'open', bound: 'own' },
  getOpenApi: { roles: 'open', bound: 'own' },
  getDocs: { roles: 'open', bound: 'own' },
};

let t: TestService;
/** Objects of the tenant acme, by the prefix of the id. */
const ids: Record<string, string> = { tenant };
const EVENT_TYPE = 'order.created';
const keys = new Map<string, string>();
beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 3_600_000 });
  for (const role of ROLES) {
    keys.set(role, (await createKey(t, role)).key);
    keys.set(`${role} of other`, (await createKey(t, role, 'other')).key);
  }
  for (const scope of PORTAL_SCOPES) {
    keys.set(`portal ${scope}`, await openPortal(t, { tenant, scopes: [scope] }));
    keys.set(`portal ${scope} of other`, await openPortal(t, { tenant: 'other', scopes: [scope] }));
  }
  keys.set('portal any of other', await openPortal(t, { tenant: 'other', scopes: ['read'] }));
  // The walk is not paced: limits would refuse some of its requests.
  await t.pool.query('update api_keys set rate_per_second = null');
  await t.call('POST', '/v1/event-types', { name: EVENT_TYPE });
  const admin = as(t, (await createKey(t, 'admin', tenant)).key);
  const { id: endpointId } = await createEndpoint(admin, 'http://127.0.0.1:9/');
  await seedOpen(t.pool, { endpointId, count: 1 });
  const [ended] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  await t.pool.query(
    `insert into issues (id, tenant, endpoint_id, classification, first_seen_at, last_seen_at, attempt_count, failed_count,
       sample_delivery_id)
     values (new_id('iss', now()), $1, $2, 'TIMEOUT', now(), now(), 1, 1, $3)`,
    [tenant, endpointId, ended!.id],
  );
  const batch = await admin.call<{ id: string }>('POST', '/v1/batches', { filter: {}, dry_run: true });
  const { rows } = await t.pool.query<{ id: string }>(
    `select id from api_keys where tenant = $1 and role <> 'portal'
     union all select id from issues where tenant = $1
     union all (select id from portal_sessions where tenant = $1 limit 1)`,
    [tenant],
  );
  const made = [endpointId, ended!.id, ended!.event_id, batch.body.id];
  for (const id of [...made, ...rows.map((row) => row.id)]) ids[id.slice(0, id.indexOf('_'))] = id;
  await t.call('POST', '/v1/control/pause', { scope: 'tenant', tenant, reason: 'of acme alone' });
});
afterAll(() => t.stop());

const PREFIXES: [part: string, prefix: string][] = [
  ['/events/', 'evt'],
  ['/endpoints/', 'ep'],
  ['/deliveries/', 'del'],
  ['/batches/', 'bat'],
  ['/api-keys/', 'key'],
  ['/portal-sessions/', 'pos'],
  ['/issues/', 'iss'],
  ['/tenants/', 'tenant'],
];
const prefixOf = (path: string) => PREFIXES.find(([part]) => path.includes(part))![1];
const existing = (path: string) =>
  path.replace('{name}', EVENT_TYPE).replace('{id}', () => ids[prefixOf(path)]!);
const missing = (path: string) =>
  path.replace('{name}', 'no.type').replace('{id}', () => `${prefixOf(path)}_${'0'.repeat(32)}`);

/** Everything that belongs to acme, as it is in the database. */
async function stateOfAcme(): Promise<unknown> {
  // The use of a key is written in the background.
  const keys = '(select id, tenant, revoked_at from api_keys) k';
  const secrets = '(select s.*, tenant from endpoint_secrets s join endpoints e on e.id = endpoint_id) s';
  const tenants = '(select *, id as tenant from tenants) t';
  const lists = [
    'endpoints',
    'open_deliveries',
    'deliveries',
    'events',
    'batches',
    'audit',
    'portal_sessions',
    'issues',
  ];
  const tables = [...lists, keys, secrets, tenants];
  const rows = await Promise.all(
    tables.map((table) => t.pool.query(`select * from ${table} where tenant = $1 order by id`, [tenant])),
  );
  const { rows: pauses } = await t.pool.query('select * from control');
  const { rows: types } = await t.pool.query('select * from event_types');
  return [pauses, types, ...rows.map((one) => one.rows as unknown)];
}

test('every operation of the document has an entry here, and no other', () => {
  const documented = operations.map(({ operation }) => operation.operationId);
  expect(Object.keys(ENTRIES).sort()).toEqual(documented.sort());
});

const each = operations.map((one) => [`${one.method} ${one.path}`, one] as const);

test.each(each)('%s needs a key with one of its roles', async (_name, { method, path, operation }) => {
  const { roles } = ENTRIES[operation.operationId]!;
  const send = (key: string) => {
    const body = method === 'GET' ? undefined : { no_such_field: 1 };
    return t.call<{ code: string }>(method, missing(path), body, { authorization: key && `Bearer ${key}` });
  };
  expect((await send('')).status === 401).toBe(roles !== 'open');
  if (roles === 'open') return;
  expect(operation['x-roles']).toEqual(roles);
  for (const role of ROLES) {
    const answer = await send(keys.get(role)!);
    // An allowed request fails only because the body is not valid, or there is no such object.
    if (roles.includes(role)) expect([200, 400, 404], role).toContain(answer.status);
    else expect(answer, role).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  }
});

test.each(each)('%s needs a portal session with its scope', async (_name, { method, path, operation }) => {
  const { roles, portal } = ENTRIES[operation.operationId]!;
  expect(operation['x-portal-scope']).toBe(portal);
  // A session must not do what the keys that may make it cannot.
  if (portal && portal !== 'any')
    expect(operation['x-roles']).toContain(portal === 'endpoints' ? 'admin' : 'operator');
  if (roles === 'open') return;
  const body = method === 'GET' ? undefined : { no_such_field: 1 };
  for (const scope of PORTAL_SCOPES) {
    const session = as(t, keys.get(`portal ${scope}`)!);
    const answer = await session.call<{ code: string }>(method, missing(path), body);
    if (scope === portal || portal === 'any') expect([200, 400, 404], scope).toContain(answer.status);
    else expect(answer, scope).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  }
});

test.each(each)('%s keeps a key and a portal session of one tenant away from another', async (_name, one) => {
  const { method, path, operation } = one;
  const { roles, portal, bound, body } = ENTRIES[operation.operationId]!;
  if (roles === 'open') return;
  const before = await stateOfAcme();
  for (const caller of portal ? [...roles, `portal ${portal}`] : roles) {
    const b = as(t, keys.get(`${caller} of other`)!);
    const answer = await b.call<{ detail: string }>(method, existing(path) + neededQuery(operation), body);
    const text = JSON.stringify(answer.body);
    if (bound === 'own') {
      expect(answer.status).toBe(200);
      for (const id of Object.values(ids)) expect(text).not.toContain(id);
      expect(text).not.toContain('of acme alone');
    } else if (bound === 'shared') {
      expect(answer.status).toBe(200);
    } else {
      expect(answer.status, text).toBe(bound);
    }
    if (bound === 404) {
      const none = await b.call<{ detail: string }>(method, missing(path), body);
      const idIn = (one: string) => one.split('/')[3]!;
      const detail = none.body.detail.replace(idIn(missing(path)), idIn(existing(path)));
      expect(answer.body).toEqual({ ...none.body, detail });
    }
    if (operation.parameters?.some(({ in: place, name }) => place === 'query' && name === 'tenant')) {
      const named = await b.call(method, `${path}?tenant=${tenant}`);
      expect(named.status).toBe(403);
    }
  }
  expect(await stateOfAcme()).toEqual(before);
});

test('an event of a batch that names another tenant is refused on its own', async () => {
  const b = as(t, keys.get('publisher of other')!);
  const one = { type: 'a.b', payload: 1 };
  const answer = await b.call('POST', '/v1/events/batch', { events: [one, { ...one, tenant }] });
  expect(answer.body).toMatchObject({
    results: [{ status: 202 }, { status: 403, error: { code: 'foreign_tenant' } }],
  });
});

test('a key above tenants sees every tenant', async () => {
  const viewer = as(t, keys.get('viewer')!);
  for (const path of ['events', 'endpoints', 'deliveries', 'batches']) {
    const answer = await viewer.call('GET', `/v1/${path}?tenant=${tenant}`);
    expect(answer.body, path).toMatchObject({
      data: expect.arrayContaining([expect.objectContaining({ tenant })]) as unknown,
    });
  }
});
