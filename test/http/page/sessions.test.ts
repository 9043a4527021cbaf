import { afterAll, beforeAll, expect, test } from 'vitest';
import { VERSION } from '../../../src/bootstrap/version.js';
import { keyHash } from '../../../src/http/auth.js';
import { createPageSessions } from '../../../src/http/page/sessions.js';
import { newToken, sealToken } from '../../../src/http/page/token.js';
import { createSecretCipher } from '../../../src/lib/secret-cipher.js';
import { createKey } from '../../support/api-keys.js';
import { asPage, cookieOf, openSession, signIn } from '../../support/page.js';
import { openPortal } from '../../support/portal.js';
import {
  ADMIN_KEY,
  ENCRYPTION_KEY,
  eventually,
  startTestService,
  type TestService,
} from '../../support/service.js';

const HOUR_MS = 60 * 60 * 1000;
/** An encryption key that is older than the first one. */
const OLD_KEY = Buffer.alloc(32, 2).toString('base64');

let t: TestService;
/** Another process of the same service, which browsers reach by HTTPS. */
let other: TestService;
beforeAll(async () => {
  t = await startTestService({ encryptionKeys: [ENCRYPTION_KEY, OLD_KEY] });
  const { databaseUrl, taskQueue } = t;
  other = await startTestService({ databaseUrl, taskQueue, publicUrl: 'https://hooks.example.com' });
});
afterAll(async () => {
  await other.stop();
  await t.stop();
});

const whoAmI = (cookie: string) => asPage(t, cookie, ['GET', '/session']);
const statusOf = async (cookie: string, path = '/v1/endpoints') =>
  (await asPage(t, cookie, ['GET', path])).status;
const link = (now = Date.now(), key = ADMIN_KEY, encryptionKey = ENCRYPTION_KEY) =>
  sealToken(createSecretCipher([encryptionKey]), 'sign-in link', newToken('sign-in link', keyHash(key), now));
/** A session's cookie that was made at another time, or with another encryption key. */
const cookieMade = (now: number, encryptionKey = ENCRYPTION_KEY) =>
  createPageSessions({
    secrets: createSecretCipher([encryptionKey]),
    spend: async () => true,
    isSpent: async () => false,
    isHttps: () => false,
    now: () => now,
  })
    .begin(keyHash(ADMIN_KEY))
    .cookie.split(';')[0]!;

test('an API key signs in, and the cookie then stands for it', async () => {
  const { id, key } = await createKey(t, 'operator', 'acme', { name: 'olga' });
  const answer = await signIn(t, { api_key: key });
  expect(answer).toMatchObject({
    status: 200,
    body: { name: 'olga', role: 'operator', tenant: 'acme', version: VERSION },
  });
  const cookie = cookieOf(answer);
  expect((await whoAmI(cookie)).body).toEqual(answer.body);
  const pause = { scope: 'tenant', tenant: 'acme', reason: 'why' };
  expect((await asPage(t, cookie, ['POST', '/v1/control/pause', pause])).status).toBe(200);
  const { body } = await t.call('GET', `/v1/audit?actor=${id}`);
  expect(body).toMatchObject({ data: [{ action: 'control.pause', actor: id }] });
  // Its role and its tenant are those of the key.
  expect(await statusOf(cookie, '/v1/api-keys')).toBe(403);
  expect(await statusOf(cookie, '/v1/endpoints?tenant=default')).toBe(403);
});

test('a session lasts 12 hours, and no longer than its key', async () => {
  const before = Date.now();
  const { body } = await whoAmI(await openSession(t, ADMIN_KEY));
  expect(body).toMatchObject({ name: 'admin', role: 'admin', tenant: null });
  const hours = (Date.parse(String(body.expires_at)) - before) / HOUR_MS;
  expect(hours).toBeGreaterThanOrEqual(12);
  expect(hours).toBeLessThan(12.1);
  const expires_at = new Date(before + HOUR_MS).toISOString();
  const { key } = await createKey(t, 'viewer', null, { expires_at });
  expect((await whoAmI(await openSession(t, key))).body.expires_at).toBe(expires_at);
});

