import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { BUILT_PAGE } from '../../src/http/page/files.js';
import { describeInBrowser, seriousFindings, overWidth, takePictures } from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import type { Behaviour } from '../support/receiver.js';
import { ADMIN_KEY, eventually, type TestService } from '../support/service.js';

const POLL = { timeout: 5_000, interval: 100 };
const NARROW = { width: 360, height: 740 };
/** Rules that a narrow layout can break: names that it hides, roles of rows that become blocks, and areas that begin to scroll. */
const NARROW_RULES = [
  'aria-required-children',
  'aria-required-parent',
  'button-name',
  'label',
  'link-name',
  'scrollable-region-focusable',
];
const WIDE = { width: 1440, height: 900 };
/** By a part of the path. */
const ANSWERS: [string, Behaviour][] = [
  ['/good/', { status: 200, body: '{"ok":true}', afterMs: 20 }],
  ['/down/', { status: 503, body: 'down for maintenance', headers: { 'retry-after': '40' } }],
  ['/gone/', { status: 404, body: 'no such hook' }],
];

describeInBrowser('every page, with the data of a small shop', () => {
  // Retries wait long enough to be seen: 5 s, 15 s, 45 s.
  const { t, receiver, open, openPortal } = useDashboard({
    service: { retryScale: 1 },
    behave: ({ path }) => ANSWERS.find(([part]) => path.includes(part))![1],
  });
  let paths: Record<string, string>;
  beforeAll(async () => {
    paths = await fillShop(t, receiver.url);
  });

  test('has no fault, is accessible, and fits wide and narrow windows, light and dark', async () => {
    const page = await open('/', { viewport: WIDE });
    if (process.env.PICTURES) await sendForAWhile(t, { first: 2000 });
    // Goes on while the overview is pictured.
    const more = process.env.PICTURES ? sendForAWhile(t, { first: 2100 }) : null;
    for (const [name, path] of Object.entries(paths)) {
      await page.setViewportSize(WIDE);
      if (path !== '/') await page.goto(t.service.url + path);
      await settled(page);
      await check(page, name);
    }
    await more;
  });

  test('loads no more than 350 KB, compressed by gzip, for its first view', async () => {
    const page = await open('/', { key: null });
    const files: string[] = [];
    page.on('response', (response) => void files.push(new URL(response.url()).pathname));
    await page.reload({ waitUntil: 'networkidle' });
    const key = page.getByLabel('API key', { exact: true });
    await key.fill(ADMIN_KEY);
    await key.press('Enter');
    await page.getByRole('heading', { name: 'Overview' }).waitFor();
    await page.waitForLoadState('networkidle');
    const assets = files.filter((file) => /^\/assets\/.*\.(js|css)$/.test(file));
    expect(assets.length).toBeGreaterThan(5);
    const sizes = await Promise.all(
      assets.map((file) => readFile(`${BUILT_PAGE}${file}`).then((content) => gzipSync(content).length)),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(350_000);
  });

  test('the portal, too', async () => {
    const { page } = await openPortal({ tenant: 'acme' });
    for (const name of await page
      .getByRole('navigation', { name: 'Pages' })
      .getByRole('link')
      .allInnerTexts()) {
      await page.setViewportSize(WIDE);
      await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name, exact: true }).click();
      await settled(page);
      await check(page, `portal-${name.toLowerCase().replaceAll(' ', '-')}`);
    }
  });

  test('and so does the sign-in', async () => {
    const page = await open('/sign-in', {
      key: null,
      viewport: WIDE,
    });
    await settled(page);
    await check(page, 'sign-in');
  });
});

async function check(page: Page, name: string): Promise<void> {
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor();
    expect
      .soft(await seriousFindings(page, colorScheme === 'dark' ? ['color-contrast'] : null), name)
      .toEqual([]);
  }
  await page.setViewportSize(NARROW);
  // The layout follows the window a moment later.
  await eventually(async () => (await overWidth(page)) <= 0, 3_000).catch(() => null);
  expect.soft(await overWidth(page), name).toBeLessThanOrEqual(0);
  expect.soft(await seriousFindings(page, NARROW_RULES), `${name}, narrow`).toEqual([]);
  await takePictures(page, name);
}

