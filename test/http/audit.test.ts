import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredAuditEntry } from '../../src/db/audit.js';
import { apiRoutes } from '../../src/http/routes/index.js';
import { as } from '../support/api-keys.js';
import { batchCalls } from '../support/batches.js';
import { createEndpoint } from '../support/path.js';
import { openPortal } from '../support/portal.js';
import { seedDeliveries, seedOpen } from '../support/seed.js';
import { startTestService, type TestService } from '../support/service.js';

const TENANT = 'audited';
const CANARY = 'canary-of-the-audit-test';
const URL = `https://user.example/hooks?token=${CANARY}`;

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

type Call = [method: string, path: string, body?: unknown];

/** Entries added while `work` ran, oldest first. */
async function entriesOf<T>(work: () => Promise<T>): Promise<{ got: T; entries: StoredAuditEntry[] }> {
  const all = async () => (await t.pool.query<StoredAuditEntry>('select * from audit order by id')).rows;
  const before = new Set((await all()).map(({ id }) => id));
  const got = await work();
  return { got, entries: (await all()).filter(({ id }) => !before.has(id)) };
}

const tried = new Set<string>();
const routeOf = ([method, path]: Call) =>
  `${method} ${path
    .replace(/^\/v1/, '')
    .replace(/\/(ep|del|bat|key|pos|iss)_[0-9a-f]{32}/, '/:id')
    .replace('/made_here', '/:id')
    .replace('/made.here', '/:name')}`;

/** One change, and its one entry: by whom, in which request, about which tenant, and what was before and after. */
async function audited(
  call: Call,
  action: string,
  has: { before: boolean; after: boolean; tenant?: string | null },
): Promise<Record<string, unknown>> {
  tried.add(routeOf(call));
  const { got, entries } = await entriesOf(() => t.call(...call));
  expect(got.status, JSON.stringify(got.body)).toBeLessThan(300);
  expect(entries, `${call[0]} ${call[1]}`).toHaveLength(1);
  const [entry] = entries;
  expect(entry).toMatchObject({
    ...{ action, actor: 'admin', tenant: has.tenant === undefined ? TENANT : has.tenant },
    request_id: got.headers.get('x-request-id'),
  });
  expect({ before: entry!.before !== null, after: entry!.after !== null }).toEqual({
    before: has.before,
    after: has.after,
  });
  expect(JSON.stringify(entry)).not.toMatch(new RegExp(`${CANARY}|whsec_|sh[kcs]_`));
  return got.body;
}

/** A request that is refused, or changes nothing, leaves no entry. */
async function unaudited(call: Call, status: number): Promise<void> {
  const { got, entries } = await entriesOf(() => t.call(...call));
  expect(got.status, JSON.stringify(got.body)).toBe(status);
  expect(entries).toEqual([]);
}

const MADE = { before: false, after: true };
const CHANGED = { before: true, after: true };
const GONE = { before: true, after: false };
const NEITHER = { before: false, after: false };
const nobody = (prefix: string) => `${prefix}_${'0'.repeat(32)}`;

