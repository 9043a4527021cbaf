import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makePage, SCRIPT } from '../../support/page.js';
import { startTestService, type TestService } from '../../support/service.js';

const ANCESTORS = ['https://shop.example', 'http://127.0.0.1:3000'];

let t: TestService;
let framed: TestService;
let bare: TestService;
let dir: string;
let empty: string;
beforeAll(async () => {
  dir = await makePage();
  empty = await mkdtemp(join(tmpdir(), 'surehook-no-page-'));
  const css = join(empty, 'portal.css');
  await writeFile(css, ':root { --accent: #123456 }');
  t = await startTestService({ dashboardDir: dir });
  const shared = { databaseUrl: t.databaseUrl, taskQueue: t.taskQueue };
  framed = await startTestService({ ...shared, dashboardDir: dir, portal: { ancestors: ANCESTORS, css } });
  bare = await startTestService({ ...shared, dashboardDir: empty });
});
afterAll(async () => {
  for (const one of [bare, framed, t]) await one.stop();
  for (const one of [dir, empty]) await rm(one, { recursive: true });
});

const HTML = 'text/html,application/xhtml+xml,*/*;q=0.8';
const get = (path: string, headers: Record<string, string> = {}, service = t) =>
  fetch(service.service.url + path, { headers: { accept: HTML, ...headers } });

test('every path of the page gets the page, which no cache keeps', async () => {
  for (const path of ['/', '/sign-in', '/deliveries/del_1?tab=attempts', '/endpoints', '/settings.d/x']) {
    const response = await get(path);
    expect(response.status, path).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(await response.text()).toContain('<title>operator</title>');
  }
});

test('each answer has a fresh nonce, and the policy allows nothing inline', async () => {
  const nonces = await Promise.all(
    ['/', '/', '/portal'].map(async (path) => {
      const response = await get(path);
      const policy = response.headers.get('content-security-policy')!;
      const nonce = /'nonce-([\w+/=]{24})'/.exec(policy)![1]!;
      const text = await response.text();
      expect(text).not.toContain('__CSP_NONCE__');
      expect(text.split(`nonce="${nonce}"`)).toHaveLength(3);
      expect(policy).toBe(
        [
          "default-src 'none'; script-src 'self'",
          `style-src 'self' 'nonce-${nonce}'`,
          "img-src 'self' data:; font-src 'self'; connect-src 'self'",
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ].join('; '),
      );
      return nonce;
    }),
  );
  expect(new Set(nonces).size).toBe(3);
});

test('what does not ask for a page gets a problem in JSON, and so does every path of the API', async () => {
  const asked = [
    get('/deliveries', { accept: '*/*' }),
    get('/', { accept: 'application/json' }),
    ...['/v1/none', '/docs/none', '/metrics/none', '/healthz/x', '/session/x', '/openapi.json/x'].map(
      (path) => get(path),
    ),
    ...['/assets/none.js', '/assets/', '/assets/..%2findex.html', '/assets/.sources', '/V1/none'].map(
      (path) => get(path),
    ),
    fetch(`${t.service.url}/deliveries`, { method: 'POST', headers: { accept: HTML } }),
  ];
  for (const response of await Promise.all(asked)) {
    expect([401, 404], response.url).toContain(response.status);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.headers.get('content-security-policy')).not.toContain('nonce');
  }
});

test('assets are kept for ever, and sent compressed to those who take it', async () => {
  for (const [accepted, encoding] of [
    ['gzip, deflate, br', 'br'],
    ['gzip', 'gzip'],
    ['identity', null],
    ['br;q=0, gzip', 'gzip'],
  ]) {
    const response = await get('/assets/app-a1b2c3d4.js', { 'accept-encoding': accepted! });
    expect(response.headers.get('content-encoding')).toBe(encoding);
    expect(response.headers.get('vary')?.toLowerCase()).toBe('accept-encoding');
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(await response.text()).toBe(SCRIPT);
  }
  const svg = await get('/assets/mark.svg', { 'accept-encoding': 'br' });
  expect(svg.headers.get('content-type')).toBe('image/svg+xml');
  expect(svg.headers.get('content-encoding')).toBeNull();
  // Its name stays the same when it changes.
  expect(svg.headers.get('cache-control')).toBe('public, max-age=3600');
  const head = await fetch(`${t.service.url}/assets/mark.svg`, { method: 'HEAD' });
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '6']);
});

test('nobody may frame the portal, except the origins in the setting', async () => {
  for (const path of ['/portal', '/portal/deliveries/del_1']) {
    const closed = await get(path);
    expect(await closed.text()).toContain('<title>portal</title>');
    expect(closed.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    expect(closed.headers.get('x-frame-options')).toBe('SAMEORIGIN');
    const { headers } = await get(path, {}, framed);
    expect(headers.get('content-security-policy')).toMatch(
      /frame-ancestors https:\/\/shop\.example http:\/\/127\.0\.0\.1:3000$/,
    );
    expect(headers.get('x-frame-options')).toBeNull();
  }
  const operator = (await get('/', {}, framed)).headers;
  expect(operator.get('content-security-policy')).toContain("frame-ancestors 'none'");
  expect(operator.get('x-frame-options')).toBe('SAMEORIGIN');
});

test('the portal has the style sheet of the setting, else an empty one', async () => {
  for (const [service, text] of [
    [t, ''],
    [framed, ':root { --accent: #123456 }'],
  ] as const) {
    const response = await get('/portal/theme.css', { accept: 'text/css' }, service);
    expect(response.headers.get('content-type')).toBe('text/css; charset=utf-8');
    expect(await response.text()).toBe(text);
  }
});

test('without a build, the answer says how to make one, and the API is served', async () => {
  for (const [path, accept] of [
    ['/', '*/*'],
    ['/', HTML],
    ['/sign-in', HTML],
    ['/portal', HTML],
  ]) {
    const response = await get(path!, { accept: accept! }, bare);
    const { code, detail } = (await response.json()) as Record<string, string>;
    expect([response.status, code]).toEqual([404, 'not_found']);
    expect(detail).toContain('npm run build');
  }
  expect((await bare.call('GET', '/v1/endpoints')).status).toBe(200);
});
