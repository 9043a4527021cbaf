import type { Page } from 'playwright-core';
import { beforeAll, expect, it } from 'vitest';
import { createKey } from '../support/api-keys.js';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  openPage,
  setVisibility,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { eventually, startTestService } from '../support/service.js';

/** The big figure with this name, per second. */
const figure = async (page: Page, name: string) => {
  const text = await page
    .getByRole('region', { name: 'Per second' })
    .locator('dl > div', { hasText: name })
    .innerText();
  return Number(/([\d.,]+)\s*\/s/.exec(text)?.[1]);
};

describeInBrowser('the overview', () => {
  const { t, receiver, browser, open } = useDashboard({
    behave: ({ path }) => ({ status: path.includes('/bad') ? 400 : 200 }),
  });
  let page: Page;
  let faults: string[];

  beforeAll(async () => {
    ({ page, faults } = await openPage(browser(), t.service.url!, '/'));
  });

  it('shows a new installation the way to its first webhook, and then the webhook', async () => {
    await page.getByRole('link', { name: 'Add an endpoint' }).waitFor();
    const command = page.getByLabel('Command that publishes an event');
    expect(await command.innerText()).toContain(`curl ${t.service.url}/v1/events`);
    expect(await page.locator('canvas').count()).toBe(0);
    await expectAccessible(page);
    await takePictures(page, 'overview-first-steps');
    await page.setViewportSize({ width: 1440, height: 900 });

    await createEndpoint(t, `${receiver.url}/good`);
    await page.getByText('Done.').waitFor();
    await postEvent(t, { type: 'first.event' });
    const feed = page.getByRole('list', { name: 'Newest attempts' });
    await feed.getByRole('link', { name: 'first.event' }).waitFor();
  });

  it('changes its figures while events are sent, and names the causes and endpoints of failures', async () => {
    const hostile = `${receiver.url}/bad?q="><script>alert(1)</script>`;
    const { id } = await createEndpoint(t, hostile, { event_types: ['bad'] });
    const posted = await Promise.all(Array.from({ length: 30 }, () => postEvent(t, { type: 'bad' })));
    await Promise.all(posted.flatMap(({ deliveries }) => deliveries.map(({ id }) => deliveryIn(t, id))));
    for (const name of ['Accepted', 'Delivered', 'Failed', 'Attempts'])
      await eventually(async () => (await figure(page, name)) > 0);

    const causes = page.getByRole('table', { name: 'Results of attempts' });
    await causes.getByRole('row', { name: /Refused 30 30/ }).waitFor();
    const worst = page.getByRole('table', { name: 'Endpoints that fail most' });
    const row = worst.getByRole('row', { name: /30 of 30/ });
    expect(await row.getByRole('link').first().getAttribute('href')).toBe(`/endpoints/${id}`);
    expect(await row.innerText()).toContain('script');
    expect(await row.locator('script').count()).toBe(0);
    const toDeliveries = await row.getByRole('link', { name: 'Show' }).getAttribute('href');
    expect(toDeliveries).toBe(`/deliveries?endpoint_id=${id}`);
    await takePictures(page, 'overview');
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  it('has the hours of the chart as a table, too', async () => {
    const day = page.getByRole('region', { name: 'Last 24 hours' });
    await day.getByText('Table', { exact: true }).click();
    // The events, those delivered to the one endpoint, and those that the other refused.
    await day.getByRole('row', { name: /31 31 30 50\.8 %/ }).waitFor();
    const hours = async () => {
      const { from, to } = (await t.call<Record<'from' | 'to', string>>('GET', '/v1/stats?bucket=hour')).body;
      return (Date.parse(to) - Date.parse(from)) / 3_600_000;
    };
    expect(await hours()).toBeGreaterThanOrEqual(24);
    // Each hour has its row, also without an event. A new hour may have begun meanwhile.
    await expect.poll(async () => (await day.getByRole('row').count()) - 1 - (await hours())).toBe(0);
    await expectAccessible(page);
  });

  it('lets the newest attempts stand still while they are read', async () => {
    const feed = page.getByRole('list', { name: 'Newest attempts' });
    await page.getByRole('button', { name: 'Stand still' }).click();
    await postEvent(t, { type: 'while.still' });
    await eventually(async () => (await figure(page, 'Accepted')) > 0);
    expect(await feed.getByText('while.still').count()).toBe(0);
    await page.getByRole('button', { name: 'Go on' }).click();
    await feed.getByText('while.still').waitFor();
  });

  it('begins with the newest rows, of the tenant of the key only, and adds each new one once', async () => {
    await createEndpoint(t, `${receiver.url}/acme`, { tenant: 'acme' });
    const postForAcme = async (type: string) => {
      const { deliveries } = await postEvent(t, { type, tenant: 'acme' });
      await deliveryIn(t, deliveries[0]!.id);
    };
    await postForAcme('before.opening');
    const { key } = await createKey(t, 'viewer', 'acme');
    const all = await open('/');
    const acme = await open('/', { key });
    const rowsOf = (of: Page) => of.getByRole('list', { name: 'Newest attempts' }).getByRole('listitem');
    await rowsOf(all).nth(19).waitFor();
    expect(await rowsOf(all).first().innerText()).toContain('before.opening');
    await rowsOf(acme).first().waitFor();
    expect(await rowsOf(acme).allInnerTexts()).toEqual([expect.stringContaining('before.opening')]);
    const kinds = acme.getByRole('radiogroup', { name: 'Show the newest' });
    await kinds.getByText('Events').click();
    await acme.getByRole('list', { name: 'Newest events' }).getByText('before.opening').waitFor();
    await kinds.getByText('Attempts').click();

    await postForAcme('after.opening');
    for (const of of [all, acme]) await rowsOf(of).filter({ hasText: 'after.opening' }).waitFor();
    const [newest, next] = await rowsOf(all).allInnerTexts();
    expect([newest, next]).toEqual([
      expect.stringContaining('after.opening'),
      expect.stringContaining('before.opening'),
    ]);
    expect(await rowsOf(all).count()).toBe(20);
    expect(await rowsOf(acme).count()).toBe(2);
  });

  it('shows the state of every part, and the way to stop without the API', async () => {
    const state = page.getByRole('region', { name: 'State of the system' });
    await state.getByText('1 process is running').waitFor();
    const text = await state.innerText();
    for (const part of ['Postgres', 'Temporal', 'Workers', 'Encryption keys', 'PAUSE'])
      expect(text).toContain(part);
  });

  it('says of what time it is while the server is stopped, and goes on by itself afterwards', async () => {
    const { port } = new URL(t.service.url!);
    const state = page.getByRole('region', { name: 'State of the system' });
    const asOf = state.getByText(/^As of \d\d:\d\d:\d\d\. The server did not answer/);
    const working = state.locator('[data-state=ok]');
    await working.first().waitFor();
    expect(await asOf.count()).toBe(0);
    await t.stop();
    await page.getByRole('status', { name: 'Live figures' }).getByText('Reconnecting').waitFor();
    await asOf.waitFor();
    await state.getByText('Working: events are accepted').waitFor();
    await working.first().waitFor({ state: 'detached' });
    const { databaseUrl, taskQueue } = t;
    Object.assign(
      t,
      await startTestService({ port: Number(port), databaseUrl, taskQueue, workflows: 'none' }),
    );
    await page.getByText('Live, every 2 seconds').waitFor();
    await asOf.waitFor({ state: 'detached' });
    await working.first().waitFor();
    await postEvent(t, { type: 'after.restart' });
    await page.getByRole('list', { name: 'Newest attempts' }).getByText('after.restart').waitFor();
    // The browser's own lines about the connection that was lost.
    expect(faults.filter((fault) => !fault.startsWith('Failed to load resource'))).toEqual([]);
  });

  it('is live ten minutes later, too', async () => {
    const viewer = await open('/sign-in');
    await viewer.clock.install();
    await viewer.goto(t.service.url!);
    await viewer.getByText('Live, every 2 seconds').waitFor();
    // For the page, these are ten minutes without a tick.
    await viewer.clock.fastForward('10:00');
    await postEvent(t, { type: 'ten.minutes.later' });
    await viewer.getByRole('list', { name: 'Newest attempts' }).getByText('ten.minutes.later').waitFor();
    await viewer.getByText('Live, every 2 seconds').waitFor();
  });

  it('opens one stream for a page while it is visible, and shows the sign-in when its key is revoked', async () => {
    const { id, key } = await createKey(t, 'viewer');
    const viewer = await open('/sign-in', { key });
    const streams: string[] = [];
    viewer.on('request', (request) => {
      if (request.url().endsWith('/v1/live')) streams.push(request.url());
    });
    await viewer.goto(t.service.url!);
    await viewer.getByText('Live, every 2 seconds').waitFor();
    expect(streams).toHaveLength(1);

    const isClosed = viewer.waitForEvent('requestfailed', (request) => request.url().endsWith('/v1/live'));
    await setVisibility(viewer, 'hidden');
    await isClosed;
    await postEvent(t, { type: 'while.hidden' });
    expect(streams).toHaveLength(1);
    await setVisibility(viewer, 'visible');
    await viewer.getByText('Live, every 2 seconds').waitFor();
    await viewer.getByRole('list', { name: 'Newest attempts' }).getByText('while.hidden').waitFor();
    expect(streams).toHaveLength(2);
    await t.call('POST', `/v1/api-keys/${id}/revoke`);
    await viewer.waitForURL('**/sign-in**');
  });
});