test('changes of an endpoint', async () => {
  const body = { url: URL, event_types: ['*'], tenant: TENANT, headers: { 'x-secret': CANARY } };
  const { id } = await audited(['POST', '/v1/endpoints', body], 'endpoint.create', MADE);
  // A repeated request shows the secret again.
  const keyed = (...[method, path, given]: Call) =>
    entriesOf(() => t.call(method, path, given, { 'idempotency-key': 'audited' }));
  const actionsOf = (entries: StoredAuditEntry[]) => entries.map(({ action }) => action);
  const first = await keyed('POST', '/v1/endpoints', body);
  expect(actionsOf(first.entries)).toEqual(['endpoint.create']);
  const rotation: Call = ['POST', `/v1/endpoints/${String(first.got.body.id)}/rotate-secret`];
  expect(actionsOf((await keyed('POST', '/v1/endpoints', body)).entries)).toEqual(['endpoint.read_secret']);
  expect(actionsOf((await keyed(...rotation)).entries)).toEqual(['endpoint.rotate_secret']);
  expect(actionsOf((await keyed(...rotation)).entries)).toEqual(['endpoint.read_secret']);
  const path = `/v1/endpoints/${String(id)}`;
  await audited(['PATCH', path, { description: 'new' }], 'endpoint.update', CHANGED);
  for (const verb of ['pause', 'resume', 'disable', 'enable']) {
    await audited(['POST', `${path}/${verb}`, { reason: 'why' }], `endpoint.${verb}`, CHANGED);
    const { updated_at } = (await t.call('GET', path)).body;
    await unaudited(['POST', `${path}/${verb}`, { reason: 'why' }], 200);
    expect((await t.call('GET', path)).body).toMatchObject({ updated_at });
  }
  await t.pool.query('update endpoints set failing_since = now() where id = $1', [id]);
  await audited(['POST', `${path}/enable`], 'endpoint.enable', CHANGED);
  const gone = `update endpoints set status = 'disabled', status_reason = 'gone' where id = $1`;
  await t.pool.query(gone, [id]);
  await audited(['POST', `${path}/disable`], 'endpoint.disable', CHANGED);
  await audited(['POST', `${path}/enable`], 'endpoint.enable', CHANGED);
  await audited(['GET', `${path}/secret`], 'endpoint.read_secret', NEITHER);
  await audited(['POST', `${path}/rotate-secret`], 'endpoint.rotate_secret', CHANGED);
  await audited(['POST', `${path}/test`, { preview: true }], 'endpoint.preview', MADE);
  await unaudited(['PATCH', path, { timeout_ms: 1 }], 400);
  await unaudited(['PATCH', path, { url: 'http://10.0.0.1/' }], 422);
  await unaudited(['POST', `${path}/disable`, { reason: 1 }], 400);
  await unaudited(['POST', '/v1/endpoints', { ...body, url: 'http://10.0.0.1/' }], 422);
  await t.call('POST', `${path}/disable`);
  await unaudited(['POST', `${path}/pause`], 409);
  await audited(['DELETE', path], 'endpoint.delete', GONE);
  await unaudited(['DELETE', path], 404);
  await unaudited(['GET', `${path}/secret`], 404);
  await unaudited(['POST', `${path}/enable`], 404);
});

test('changes of the kill switch', async () => {
  const tenant = { scope: 'tenant', tenant: TENANT };
  await audited(['POST', '/v1/control/pause', { ...tenant, reason: 'one' }], 'control.pause', MADE);
  await audited(['POST', '/v1/control/pause', { ...tenant, reason: 'two' }], 'control.pause', CHANGED);
  await unaudited(['POST', '/v1/control/pause', { ...tenant, reason: 'two' }], 200);
  await audited(['POST', '/v1/control/resume', tenant], 'control.resume', GONE);
  await unaudited(['POST', '/v1/control/resume', tenant], 409);
  await unaudited(['POST', '/v1/control/pause', tenant], 400);
  const all = { scope: 'all', reason: 'all' };
  await audited(['POST', '/v1/control/pause', all], 'control.pause', { ...MADE, tenant: null });
  await audited(['POST', '/v1/control/resume', { scope: 'all' }], 'control.resume', {
    ...GONE,
    tenant: null,
  });
});

