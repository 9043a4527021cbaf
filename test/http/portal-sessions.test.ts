import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { as, createKey } from '../support/api-keys.js';
import { createEndpoint } from '../support/path.js';
import { untilPausesKnown } from '../support/pauses.js';
import {
  auditOf,
  createSession,
  openPortal,
  redeem,
  sessionOf,
  statusOf,
  type NewSession,
} from '../support/portal.js';
import { seedOpen } from '../support/seed.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

test('a link has 256 bits behind its #, is shown once, and is stored as its hash alone', async () => {
  const { id, url, code } = await createSession(t, { return_url: 'https://shop.example/?sid=0123456789' });
  expect(code).toMatch(/^shc_[\w-]{43}$/);
  expect(url).toBe(`${t.service.url}/portal#${code}`);
  const { rows } = await t.pool.query<{ code_hash: Buffer }>('select * from portal_sessions where id = $1', [
    id,
  ]);
  expect(rows[0]!.code_hash).toEqual(createHash('sha256').update(code).digest());
  const { body } = await sessionOf(t, id);
  const minutes = (time: unknown) =>
    (Date.parse(String(time)) - Date.parse(String(body.created_at))) / 60_000;
  expect([minutes(body.link_expires_at), minutes(body.expires_at)]).toEqual([10, 60]);
  expect(body).toMatchObject({ tenant: 'acme', created_by: 'admin', redeemed_at: null, revoked_at: null });
  const shown = [body, (await t.call('GET', '/v1/portal-sessions?tenant=acme')).body, await auditOf(t, id)];
  for (const one of shown) expect(JSON.stringify(one)).not.toContain(code);
  const after = { return_url: 'https://shop.example/' };
  expect(await auditOf(t, id)).toMatchObject([
    { action: 'portal_session.create', actor: 'admin', tenant: 'acme', after },
  ]);
});