/** Gives the live figures, and the tops of the lists, something to show. */
async function sendForAWhile(t: TestService, { first }: { first: number }): Promise<void> {
  for (let n = first; n < first + 100; n++) {
    const tenant = ['initech', 'acme', 'initech', 'globex', 'initech'][n % 5]!;
    const type = tenant === 'acme' ? 'order.paid' : n % 3 ? 'order.created' : 'parcel.sent';
    const event = { tenant, type, idempotency_key: `${type}-${n}`, payload: { order_id: String(n) } };
    await t.call('POST', '/v1/events', event);
    await new Promise((resolve) => setTimeout(resolve, 150 + 100 * Math.sin(n / 8)));
  }
}

/** Its data has come. */
async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await expect.poll(() => page.getByRole('status', { name: /^Loading/ }).count(), POLL).toBe(0);
}

/** Endpoints that work, fail for a while and fail for good, with events for them; returns the path of each page. */
async function fillShop(t: TestService, url: string): Promise<Record<string, string>> {
  const make = async (path: string, body: unknown) => {
    const answer = await t.call<{ id: string; deliveries?: { id: string }[] }>('POST', path, body);
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
    return answer.body;
  };
  for (const id of ['acme', 'globex', 'initech'])
    await make('/v1/tenants', { id, name: `${id[0]!.toUpperCase()}${id.slice(1)} Ltd.` });
  for (const [name, description] of [
    ['order.created', 'A customer has placed an order.'],
    ['order.paid', 'The payment of an order has arrived.'],
    ['parcel.sent', 'A parcel has left the warehouse.'],
  ])
    await make('/v1/event-types', {
      ...{ name, description, example: { order_id: '1001', total: 49.9 } },
      schema: { type: 'object', required: ['order_id'] },
    });
  const endpoint = (tenant: string, url: string, description: string, types: string[]) =>
    make('/v1/endpoints', { tenant, url, description, event_types: types });
  const works = await endpoint('acme', `${url}/good/hooks/orders`, 'Order system', ['order.*']);
  await endpoint('acme', `${url}/down/api/webhooks`, 'Warehouse', ['parcel.*', 'order.paid']);
  await endpoint('globex', `${url}/gone/old-hook`, 'Legacy ERP', ['order.created']);
  await endpoint('initech', `${url}/good/analytics`, 'Analytics', ['*']);
  const events = [];
  for (let n = 1001; n <= 1012; n++)
    for (const [tenant, type] of [
      ['acme', n % 3 ? 'order.created' : 'order.paid'],
      ['globex', 'order.created'],
      ['initech', n % 2 ? 'parcel.sent' : 'order.paid'],
    ])
      events.push(
        await make('/v1/events', {
          ...{ tenant, type, idempotency_key: `${type}-${n}` },
          payload: {
            order_id: String(n),
            total: n / 10,
            items: [{ sku: 'A-17', quantity: n % 5 }],
            customer: { plan: 'pro' },
          },
        }),
      );
  const failing = await make('/v1/events', {
    tenant: 'acme',
    type: 'parcel.sent',
    payload: { order_id: '1013' },
  });
  const issues = async () => (await t.call<{ data: unknown[] }>('GET', '/v1/issues')).body.data.length;
  await eventually(async () => (await issues()) >= 2);
  const batch = await make('/v1/batches', {
    filter: { tenant: 'globex', status: 'FAILED' },
    dry_run: true,
    note: 'after their move',
  });
  const status = async () => (await t.call('GET', `/v1/batches/${batch.id}`)).body.status;
  await eventually(async () => (await status()) === 'DRY_RUN');
  await make('/v1/api-keys', { name: 'shop-backend', role: 'publisher' });
  return {
    overview: '/',
    issues: '/issues',
    events: '/events',
    event: `/events/${events[0]!.id}`,
    deliveries: '/deliveries',
    delivery: `/deliveries/${failing.deliveries![0]!.id}`,
    endpoints: '/endpoints',
    endpoint: `/endpoints/${works.id}`,
    'endpoint-new': '/endpoints/new',
    replay: '/replay',
    'replay-new': '/replay/new?status=FAILED',
    'replay-plan': `/replay/${batch.id}`,
    'event-types': '/event-types',
    'event-type': '/event-types/order.created',
    tenants: '/tenants',
    tenant: '/tenants/acme',
    'api-keys': '/api-keys',
    audit: '/audit',
    settings: '/settings',
  };
}