test('the cookie is out of the reach of scripts and of other sites, and nothing in it can be read', async () => {
  const { key } = await createKey(t, 'viewer');
  const set = (await signIn(t, { api_key: key })).headers.get('set-cookie')!;
  const [pair, ...flags] = set.split('; ');
  expect(flags).toEqual(['Max-Age=43200', 'Path=/', 'HttpOnly', 'SameSite=Strict']);
  const [name, value] = pair!.split('=');
  expect(name).toBe('surehook_session');
  const sealed = Buffer.from(value!, 'base64url').toString('latin1');
  for (const secret of [key, keyHash(key), Buffer.from(keyHash(key), 'hex').toString('latin1'), 'expires'])
    for (const text of [value!, sealed]) expect(text).not.toContain(secret);
  const secure = (await signIn(other, { api_key: key })).headers.get('set-cookie')!;
  expect(secure).toMatch(
    /^__Host-surehook_session=[\w-]+; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  );
});

test('wrong keys, tokens of the portal and cookies that were not made here are refused', async () => {
  const refused = (path: string) => ({ status: 401, body: { code: 'unauthorized', errors: [{ path }] } });
  expect(await signIn(t, { api_key: 'shk_wrong' })).toMatchObject(refused('api_key'));
  expect(await signIn(t, { api_key: await openPortal(t) })).toMatchObject(refused('api_key'));
  expect(await signIn(t, { token: 'wrong' })).toMatchObject(refused('token'));
  expect(await signIn(t, {})).toMatchObject({ status: 400 });
  expect(await signIn(t, { api_key: ADMIN_KEY, token: link() })).toMatchObject({ status: 400 });
  const cookie = await openSession(t, ADMIN_KEY);
  const changed = cookie.slice(0, -4) + (cookie.endsWith('AAAA') ? 'BBBB' : 'AAAA');
  const foreign = cookieMade(Date.now(), Buffer.alloc(32, 3).toString('base64'));
  const asLink = `surehook_session=${link()}`;
  for (const one of [changed, foreign, asLink, 'surehook_session=', 'surehook_session=AQ', `x${cookie}`])
    expect(await statusOf(one), one).toBe(401);
  expect(await statusOf(`a=1; ${cookie}; b=2`)).toBe(200);
});

test('an API key in the request comes before the cookie', async () => {
  const cookie = await openSession(t, ADMIN_KEY);
  const { key } = await createKey(t, 'viewer', null, { name: 'vera' });
  const over = { authorization: `Bearer ${key}` };
  expect((await asPage(t, cookie, ['GET', '/session'], over)).body).toMatchObject({
    name: 'vera',
    expires_at: null,
  });
  expect((await asPage(t, cookie, ['GET', '/v1/endpoints'], { authorization: 'Bearer wrong' })).status).toBe(
    401,
  );
});

/** Resolves with true when the stream has ended. */
async function watch(cookie: string): Promise<{ ended: Promise<boolean> }> {
  const response = await fetch(`${t.service.url}/v1/live`, { headers: { cookie } });
  expect(response.status).toBe(200);
  const ended = (async () => {
    await response.text();
    return true;
  })();
  return { ended };
}

test('revoking the key ends its sessions and their streams at once', async () => {
  const { id, key } = await createKey(t, 'viewer');
  const cookie = await openSession(t, key);
  const { ended } = await watch(cookie);
  await other.call('POST', `/v1/api-keys/${id}/revoke`);
  await eventually(async () => (await statusOf(cookie)) === 401, 2_000);
  expect(await ended).toBe(true);
  expect((await whoAmI(cookie)).status).toBe(401);
});