test('changes of deliveries', async () => {
  const { id: endpointId } = await createEndpoint(t, URL, { tenant: TENANT });
  const open = await seedOpen(t.pool, { endpointId, count: 4 });
  const [ended] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  const path = (index: number) => `/v1/deliveries/${open[index]!.id}`;
  // The retry is due in a day: no attempt follows before the delivery ends.
  await audited(['POST', `${path(0)}/cancel`], 'delivery.cancel', CHANGED);
  await unaudited(['POST', `${path(0)}/cancel`], 200);
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  await unaudited(['POST', `${path(1)}/retry`], 409);
  await audited(
    ['POST', `/v1/deliveries/${ended!.id}/retry`, { reason: 'again' }],
    'delivery.retry',
    CHANGED,
  );
  const filter = { endpoint_id: endpointId };
  await unaudited(['POST', '/v1/deliveries/cancel', { filter, dry_run: true }], 200);
  await audited(['POST', '/v1/deliveries/cancel', { filter }], 'deliveries.cancel', CHANGED);
  const { rows: cancelled } = await t.pool.query(
    `select before, after from audit where action = 'deliveries.cancel' and object = $1`,
    [endpointId],
  );
  // Three of the seeded ones, and the new one: all are held.
  expect(cancelled).toEqual([{ before: { filter, statuses: { HELD: 4 } }, after: { filter, cancelled: 4 } }]);
  await unaudited(['POST', '/v1/deliveries/cancel', { filter }], 200);
  await unaudited(['POST', `/v1/deliveries/${nobody('del')}/cancel`], 404);
});

test('making the next attempt of an open delivery due', async () => {
  const { id: endpointId } = await createEndpoint(t, 'http://127.0.0.1:9/', { tenant: TENANT });
  const [open] = await seedOpen(t.pool, { endpointId, count: 1, attempts: 1 });
  await audited(['POST', `/v1/deliveries/${open!.id}/retry`], 'delivery.retry', CHANGED);
});

test('changes of a replay batch', async () => {
  const { id: endpointId } = await createEndpoint(t, URL, { tenant: TENANT, enabled: false });
  await t.call('POST', `/v1/endpoints/${endpointId}/enable`);
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  await seedDeliveries(t.pool, { endpointId, count: 50 });
  const batches = batchCalls(t);
  const body = { filter: { endpoint_id: endpointId }, dry_run: true };
  const { id } = await audited(['POST', '/v1/batches', body], 'batch.plan', MADE);
  await batches.batchIn(String(id), ['DRY_RUN']);
  await unaudited(['POST', `/v1/batches/${String(id)}/pause`], 409);
  const started = await audited(
    ['POST', `/v1/batches/${String(id)}/start`, { rate_per_second: 0.01 }],
    'batch.start',
    MADE,
  );
  // The plan has its one batch already: nothing new is made.
  await unaudited(['POST', `/v1/batches/${String(id)}/start`], 200);
  const path = `/v1/batches/${String(started.id)}`;
  await batches.batchIn(String(started.id), ['RUNNING']);
  await audited(['PATCH', path, { rate_per_second: 0.02 }], 'batch.rate', CHANGED);
  await audited(['POST', `${path}/pause`], 'batch.pause', CHANGED);
  await unaudited(['POST', `${path}/pause`], 200);
  await audited(['POST', `${path}/resume`], 'batch.resume', CHANGED);
  await audited(['POST', `${path}/cancel`], 'batch.cancel', CHANGED);
  await unaudited(['PATCH', path, { rate_per_second: 1 }], 409);
  await unaudited(['POST', `/v1/batches/${nobody('bat')}/cancel`], 404);
});

test('changes of a tenant', async () => {
  const tenant = 'made_here';
  const body = { id: tenant, name: 'Made here', max_endpoints: 1 };
  await audited(['POST', '/v1/tenants', body], 'tenant.create', { ...MADE, tenant });
  await unaudited(['POST', '/v1/tenants', body], 409);
  await audited(['PATCH', '/v1/tenants/made_here', { max_endpoints: 2 }], 'tenant.update', {
    ...CHANGED,
    tenant,
  });
  await unaudited(['PATCH', '/v1/tenants/made_here', { max_endpoints: -1 }], 400);
  await audited(['DELETE', '/v1/tenants/made_here'], 'tenant.delete', { ...GONE, tenant });
  await unaudited(['DELETE', '/v1/tenants/made_here'], 404);
});

