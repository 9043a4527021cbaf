import { afterAll, beforeAll, expect, test } from 'vitest';
import { keyHash } from '../../../src/http/auth.js';
import { createPageSessions } from '../../../src/http/page/sessions.js';
import { createSecretCipher } from '../../../src/lib/secret-cipher.js';
import { createKey } from '../../support/api-keys.js';
import { asPage, openSession, signIn } from '../../support/page.js';
import { ADMIN_KEY, ENCRYPTION_KEY, startTestService, type TestService } from '../../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

const statusOf = async (cookie: string) =>
  (await fetch(`${t.service.url}/session`, { headers: { cookie } })).status;

/** Sessions with the encryption keys of the service, and the ids that `end` writes. */
function recorded({ isSpent }: { isSpent: boolean }) {
  const spent: string[] = [];
  const sessions = createPageSessions({
    secrets: createSecretCipher([ENCRYPTION_KEY]),
    spend: async ({ id }) => spent.push(id) > 0,
    isSpent: async () => isSpent,
    isHttps: () => false,
  });
  return { sessions, spent };
}

test('a flood of requests with one cookie leaves room for other sessions', async () => {
  const { key } = await createKey(t, 'viewer');
  const [flooding, other] = [await openSession(t, key), await openSession(t, ADMIN_KEY)];
  const flood = Array.from({ length: 1_500 }, () => statusOf(flooding));
  const others = Array.from({ length: 50 }, () => statusOf(other));
  expect(new Set(await Promise.all(others))).toEqual(new Set([200]));
  expect(new Set(await Promise.all(flood))).toEqual(new Set([200]));
});

test('a request beyond the rate of the key does not ask whether its session has ended', async () => {
  const { key } = await createKey(t, 'viewer', null, { rate_per_second: 5 });
  const cookie = await openSession(t, key);
  expect((await asPage(t, cookie, ['DELETE', '/session'])).status).toBe(204);
  const statuses = await Promise.all(Array.from({ length: 30 }, () => statusOf(cookie)));
  expect(statuses.filter((status) => status === 401).length).toBeLessThan(15);
  expect(new Set(statuses)).toEqual(new Set([401, 429]));
});

test('cookies of an admin key that was replaced are no wrong credentials, and are removed', async () => {
  const { cookie } = recorded({ isSpent: false }).sessions.begin(keyHash('the-admin-key-before-this-one'));
  for (let i = 0; i < 30; i++) {
    const answer = await asPage(t, cookie.split(';')[0]!, ['GET', '/v1/endpoints']);
    expect(answer).toMatchObject({ status: 401, body: { errors: [{ path: 'Cookie' }] } });
    expect(answer.headers.get('set-cookie')).toMatch(/^surehook_session=; Max-Age=0;/);
  }
  expect((await signIn(t, { api_key: 'shk_wrong' })).status).toBe(401);
});

test('credentials that a proxy adds do not hide the cookie', async () => {
  const cookie = await openSession(t, ADMIN_KEY);
  const over = { authorization: 'Basic bWU6cGFzcw==' };
  expect((await asPage(t, cookie, ['GET', '/v1/endpoints'], over)).status).toBe(200);
  const answer = await asPage(t, cookie, ['POST', '/v1/endpoints', {}], { ...over, 'x-surehook-page': '' });
  expect(answer.status).toBe(403);
});

test.each(['Basic bWU6cGFzcw==', 'Bearer anything'])(
  'signing out ends the session with %s, too',
  async (authorization) => {
    const cookie = await openSession(t, ADMIN_KEY);
    const foreign = { authorization, 'sec-fetch-site': 'cross-site' };
    expect((await asPage(t, cookie, ['DELETE', '/session'], foreign)).status).toBe(403);
    expect((await asPage(t, cookie, ['DELETE', '/session'], { authorization })).status).toBe(204);
    expect(await statusOf(cookie)).toBe(401);
  },
);

test('signing in takes requests of the key, and none of others', async () => {
  const { key } = await createKey(t, 'viewer', null, { rate_per_second: 2 });
  const answers = await Promise.all(Array.from({ length: 8 }, () => signIn(t, { api_key: key })));
  const statuses = new Set(answers.map(({ status }) => status));
  expect(statuses).toEqual(new Set([200, 429]));
  expect(answers[0]!.headers.get('ratelimit-policy')).toBe('"key";q=2;w=1');
  expect((await signIn(t, { api_key: ADMIN_KEY })).status).toBe(200);
});

test('signing out writes once, and nothing for a session that has ended', async () => {
  const live = recorded({ isSpent: false });
  const { session } = live.sessions.begin(keyHash(ADMIN_KEY));
  await Promise.all([1, 2, 3].map(() => live.sessions.end(session)));
  expect(live.spent).toEqual([session.id]);
  const over = recorded({ isSpent: true });
  await over.sessions.end(session);
  expect(over.spent).toEqual([]);
});
