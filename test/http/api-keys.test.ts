import { createHash } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordKeyUse } from '../../src/db/api-keys.js';
import { as, createKey } from '../support/api-keys.js';
import { createEndpoint, postEvent } from '../support/path.js';
import { lockWaits } from '../support/lock-waits.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let second: TestService;
beforeAll(async () => {
  t = await startTestService();
  second = await startTestService({ databaseUrl: t.databaseUrl, taskQueue: t.taskQueue });
});
afterAll(async () => {
  await second.stop();
  await t.stop();
});

const statusOf = async (service: TestService, key: string) =>
  (await as(service, key).call('GET', '/v1/endpoints')).status;

test('a key has 256 bits, is shown once, and is stored as its hash alone', async () => {
  const { id, key } = await createKey(t, 'viewer', null, { name: 'once' });
  expect(key).toMatch(/^shk_[\w-]{43}$/);
  expect(await statusOf(t, key)).toBe(200);
  const { rows } = await t.pool.query<Record<string, unknown>>('select * from api_keys where id = $1', [id]);
  expect(rows[0]!.hash).toEqual(createHash('sha256').update(key).digest());
  const audit = await t.call('GET', `/v1/audit?object=${id}`);
  const shown = [rows, audit.body, (await t.call('GET', `/v1/api-keys/${id}`)).body];
  for (const one of shown) expect(JSON.stringify(one)).not.toContain(key);
  expect(audit.body).toMatchObject({ data: [{ action: 'api_key.create', actor: 'admin', object: id }] });
});

test('a repeated request makes no second key, and does not show the first again', async () => {
  const body = { name: 'repeated', role: 'viewer' };
  const post = () => t.call<{ id: string }>('POST', '/v1/api-keys', body, { 'idempotency-key': 'api key' });
  const [first, again] = [await post(), await post()];
  expect(first.status).toBe(201);
  expect(again).toMatchObject({ status: 200, body: { id: first.body.id, key: null } });
});

test('a name means one key at a time', async () => {
  const { id } = await createKey(t, 'viewer', null, { name: 'shop' });
  const again = () => t.call('POST', '/v1/api-keys', { name: 'shop', role: 'admin' });
  expect(await again()).toMatchObject({
    status: 409,
    body: { code: 'name_taken', errors: [{ path: 'name' }] },
  });
  await t.call('POST', `/v1/api-keys/${id}/revoke`);
  expect((await again()).status).toBe(201);
  for (const name of ['admin', 'Surehook', 'temporal', 'two words', ''])
    expect(await t.call('POST', '/v1/api-keys', { name, role: 'viewer' }), name).toMatchObject({
      status: 400,
    });
});

test('a new key takes the name of an expired one, which stays refused as expired', async () => {
  const old = await createKey(t, 'viewer', null, { name: 'yearly', expires_at: '2099-01-01T00:00:00Z' });
  await t.pool.query(`update api_keys set expires_at = now() where id = $1`, [old.id]);
  const { key } = await createKey(t, 'viewer', null, { name: 'yearly' });
  expect(await statusOf(t, key)).toBe(200);
  const refused = () => as(t, old.key).call<{ detail: string }>('GET', '/v1/endpoints');
  expect((await eventually(async () => (await refused()).status === 401 && refused())).body.detail).toContain(
    'expired',
  );
  expect((await t.call('GET', `/v1/audit?object=${old.id}&action=api_key.revoke`)).body).toMatchObject({
    data: [{ actor: 'admin', reason: 'It has expired, and a new key takes its name.' }],
  });
});

test('the audit has the id of the key', async () => {
  const { id: keyId, key } = await createKey(t, 'admin', 'named', { name: 'ana' });
  const { id } = await createEndpoint(as(t, key), 'http://127.0.0.1:9/');
  await as(t, key).call('GET', `/v1/endpoints/${id}/secret`);
  const { body } = await t.call('GET', `/v1/audit?object=${id}`);
  expect(body).toMatchObject({
    data: [
      { action: 'endpoint.read_secret', actor: keyId },
      { action: 'endpoint.create', actor: keyId, after: { tenant: 'named' } },
    ],
  });
});