test('changes of an event type', async () => {
  const body = { name: 'made.here', schema: { type: 'object' } };
  await audited(['POST', '/v1/event-types', body], 'event_type.create', { ...MADE, tenant: null });
  await unaudited(['POST', '/v1/event-types', body], 409);
  await audited(['PATCH', '/v1/event-types/made.here', { archived: true }], 'event_type.update', {
    ...CHANGED,
    tenant: null,
  });
  await unaudited(['PATCH', '/v1/event-types/made.here', { archived: 'yes' }], 400);
  await audited(['DELETE', '/v1/event-types/made.here'], 'event_type.delete', { ...GONE, tenant: null });
  await unaudited(['DELETE', '/v1/event-types/made.here'], 404);
  const openapi = { openapi: '3.1.0', webhooks: { 'made.too': { post: {} } } };
  await unaudited(['POST', '/v1/event-types/import/openapi', { openapi, dry_run: true }], 200);
  await audited(['POST', '/v1/event-types/import/openapi', { openapi }], 'event_type.create', {
    ...MADE,
    tenant: null,
  });
});

test('asking which endpoints an event would reach is no change', async () => {
  const event = { type: 'a.b', payload: 1, tenant: TENANT };
  await unaudited(['POST', '/v1/endpoints/match', event], 200);
  tried.add('POST /endpoints/match');
});

test('changes of an API key', async () => {
  const body = { name: 'audited', role: 'viewer', tenant: TENANT };
  const { id } = await audited(['POST', '/v1/api-keys', body], 'api_key.create', {
    ...MADE,
    tenant: null,
  });
  await unaudited(['POST', '/v1/api-keys', body], 409);
  const revocation: Call = ['POST', `/v1/api-keys/${String(id)}/revoke`, { reason: 'lost' }];
  await audited(revocation, 'api_key.revoke', { ...CHANGED, tenant: null });
  await unaudited(revocation, 200);
  await unaudited(['POST', `/v1/api-keys/${nobody('key')}/revoke`], 404);
});

test('changes of a portal session', async () => {
  const create: Call = ['POST', '/v1/portal-sessions', { tenant: TENANT }];
  const { id } = await audited(create, 'portal_session.create', MADE);
  const revocation: Call = ['POST', `/v1/portal-sessions/${String(id)}/revoke`, { reason: 'lost' }];
  await audited(revocation, 'portal_session.revoke', CHANGED);
  await unaudited(revocation, 200);
  await unaudited(['POST', `/v1/portal-sessions/${nobody('pos')}/revoke`], 404);
  await unaudited(['POST', '/v1/portal-sessions', { tenant: TENANT, scopes: [] }], 400);
  const itself: Call = ['POST', '/v1/portal-sessions/current/revoke'];
  await unaudited(itself, 403);
  const session = as(t, await openPortal(t, { tenant: TENANT }));
  const { entries } = await entriesOf(() => session.call(...itself));
  expect(entries).toMatchObject([
    {
      action: 'portal_session.revoke',
      actor: expect.stringMatching(/^portal:pos_/) as string,
      tenant: TENANT,
    },
  ]);
  tried.add(routeOf(itself));
  await t.call(...create);
  const all: Call = ['POST', '/v1/portal-sessions/revoke', { tenant: TENANT, reason: 'lost' }];
  await audited(all, 'portal_session.revoke_all', MADE);
  await unaudited(all, 200);
});

test('changes of an issue', async () => {
  const { id: endpointId } = await createEndpoint(t, URL, { tenant: TENANT });
  const { rows } = await t.pool.query<{ id: string }>(
    `insert into issues (id, tenant, endpoint_id, classification, first_seen_at, last_seen_at, attempt_count, failed_count,
       sample_delivery_id)
     values (new_id('iss', now()), $1, $2, 'TIMEOUT', now(), now(), 1, 1, $3) returning id`,
    [TENANT, endpointId, nobody('del')],
  );
  const path = `/v1/issues/${rows[0]!.id}`;
  await audited(['POST', `${path}/acknowledge`, { note: 'known' }], 'issue.acknowledge', CHANGED);
  await audited(['POST', `${path}/reopen`], 'issue.reopen', CHANGED);
  await unaudited(['POST', `${path}/acknowledge`, { note: 1 }], 400);
  await unaudited(['POST', `/v1/issues/${nobody('iss')}/acknowledge`], 404);
});

