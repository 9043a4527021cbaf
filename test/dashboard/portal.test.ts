import { beforeEach, expect, it } from 'vitest';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { changeScheme, goTo } from '../support/portal-page.js';
import { verified } from '../support/receiver.js';

const XSS = '<img src=x onerror="document.title=1">"><script>document.title=2</script>';

describeInBrowser('the customer portal', () => {
  const { t, receiver, open: openInBrowser, openPortal } = useDashboard({ service: { workflows: 'all' } });
  let tenant: string;
  let nth = 0;

  beforeEach(() => {
    tenant = `customer-${(nth += 1)}`;
  });

  const open = (over: Record<string, unknown> = {}) => openPortal({ tenant, ...over });
  const received = (path: string) => receiver.requests.filter((request) => request.path === path);
  /** Deliveries to a path that refuses them all. */
  async function failedDeliveries(path: string, count: number): Promise<{ endpoint: string; ids: string[] }> {
    const { id } = await createEndpoint(t, `http://127.0.0.1:${receiver.port}${path}`, { tenant });
    receiver.setBehaviour((request) => ({ status: request.path === path ? 400 : 200 }));
    const events = await Promise.all(Array.from({ length: count }, () => postEvent(t, { tenant })));
    const ids = events.map(({ deliveries }) => deliveries[0]!.id);
    await Promise.all(ids.map((one) => deliveryIn(t, one)));
    receiver.setBehaviour(() => ({ status: 200 }));
    return { endpoint: id, ids };
  }

  it('opens by a link once, keeps the code out of the address, and survives a reload', async () => {
    const { page, path } = await open();
    await page.getByText(tenant, { exact: true }).waitFor();
    expect(page.url()).not.toContain('shc_');
    await page.reload();
    await page.getByRole('heading', { name: 'Endpoints' }).waitFor();
    expect(await page.evaluate('localStorage.length')).toBe(0);
    expect(await page.context().cookies()).toEqual([]);
    const again = await openInBrowser(path, { key: null });
    await again.getByRole('heading', { name: 'This link has been used' }).waitFor();
  });

  it('shows nothing of another tenant, also by its ids in the address', async () => {
    const secretUrl = `${receiver.url}/of-somebody-else`;
    const other = await createEndpoint(t, secretUrl, { tenant: 'somebody-else' });
    const { deliveries } = await postEvent(t, { tenant: 'somebody-else' });
    await createEndpoint(t, `${receiver.url}/own`, { tenant });
    const { page } = await open();
    await page.getByRole('link', { name: `${receiver.url}/own` }).waitFor();
    expect(await page.getByText(secretUrl).count()).toBe(0);
    for (const path of [
      `/endpoints/${other.id}`,
      `/endpoints/${other.id}/edit`,
      `/deliveries/${deliveries[0]!.id}`,
    ]) {
      await goTo(page, path);
      await page.getByText('Not found', { exact: true }).waitFor();
      expect(await page.getByText(secretUrl).count()).toBe(0);
      await goTo(page, '/event-types');
      await page.getByRole('heading', { name: 'Event catalogue' }).waitFor();
    }
  });

  it('adds an endpoint, whose first event is delivered and in the log, digit for digit', async () => {
    const url = `http://127.0.0.1:${receiver.port}/added`;
    const { page } = await open();
    await page.getByRole('link', { name: 'Add endpoint' }).click();
    await page.getByRole('textbox', { name: 'URL' }).fill('http://10.1.2.3/hook');
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    await page.getByText('forbidden address.').waitFor();
    expect(await page.getByText('SUREHOOK_ALLOW_NETWORKS').count()).toBe(0);
    await page.getByRole('textbox', { name: 'URL' }).fill(url);
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    const secret = await page
      .getByText(/^whsec_/)
      .first()
      .innerText();
    await page.getByRole('button', { name: 'Send test' }).click();
    await page.getByText('The test arrived').waitFor();
    const payload = '{"amount":12345678901234567890.10}';
    await t.call('POST', '/v1/events', `{"type":"order.created","tenant":"${tenant}","payload":${payload}}`);
    await receiver.waitFor(() => received('/added').some(({ body }) => body === payload));
    const sent = received('/added').find(({ body }) => body === payload)!;
    expect(() => verified(secret, sent)).not.toThrow();
    await page.getByRole('link', { name: 'Log', exact: true }).click();
    await page
      .getByRole('row', { name: /order\.created.*Delivered/ })
      .getByRole('link')
      .click();
    await page.getByText('The endpoint answered 200.').first().waitFor();
    await page.getByText('12345678901234567890.10').waitFor();
  });

  it('retries a failed delivery', async () => {
    const { ids } = await failedDeliveries('/failing', 1);
    const { page } = await open();
    await goTo(page, `/deliveries/${ids[0]}`);
    await page.getByText('The endpoint answered 400.').first().waitFor();
    await page.getByRole('button', { name: 'Retry' }).click();
    await page.getByText('The endpoint answered 200.').first().waitFor();
    expect(page.url()).not.toContain(ids[0]);
    expect(received('/failing')).toHaveLength(2);
  });

  it('counts what failed before it replays it', async () => {
    const { endpoint } = await failedDeliveries('/recovered', 3);
    const { page } = await open();
    await goTo(page, `/replay/new?endpoint_id=${endpoint}`);
    await page.getByRole('button', { name: 'Show what would be sent' }).click();
    await page.getByText('3 events would be sent again').waitFor();
    expect(received('/recovered')).toHaveLength(3);
    await page.getByRole('button', { name: 'Replay 3' }).click();
    await page.getByRole('heading', { name: 'Done' }).waitFor();
    await page.getByText('3 of 3').waitFor();
    expect(received('/recovered')).toHaveLength(6);
  });

  it('sends what an endpoint has never got', async () => {
    const events = await Promise.all([postEvent(t, { tenant }), postEvent(t, { tenant })]);
    const url = `http://127.0.0.1:${receiver.port}/late`;
    await createEndpoint(t, url, { tenant });
    const { page } = await open();
    await page.getByRole('link', { name: 'Replay' }).click();
    await page.getByRole('radio', { name: 'What was never sent' }).check();
    await page.getByRole('combobox', { name: 'Endpoint' }).click();
    await page.getByRole('option', { name: url }).click();
    await page.getByRole('button', { name: 'Show what would be sent' }).click();
    await page.getByRole('button', { name: 'Replay 2' }).click();
    await page.getByRole('heading', { name: 'Done' }).waitFor();
    const ids = received('/late').map(({ headers }) => headers['webhook-id']);
    expect(ids.sort()).toEqual(events.map(({ id }) => id).sort());
  });

  it('offers only what the scopes allow', async () => {
    const { endpoint, ids } = await failedDeliveries('/scoped', 1);
    const { page } = await open({ scopes: ['read'] });
    await page.getByRole('link', { name: /scoped/ }).waitFor();
    const offers = () =>
      page.getByRole('button', { name: /Add|Edit|Pause|Delete|Reveal|Rotate|Send|Replay|Retry/ }).count();
    const links = () => page.getByRole('link', { name: /Add|Edit|Replay/ }).count();
    expect([await offers(), await links()]).toEqual([0, 0]);
    await goTo(page, `/endpoints/${endpoint}`);
    await page.getByRole('region', { name: 'Recent deliveries' }).getByText('order.created').waitFor();
    expect([await offers(), await links()]).toEqual([0, 0]);
    await goTo(page, `/deliveries/${ids[0]}`);
    await page.getByText('The endpoint answered 400.').first().waitFor();
    expect([await offers(), await links()]).toEqual([0, 0]);
  });

  it('shows stored text as text, in every page', async () => {
    receiver.setBehaviour(() => ({ status: 400, body: XSS, headers: { 'x-note': XSS } }));
    const { id } = await createEndpoint(t, `${receiver.url}?q=${encodeURIComponent(XSS)}`, {
      ...{ tenant, description: XSS, metadata: { note: XSS }, filter: { $not: { note: 'none' } } },
    });
    await t.call('POST', '/v1/event-types', {
      ...{ name: 'xss.type', description: XSS, example: { note: XSS } },
      schema: { type: 'object', description: XSS },
    });
    const { deliveries } = await postEvent(t, { tenant, type: 'xss.type', payload: { note: XSS } });
    await deliveryIn(t, deliveries[0]!.id);
    const { page } = await open();
    const paths = ['/endpoints', `/endpoints/${id}`, `/endpoints/${id}/edit`, '/deliveries', '/replay/new'];
    for (const path of [
      ...paths,
      `/deliveries/${deliveries[0]!.id}`,
      '/event-types',
      '/event-types/xss.type',
    ]) {
      await goTo(page, path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.waitForLoadState('networkidle');
      for (const colorScheme of ['light', 'dark'] as const) {
        await changeScheme(page, colorScheme);
        await expectAccessible(page);
      }
      await takePictures(page, `portal${path.replace(/_[\w-]{30,}/g, '').replaceAll('/', '-')}`);
      await page.setViewportSize({ width: 360, height: 740 });
      await expectNoSidewaysScroll(page);
      expect(await page.locator('img, script:not([src])').count()).toBe(0);
    }
    await page.getByText(XSS).first().waitFor();
  });
});