test('a link begins with the URL that customers reach the API by', async () => {
  const publicUrl = 'https://hooks.example.com/surehook';
  const { databaseUrl, taskQueue } = t;
  const apart = await startTestService({ databaseUrl, taskQueue, publicUrl });
  const { url, code } = await createSession(apart);
  expect(url).toBe(`${publicUrl}/portal#${code}`);
  await apart.stop();
  // Nobody can send a request to an unspecified address.
  const everywhere = await startTestService({ databaseUrl, taskQueue, host: '0.0.0.0' });
  expect((await createSession(everywhere)).url).toMatch(/^http:\/\/localhost:\d+\/portal#shc_/);
  await everywhere.stop();
});

test('a repeated request makes no second session, and does not show the link again', async () => {
  const post = (expires_in: number) =>
    t.call<NewSession>(
      'POST',
      '/v1/portal-sessions',
      { tenant: 'acme', expires_in },
      { 'idempotency-key': 'x' },
    );
  const [first, again] = [await post(600), await post(600)];
  expect(first.status).toBe(201);
  expect(again).toMatchObject({ status: 200, body: { id: first.body.id, url: null, code: null } });
  expect(again.headers.get('idempotent-replayed')).toBe('true');
  expect(await post(601)).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
});

test('a session does what its scopes allow, as its own author and in its tenant', async () => {
  const tenant = 'scoped';
  const { id, code } = await createSession(t, { tenant, scopes: ['endpoints', 'replay'] });
  const session = as(t, (await redeem(t, code)).body.token);
  const made = await createEndpoint(session, 'http://127.0.0.1:9/');
  await session.call('POST', `/v1/endpoints/${made.id}/pause`);
  const batch = await session.call<{ id: string }>('POST', '/v1/batches', { filter: {}, dry_run: true });
  const author = `portal:${id}`;
  expect(batch).toMatchObject({ status: 201, body: { tenant, created_by: author } });
  const audit = await t.call('GET', `/v1/audit?tenant=${tenant}&actor=${author}`);
  expect(audit.body).toMatchObject({
    data: [
      { action: 'batch.plan', object: batch.body.id },
      { action: 'endpoint.pause', object: made.id },
      { action: 'endpoint.create', object: made.id },
      { action: 'portal_session.redeem', object: id },
    ],
  });
  const refused = await session.call<{ detail: string }>('GET', '/v1/endpoints');
  expect(refused.body.detail).toBe(
    `The session portal:${id} has the scopes endpoints, replay; this needs read.`,
  );
  // The path of events without a router refuses it, too.
  const event = await session.call('POST', '/v1/events', { type: 'a.b', payload: 1 });
  expect(event).toMatchObject({ status: 403, body: { code: 'forbidden' } });
  expect(event.headers.get('ratelimit-policy')).toBe('"key";q=50;w=1');
});

test('a session does not see where the Web UI of Temporal is', async () => {
  const { databaseUrl, taskQueue } = t;
  const address = inject('temporalAddress');
  const temporal = { address, namespace: 'default', tls: false, apiKey: null, uiUrl: 'http://ui.internal' };
  const apart = await startTestService({ databaseUrl, taskQueue, temporal });
  const session = as(apart, await openPortal(apart));
  const made = await session.call<{ id: string }>('POST', '/v1/batches', { filter: {}, dry_run: true });
  const path = `/v1/batches/${made.body.id}`;
  const urls = [made.body, (await session.call('GET', path)).body, (await apart.call('GET', path)).body];
  const ui = expect.stringContaining('http://ui.internal/') as unknown;
  expect(urls.map((body) => (body as Record<string, unknown>).workflow_url)).toEqual([null, null, ui]);
  await apart.stop();
});

test('a session sees that everything is paused, but not why', async () => {
  const session = as(t, await openPortal(t));
  const endpoint = await createEndpoint(session, 'http://127.0.0.1:9/');
  await seedOpen(t.pool, { endpointId: endpoint.id, count: 1 });
  const reason = 'a fault at another customer';
  await t.call('POST', '/v1/control/pause', { scope: 'all', reason });
  await untilPausesKnown(t);
  try {
    const path = `/v1/deliveries?endpoint_id=${endpoint.id}`;
    const { data } = (await session.call<{ data: { id: string; status_reason: string }[] }>('GET', path))
      .body;
    expect(data).toMatchObject([{ status: 'HELD', status_reason: 'paused by the operator' }]);
    const answers = [
      await session.call('GET', `/v1/deliveries/${data[0]!.id}`),
      await session.call('POST', `/v1/deliveries/${data[0]!.id}/retry`),
      await session.call('POST', `/v1/endpoints/${endpoint.id}/test`),
      await session.call('POST', '/v1/endpoints/match', { type: 'a.b', payload: 1 }),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 409, 409, 200]);
    for (const { body } of answers) {
      expect(JSON.stringify(body)).toContain('paused by the operator');
      expect(JSON.stringify(body)).not.toContain(reason);
    }
    expect(JSON.stringify((await t.call('GET', path)).body)).toContain(reason);
  } finally {
    await t.call('POST', '/v1/control/resume', { scope: 'all' });
  }
});

test('without scopes, a session reads', async () => {
  const { body } = await t.call('POST', '/v1/portal-sessions', { tenant: 'acme' });
  expect(body).toMatchObject({ scopes: ['read'] });
});

test('a session may do nothing that the key which makes it may not', async () => {
  const post = (key: string, body: object) => as(t, key).call('POST', '/v1/portal-sessions', body);
  const { id, key: operator } = await createKey(t, 'operator', 'bound');
  const made = await post(operator, { tenant: 'bound', scopes: ['read', 'replay'] });
  expect(made).toMatchObject({ status: 201, body: { tenant: 'bound', created_by: id } });
  expect(await post(operator, { tenant: 'bound', scopes: ['endpoints'] })).toMatchObject({
    status: 403,
    body: { code: 'forbidden', errors: [{ path: 'scopes' }] },
  });
  expect(await post(operator, { tenant: 'acme' })).toMatchObject({
    status: 403,
    body: { code: 'foreign_tenant', errors: [{ path: 'tenant' }] },
  });
  const { key: admin } = await createKey(t, 'admin', 'bound');
  expect((await post(admin, { tenant: 'bound', scopes: ['endpoints'] })).status).toBe(201);
});