test('publishing is no change, but the endpoint that POST /v1/send makes is one', async () => {
  const event = { type: 'a.b', payload: 1, tenant: TENANT };
  await unaudited(['POST', '/v1/events', event], 202);
  await unaudited(['POST', '/v1/events/batch', { events: [event] }], 200);
  const send = { url: 'http://127.0.0.1:9/once', payload: 1, tenant: TENANT };
  await audited(['POST', '/v1/send', send], 'endpoint.create', MADE);
  await unaudited(['POST', '/v1/send', send], 202);
});

/** After the others: every route that changes something has been tried there. */
test('no route that changes something is missing here', () => {
  const changing = apiRoutes
    .filter(({ method }) => method !== 'get')
    .map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replace('/v1', '').replace(/\{(\w+)\}/, ':$1')}`,
    );
  const published = ['POST /events', 'POST /events/batch'];
  expect([...tried, ...published].filter((route) => !route.startsWith('GET ')).sort()).toEqual(
    changing.sort(),
  );
});

test('the list is filtered by tenant, actor, action, object and time', async () => {
  const { body: made } = await t.call('POST', '/v1/tenants', { id: 'listed' });
  await t.call('PATCH', '/v1/tenants/listed', { name: 'one' });
  const from = new Date(Date.parse(String(made.created_at)) - 60_000).toISOString();
  const list = async (query: string) =>
    (await t.call<{ data: StoredAuditEntry[] }>('GET', `/v1/audit?${query}`)).body.data.map(
      ({ action }) => action,
    );
  const both = ['tenant.update', 'tenant.create'];
  expect(await list('tenant=listed')).toEqual(both);
  expect(await list('object=tenant:listed')).toEqual(both);
  expect(await list(`tenant=listed&from=${from}`)).toEqual(both);
  expect(await list(`tenant=listed&to=${from}`)).toEqual([]);
  expect(await list('tenant=listed&action=tenant.update')).toEqual(['tenant.update']);
  expect(await list('tenant=listed&actor=admin')).toEqual(both);
  expect(await list('tenant=listed&actor=surehook')).toEqual([]);
  expect(await list('tenant=nobody')).toEqual([]);
  const bad = await t.call('GET', '/v1/audit?tenant=a%20b');
  expect(bad).toMatchObject({ status: 400, body: { errors: [{ path: 'tenant' }] } });
});

test('the database refuses to change, delete or truncate entries, but for a retention', async () => {
  await t.call('POST', '/v1/tenants', { id: 'kept' });
  const count = async () =>
    (await t.pool.query<{ n: number }>(`select count(*)::int as n from audit where tenant = 'kept'`)).rows[0]!
      .n;
  for (const sql of [
    `update audit set actor = 'somebody else' where tenant = 'kept'`,
    `delete from audit where tenant = 'kept'`,
    'truncate audit',
    `begin; set local surehook.audit_retention = 'on'; update audit set actor = 'x'; commit`,
    `begin; set local surehook.audit_retention = 'on'; truncate audit; commit`,
  ]) {
    const client = await t.pool.connect();
    await expect(client.query(sql), sql).rejects.toMatchObject({ code: 'SHA01' });
    await client.query('rollback');
    client.release();
  }
  expect(await count()).toBe(1);
  await t.pool.query(
    `begin; set local surehook.audit_retention = 'on'; delete from audit where tenant = 'kept'; commit`,
  );
  expect(await count()).toBe(0);
});
