import { afterAll, beforeAll, expect, test } from 'vitest';
import { asPage, openSession, signIn } from '../../support/page.js';
import { ADMIN_KEY, startTestService, type TestService } from '../../support/service.js';

const ORIGIN = 'https://hooks.example.com';
const SHOP = 'https://shop.example';

let t: TestService;
beforeAll(async () => {
  t = await startTestService({ corsOrigins: [SHOP] });
});
afterAll(() => t.stop());

test.each<[string, Record<string, string | undefined>, string | null]>([
  ['the header of the page is missing', { 'x-surehook-page': undefined }, 'X-Surehook-Page'],
  ['the header of the page has another value', { 'x-surehook-page': 'true' }, 'X-Surehook-Page'],
  ['another site asks', { 'sec-fetch-site': 'cross-site' }, 'Sec-Fetch-Site'],
  ['a neighbour of the host asks', { 'sec-fetch-site': 'same-site' }, 'Sec-Fetch-Site'],
  ['no page asks', { 'sec-fetch-site': 'none' }, 'Sec-Fetch-Site'],
  [
    'an old browser names another origin',
    { 'sec-fetch-site': undefined, origin: 'http://evil.example' },
    'Origin',
  ],
  ['an old browser hides the origin', { 'sec-fetch-site': undefined, origin: 'null' }, 'Origin'],
  ['an old browser names no origin', { 'sec-fetch-site': undefined }, null],
])('a change with the cookie where %s', async (_name, over, path) => {
  const cookie = await openSession(t, ADMIN_KEY);
  for (const url of ['/v1/events', '/v1/endpoints']) {
    const answer = await asPage(t, cookie, ['POST', url, {}], over);
    if (path === null) expect(answer.status).toBe(400);
    else expect(answer).toMatchObject({ status: 403, body: { code: 'forbidden', errors: [{ path }] } });
  }
  const signedOut = await asPage(t, cookie, ['DELETE', '/session'], over);
  expect(signedOut.status).toBe(path === null ? 204 : 403);
  expect((await asPage(t, cookie, ['GET', '/v1/endpoints'])).status).toBe(path === null ? 401 : 200);
});

test('a page of the same host may make changes, whatever the name of the host', async () => {
  const cookie = await openSession(t, ADMIN_KEY);
  const { origin } = new URL(t.service.url!);
  const event = { type: 'a.b', payload: 1 };
  const over = { 'sec-fetch-site': undefined, origin };
  expect((await asPage(t, cookie, ['POST', '/v1/events', event], over)).status).toBe(202);
  // The browser knows better than the header `host`, which a proxy may have changed.
  expect((await asPage(t, cookie, ['POST', '/v1/events', event], { origin: ORIGIN })).status).toBe(202);
});

test('a page of another origin can sign nobody in', async () => {
  for (const over of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': undefined, origin: ORIGIN }]) {
    const answer = await signIn(t, { api_key: ADMIN_KEY }, over);
    expect(answer.status).toBe(403);
    expect(answer.headers.get('set-cookie')).toBeNull();
  }
});

test('CORS lets no page of another origin use the cookie', async () => {
  const cookie = await openSession(t, ADMIN_KEY);
  const { url } = t.service;
  const origin = SHOP;
  const asked = await fetch(`${url}/v1/control/pause`, {
    method: 'OPTIONS',
    headers: {
      ...{ origin, cookie, 'access-control-request-method': 'POST' },
      'access-control-request-headers': 'x-surehook-page',
    },
  });
  const read = await fetch(`${url}/v1/endpoints`, { headers: { origin, cookie } });
  for (const { headers } of [asked, read]) {
    expect(headers.get('access-control-allow-origin')).toBe(origin);
    expect(headers.get('access-control-allow-credentials')).toBeNull();
  }
  expect(asked.headers.get('access-control-allow-headers')).not.toContain('x-surehook-page');
  const ofPage = await fetch(`${url}/session`, { headers: { origin, cookie } });
  expect(ofPage.status).toBe(200);
  expect(ofPage.headers.get('access-control-allow-origin')).toBeNull();
});