test('a revoked key is refused by every process, and a key made by one is known to the other at once', async () => {
  const { id, key } = await createKey(t, 'viewer');
  for (const service of [second, t]) expect(await statusOf(service, key)).toBe(200);
  const revoked = await t.call('POST', `/v1/api-keys/${id}/revoke`, { reason: 'it was in a log' });
  expect(revoked.body).toMatchObject({ id, revoked_at: expect.any(String) as string });
  for (const service of [t, second])
    await eventually(async () => (await statusOf(service, key)) === 401, 2_000);
  const { revoked_at } = revoked.body;
  expect(await t.call('POST', `/v1/api-keys/${id}/revoke`)).toMatchObject({
    status: 200,
    body: { revoked_at },
  });
  const { data } = (await t.call<{ data: unknown[] }>('GET', `/v1/audit?object=${id}&action=api_key.revoke`))
    .body;
  expect(data).toMatchObject([{ actor: 'admin', reason: 'it was in a log' }]);
});

test('a tenant with a key is not deleted until the key is revoked', async () => {
  const { id } = await createKey(t, 'viewer', 'leaving');
  expect(await t.call('DELETE', '/v1/tenants/leaving')).toMatchObject({
    status: 409,
    body: { code: 'tenant_in_use' },
  });
  await t.call('POST', `/v1/api-keys/${id}/revoke`);
  expect((await t.call('DELETE', '/v1/tenants/leaving')).status).toBe(204);
});

test('a revocation whose notification got lost counts once what is in memory has aged', async () => {
  const { id, key } = await createKey(t, 'viewer');
  expect(await statusOf(t, key)).toBe(200);
  await t.pool.query('alter table api_keys disable trigger api_key_changed');
  await t.pool.query('update api_keys set revoked_at = now() where id = $1', [id]);
  await t.pool.query('alter table api_keys enable trigger api_key_changed');
  await eventually(async () => (await statusOf(t, key)) === 401, 30_000);
});

test('an expired key is refused, and says so', async () => {
  const expires = (ms: number) => ({ expires_at: new Date(Date.now() + ms).toISOString() });
  const { id, key } = await createKey(t, 'viewer', null, expires(3_600_000));
  expect(await statusOf(t, key)).toBe(200);
  await t.pool.query(`update api_keys set expires_at = now() where id = $1`, [id]);
  const answer = await eventually(async () => {
    const one = await as(t, key).call<{ detail: string }>('GET', '/v1/endpoints');
    return one.status === 401 && one;
  }, 2_000);
  expect(answer.body.detail).toContain('expired');
  const past = { name: 'past', role: 'viewer', ...expires(-1_000) };
  expect(await t.call('POST', '/v1/api-keys', past)).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'expires_at' }] },
  });
});

test('the last use of a key is shown, and written at most once a minute', async () => {
  const { id, key } = await createKey(t, 'publisher');
  const lastUse = async () =>
    (await t.call<{ last_used_at: string | null }>('GET', `/v1/api-keys/${id}`)).body.last_used_at;
  expect(await lastUse()).toBeNull();
  await postEvent(as(t, key), {});
  const first = new Date(await eventually(lastUse, 30_000));
  const later = (seconds: number) => new Date(first.getTime() + seconds * 1_000);
  await recordKeyUse(t.pool, new Map([[id, later(59)]]));
  expect(await lastUse()).toBe(first.toISOString());
  await recordKeyUse(t.pool, new Map([[id, later(60)]]));
  expect(await lastUse()).toBe(later(60).toISOString());
});