test('API keys and tokens of sessions are kept apart', async () => {
  const token = await openPortal(t);
  const { rows } = await t.pool.query<{ id: string; name: string }>(
    `select id, name from api_keys where role = 'portal' order by id desc limit 1`,
  );
  const [{ id, name }] = rows as [(typeof rows)[number]];
  expect(JSON.stringify((await t.call('GET', '/v1/api-keys?limit=250')).body)).not.toContain(id);
  expect((await t.call('GET', `/v1/api-keys/${id}`)).status).toBe(404);
  expect((await t.call('POST', `/v1/api-keys/${id}/revoke`)).status).toBe(404);
  // A key with the name of a session would take it away from its token.
  expect(await t.call('POST', '/v1/api-keys', { name, role: 'viewer' })).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'name' }] },
  });
  expect(await statusOf(t, token)).toBe(200);
});

test.each<[string, Record<string, unknown>, string]>([
  ['no tenant', { tenant: undefined }, 'tenant'],
  ['a tenant with a blank', { tenant: 'a b' }, 'tenant'],
  ['no scope', { scopes: [] }, 'scopes'],
  ['an unknown scope', { scopes: ['read', 'control'] }, 'scopes[1]'],
  ['a scope twice', { scopes: ['read', 'read'] }, 'scopes'],
  ['less than a minute', { expires_in: 59 }, 'expires_in'],
  ['more than a day', { expires_in: 86_401 }, 'expires_in'],
  ['half a second', { expires_in: 60.5 }, 'expires_in'],
  ['a script to return to', { return_url: 'javascript:alert(1)' }, 'return_url'],
  ['credentials in the URL to return to', { return_url: 'https://a:b@shop.example/' }, 'return_url'],
  ['an unknown field', { scope: 'read' }, 'scope'],
])('a session with %s is refused, and the error names the field', async (_name, over, path) => {
  const count = async () => (await t.pool.query('select from portal_sessions')).rowCount;
  const before = await count();
  const answer = await t.call('POST', '/v1/portal-sessions', { tenant: 'acme', ...over });
  expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed', errors: [{ path }] } });
  expect(await count()).toBe(before);
});

test('a tenant has at most 1,000 sessions and links that can be used', async () => {
  const tenant = 'crowded';
  const post = () => t.call('POST', '/v1/portal-sessions', { tenant });
  const add = (count: number, over: string) =>
    t.pool.query(
      `insert into portal_sessions (id, tenant, scopes, code_hash, link_expires_at, expires_at, created_by, ${over.split(' = ')[0]})
       select new_id('pos', now()), $1, '{read}', sha256(random()::text::bytea), now() + interval '1 minute',
         now() + interval '1 hour', 'admin', ${over.split(' = ')[1]} from generate_series(1, $2)`,
      [tenant, count],
    );
  // Sessions that have ended do not count.
  await add(600, 'revoked_at = now()');
  await add(999, 'redeemed_at = now()');
  const { id } = (await post()).body as { id: string };
  expect(await post()).toMatchObject({ status: 429, body: { code: 'too_many_sessions' } });
  expect((await t.call('POST', '/v1/portal-sessions', { tenant: 'acme' })).status).toBe(201);
  await t.pool.query('update portal_sessions set link_expires_at = now() where id = $1', [id]);
  expect((await post()).status).toBe(201);
  expect(await post()).toMatchObject({ status: 429 });
  await t.pool.query('update portal_sessions set expires_at = now() where tenant = $1', [tenant]);
  expect((await post()).status).toBe(201);
});

test('the sessions of a tenant have one share of the slots together', async () => {
  const sessions = [as(t, await openPortal(t)), as(t, await openPortal(t))];
  const client = await t.pool.connect();
  try {
    await client.query('begin; lock table endpoints in access exclusive mode');
    const match = (nth: number) =>
      sessions[nth % 2]!.call('POST', '/v1/endpoints/match', { type: 'a.b', payload: 1 });
    const asked = Array.from({ length: 5 }, (_, nth) => match(nth));
    const ended: object[] = [];
    for (const one of asked) void one.then(({ status, body }) => ended.push({ status, body }));
    const overloaded = { status: 503, body: { code: 'overloaded' } };
    await expect.poll(() => ended, { timeout: 30_000 }).toMatchObject([overloaded, overloaded]);
    await client.query('rollback');
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 200, 200, 503, 503]);
  } finally {
    client.release();
  }
});