test('signing out ends a session for good, in every process, with its streams', async () => {
  const cookie = await openSession(t, ADMIN_KEY);
  const stays = await openSession(t, ADMIN_KEY);
  const { ended } = await watch(cookie);
  const answer = await asPage(t, cookie, ['DELETE', '/session']);
  expect(answer).toMatchObject({ status: 204, body: null });
  expect(answer.headers.get('set-cookie')).toBe(
    'surehook_session=; Max-Age=0; Path=/; HttpOnly; SameSite=Strict',
  );
  // A copy of the cookie that somebody has stolen before.
  expect(await whoAmI(cookie)).toMatchObject({ status: 401, body: { errors: [{ path: 'Cookie' }] } });
  const elsewhere = cookie.replace('surehook_session', '__Host-surehook_session');
  expect((await asPage(other, elsewhere, ['GET', '/v1/endpoints'])).status).toBe(401);
  expect(await ended).toBe(true);
  expect(await statusOf(stays)).toBe(200);
  // Without a session there is nothing to do.
  for (const one of [cookie, '', 'surehook_session=x'])
    expect((await asPage(t, one, ['DELETE', '/session'])).status).toBe(204);
});

test('a cookie that is older than 12 hours is refused', async () => {
  expect(await statusOf(cookieMade(Date.now() - 12 * HOUR_MS + 60_000))).toBe(200);
  expect(await statusOf(cookieMade(Date.now() - 12 * HOUR_MS - 1_000))).toBe(401);
});

test('a session outlives a rotation of the encryption keys', async () => {
  expect(await statusOf(cookieMade(Date.now(), OLD_KEY))).toBe(200);
});

test('a sign-in link works once, whichever processes get it at once', async () => {
  const token = link();
  const answers = await Promise.all([t, other, t, other].map((one) => signIn(one, { token })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401]);
  const cookie = cookieOf(answers.find(({ status }) => status === 200)!).replace('__Host-', '');
  expect((await whoAmI(cookie)).body).toMatchObject({ name: 'admin' });
  expect(await signIn(t, { token })).toMatchObject({ status: 401, body: { code: 'link_used' } });
});

test('a sign-in link works for ten minutes, and for the admin key that it was made with', async () => {
  const MINUTE_MS = 60_000;
  expect((await signIn(t, { token: link(Date.now() - 9 * MINUTE_MS) })).status).toBe(200);
  expect(await signIn(t, { token: link(Date.now() - 10 * MINUTE_MS - 1) })).toMatchObject({
    status: 401,
    body: { code: 'link_expired', errors: [{ path: 'token' }] },
  });
  expect(await signIn(t, { token: link(Date.now(), 'the-admin-key-before-this-one') })).toMatchObject({
    status: 401,
    body: { code: 'unauthorized' },
  });
  const cookie = (await openSession(t, ADMIN_KEY)).split('=')[1]!;
  expect(await signIn(t, { token: cookie })).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
});

test('ids of tokens that expired long ago are forgotten', async () => {
  await t.pool.query(
    `insert into spent_tokens (id, expires_at) values ('old', now() - interval '2 days'), ('new', now() - interval '1 hour')`,
  );
  await asPage(t, await openSession(t, ADMIN_KEY), ['DELETE', '/session']);
  const { rows } = await t.pool.query<{ id: string }>(
    `select id from spent_tokens where id in ('old', 'new')`,
  );
  expect(rows).toEqual([{ id: 'new' }]);
});

test('many wrong keys and tokens of one address are refused, and right ones still sign in', async () => {
  const guess = async (body: object) => (await signIn(t, body)).status;
  const answers = [];
  for (let i = 0; i < 12; i++)
    answers.push(await guess({ api_key: `wrong-${i}` }), await guess({ token: `wrong-${i}` }));
  expect(answers).toContain(429);
  expect(answers.at(-1)).toBe(429);
  expect(await guess({ api_key: ADMIN_KEY })).toBe(200);
  expect(await guess({ token: link() })).toBe(200);
});