test('a key beyond its limit gets 429 until the second is over, on the fast path, too', async () => {
  const { key } = await createKey(t, 'publisher', null, { rate_per_second: 2 });
  const post = () => as(t, key).call('POST', '/v1/events', { type: 'a.b', payload: 1 });
  const answers = await Promise.all(Array.from({ length: 20 }, post));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([202, 429]));
  for (const { status, headers, body } of answers) {
    expect(headers.get('ratelimit-policy')).toBe('"key";q=2;w=1');
    expect(headers.get('ratelimit')).toMatch(/^"key";r=[01];t=1$/);
    expect(headers.get('retry-after')).toBe(status === 429 ? '1' : null);
    if (status === 429) expect(body).toMatchObject({ code: 'rate_limited' });
  }
  await eventually(async () => (await post()).status === 202);
  expect((await t.call('GET', '/v1/endpoints')).headers.get('ratelimit')).toBeNull();
});

test('an address with too many unknown keys gets 429 for them, and every valid key still works', async () => {
  // Limits of its own: the other tests come from the same address.
  const apart = await startTestService({ databaseUrl: t.databaseUrl, taskQueue: t.taskQueue });
  try {
    const { key } = await createKey(apart, 'viewer');
    const guess = (n: number) => as(apart, `shk_${n}`).call('GET', '/v1/endpoints');
    const answers = await Promise.all(Array.from({ length: 100 }, (_, n) => guess(n)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 401).length + refused.length).toBe(100);
    // 20, and those of the seconds that the guesses took.
    expect(refused.length).toBeGreaterThan(60);
    expect(refused[0]!.body).toMatchObject({ code: 'rate_limited' });
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    // A key that this process has not seen before, from the same address.
    expect(await statusOf(apart, key)).toBe(200);
    expect((await apart.call('GET', '/v1/endpoints')).status).toBe(200);
    expect((await apart.call('GET', '/v1/endpoints', undefined, { authorization: '' })).status).toBe(401);
  } finally {
    await apart.stop();
  }
});

test('requests that are given up while their key is looked up leave no slot taken', async () => {
  const apart = await startTestService({ databaseUrl: t.databaseUrl, taskQueue: t.taskQueue });
  const { key } = await createKey(t, 'admin');
  const lock = new pg.Client({ connectionString: t.databaseUrl });
  await lock.connect();
  try {
    await lock.query('begin');
    await lock.query('lock table api_keys in access exclusive mode');
    const given = new AbortController();
    const send = (path: string, method: string) =>
      fetch(`${apart.service.url!}${path}`, {
        ...{ method, signal: given.signal, headers: { authorization: `Bearer ${key}` } },
        ...(method === 'POST' ? { body: JSON.stringify({ type: 'a.b', payload: 1 }) } : {}),
      }).catch((error: Error) => error.name);
    const paths = [['/v1/events', 'POST'] as const, ['/v1/control', 'GET'] as const];
    const sent = paths.flatMap(([path, method]) => Array.from({ length: 300 }, () => send(path, method)));
    await eventually(async () => (await lockWaits(t.pool, '%api_keys%')) > 0);
    given.abort();
    expect(new Set(await Promise.all(sent))).toEqual(new Set(['AbortError']));
    await lock.query('rollback');
    const works = async () => {
      const post = await as(apart, key).call('POST', '/v1/events', { type: 'a.b', payload: 1 });
      return post.status === 202 && (await as(apart, key).call('GET', '/v1/control')).status === 200;
    };
    await eventually(works, 20_000);
    // The look-ups of all have ended: none of them may have taken a slot afterwards.
    for (let n = 0; n < 20; n++) expect(await works()).toBe(true);
  } finally {
    await lock.end();
    await apart.stop();
  }
});

test("a client's own request id is kept where it is plain, and replaced where not", async () => {
  const idOf = async (given: string) =>
    (await t.call('GET', '/v1/endpoints', undefined, { 'x-request-id': given })).headers.get('x-request-id');
  expect(await idOf('trace-1.a:b')).toBe('trace-1.a:b');
  for (const given of ['', 'two words', 'x'.repeat(129), '<script>'])
    expect(await idOf(given)).toMatch(/^req_/);
});
