import { expect, it } from 'vitest';
import { createKey } from '../support/api-keys.js';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint, postEvent } from '../support/path.js';
import { seedDeliveries } from '../support/seed.js';

describeInBrowser('events in the dashboard', () => {
  const { t, open } = useDashboard();

  it('searches payloads part by part, and says how far it has come', async () => {
    const { id } = await createEndpoint(t, 'http://127.0.0.1:9/nobody', { tenant: 'sought' });
    await seedDeliveries(t.pool, { endpointId: id, count: 12_000 });
    const page = await open('/events?tenant=sought');
    await page.getByLabel('Text in the payload').fill('"N":17}');
    const said = page.getByRole('status').filter({ hasText: 'found in' });
    await said.filter({ hasText: /^0 found in [\d,]+ events, searched back to / }).waitFor();
    await takePictures(page, 'events-search');
    await page.setViewportSize({ width: 1280, height: 720 });
    const further = page.getByRole('button', { name: 'Search further back' });
    const found = page.getByRole('table', { name: 'Events found' }).getByRole('link');
    for (let nth = 0; nth < 50 && (await further.isVisible()); nth++) {
      const before = await said.textContent();
      await further.click();
      await expect.poll(() => said.textContent()).not.toBe(before);
    }
    await said.filter({ hasText: '1 found in 12,000 events: all events of this range' }).waitFor();
    expect(await found.count()).toBe(1);
    await page.reload();
    const text = page.getByLabel('Text in the payload');
    expect(await text.inputValue()).toBe('"N":17}');

    // A search takes no key, and the server no text of 2 letters.
    const address = () => {
      const { searchParams } = new URL(page.url());
      return [searchParams.get('idempotency_key'), searchParams.get('text')];
    };
    await page.getByLabel('Idempotency key').fill('order-1002');
    await expect.poll(address).toEqual(['order-1002', null]);
    expect(await text.inputValue()).toBe('');
    await text.fill('no');
    await page.getByText('3 letters or more', { exact: true }).waitFor();
    expect(address()).toEqual(['order-1002', null]);
    await text.fill('nob');
    await expect.poll(address).toEqual([null, 'nob']);
    await said.waitFor();
    expect(await page.getByLabel('Idempotency key').inputValue()).toBe('');
  });

  it('finds an event by its idempotency key, and any object by its id', async () => {
    const { id } = await postEvent(t, { tenant: 'keys', idempotency_key: 'order-1001' });
    const page = await open('/events');
    await page.getByLabel('Idempotency key').fill('order-1001');
    const list = page.getByRole('table', { name: 'Events' });
    await expect.poll(() => list.getByRole('link').count()).toBe(1);
    await expectAccessible(page);
    await takePictures(page, 'events');
    await expectNoSidewaysScroll(page);
    const byId = page.getByLabel('Open by id');
    await byId.fill('or');
    await byId.press('Enter');
    await page.getByText('An id, or at least 3 characters').waitFor();
    await byId.fill(id);
    await byId.press('Enter');
    await page.getByRole('heading', { name: 'Event order.created' }).waitFor();
    await page.getByText('no endpoint wanted this event').waitFor();
    const link = (name: string) => page.getByRole('main').getByRole('link', { name });
    await link('Add an endpoint').waitFor();
    expect(await link('the endpoints of keys').getAttribute('href')).toBe('/endpoints?tenant=keys');
    await page.goBack();
    await list.getByText('No endpoint', { exact: true }).waitFor();
  });

  it('asks for the last hour as it is now, and keeps the words in the address', async () => {
    await postEvent(t, { tenant: 'hour', type: 'of.this.hour' });
    const page = await open('/events?tenant=hour');
    await page.getByRole('combobox', { name: 'Accepted' }).click();
    const [before, asked] = [
      Date.now(),
      page.waitForRequest((request) => /\/v1\/events\?.*from=/.test(request.url())),
    ];
    await page.getByRole('option', { name: 'Last hour' }).click();
    const from = Date.parse(new URL((await asked).url()).searchParams.get('from')!) + 3_600_000;
    expect(from).toBeGreaterThanOrEqual(before);
    expect(from).toBeLessThanOrEqual(Date.now());
    await page.getByRole('table', { name: 'Events' }).getByText('of.this.hour').waitFor();
    await expect.poll(() => new URL(page.url()).searchParams.get('from')).toBe('1h');
  });

  it('shows a payload of 256 KiB at once, and all of it when asked', async () => {
    const items = Array.from({ length: 5_500 }, (_, n) => ({ n, text: 'abcdefghijklmnopqrstuvwxyz' }));
    const { id } = await postEvent(t, { tenant: 'big', payload: { items, end: 'the very end' } });
    const page = await open(`/events/${id}`);
    const text = page.getByRole('region', { name: 'payload', exact: true });
    await text.waitFor();
    expect((await text.textContent())!.length).toBe(20_000);
    // As over plain http from another host.
    await page.evaluate('delete Navigator.prototype.clipboard');
    await page.getByRole('button', { name: 'Copy payload' }).click();
    await page.getByText('Not copied', { exact: true }).waitFor();
    await page.getByRole('button', { name: /^Show all [\d,]+ characters$/ }).click();
    await text.filter({ hasText: 'the very end' }).waitFor();
  });

  it('offers viewers no action', async () => {
    const { id } = await createEndpoint(t, 'http://127.0.0.1:9/nobody', { tenant: 'seen' });
    const [seeded] = await seedDeliveries(t.pool, { endpointId: id, count: 1 });
    const { key } = await createKey(t, 'viewer', 'seen');
    const page = await open(`/events/${seeded!.event_id}`, { key });
    await page.getByRole('table', { name: 'Deliveries of the event' }).getByRole('link').click();
    await page.getByRole('heading', { name: 'Delivery of order.created' }).waitFor();
    const action = page.getByRole('button', { name: /Replay|Retry|Cancel/ });
    expect(await action.count()).toBe(0);
    await page.goto(`${t.service.url}/deliveries`);
    await page.getByRole('table', { name: 'Deliveries' }).getByRole('link').waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(0);
  });
});
