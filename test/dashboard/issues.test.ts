import { beforeAll, expect, it } from 'vitest';
import { CLASSIFICATIONS } from '../../src/domain/delivery.js';
import { createKey } from '../support/api-keys.js';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  setVisibility,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { eventually } from '../support/service.js';

const EVIL = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;

describeInBrowser('issues', () => {
  const { t, receiver, open } = useDashboard({
    behave: () => ({ status: 404, body: EVIL, headers: { 'content-type': 'text/html' } }),
  });
  let endpoint: string;

  const fail = async (type: string) => {
    const { deliveries } = await postEvent(t, { tenant: 'acme', type });
    return deliveryIn(t, deliveries[0]!.id, ['FAILED']);
  };
  const issues = async () =>
    (await t.call<{ data: { status: string; note: string | null }[] }>('GET', '/v1/issues?status=all')).body
      .data;

  beforeAll(async () => {
    const url = `${receiver.url}/hook?${new URLSearchParams({ q: EVIL }).toString()}`;
    endpoint = (await createEndpoint(t, url, { tenant: 'acme', description: EVIL })).id;
  });

  it('says so when nothing fails, and shows a failure with what it means and what to do', async () => {
    const page = await open('/issues');
    await page.getByText('Nothing fails').waitFor();
    await takePictures(page, 'issues-none');
    await page.setViewportSize({ width: 1440, height: 900 });
    await fail('order.created');
    await fail('order.paid');
    // The page reads its list again by itself.
    const card = page.getByRole('listitem').filter({ hasText: 'The receiver refuses requests' });
    await card.waitFor();
    await eventually(
      async () =>
        (await card.getByText('Deliveries that failed', { exact: true }).locator('..').innerText()).includes(
          '2',
        ),
      30_000,
    );
    await card.getByText('What to do:').waitFor();
    await card.getByText(/Nothing is at this path/).waitFor();
    await expectAccessible(page);
    await card.getByRole('link', { name: 'Replay the failed' }).click();
    await page.waitForURL(/\/replay\/new\?/);
    const search = Object.fromEntries(new URL(page.url()).searchParams);
    // No time: a delivery that was held, or retried for long, was accepted long before the issue was first seen.
    expect(search).toEqual({
      endpoint_id: endpoint,
      classification: 'HTTP_4XX_PERMANENT',
      status: 'FAILED',
    });
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByRole('group', { name: 'Would be replayed' }).getByText('2', { exact: true }).waitFor();
  });

  it('are not read again in a hidden tab', async () => {
    const page = await open('/issues');
    await page.clock.install();
    await page.reload();
    await page.getByRole('link', { name: 'See all' }).waitFor();
    let asked = 0;
    page.on('request', (request) => {
      if (request.url().includes('/v1/issues')) asked += 1;
    });
    await page.clock.runFor(11_000);
    await expect.poll(() => asked).toBeGreaterThan(0);
    await setVisibility(page, 'hidden');
    const before = asked;
    await page.clock.runFor(60_000);
    expect(asked).toBe(before);
    await setVisibility(page, 'visible');
    await expect.poll(() => asked).toBeGreaterThan(before);
  });

  it('acknowledges an issue with a note, and reopens it', async () => {
    const page = await open('/issues');
    const card = page.getByRole('listitem').filter({ hasText: 'The receiver refuses requests' });
    await card.getByRole('button', { name: 'Acknowledge' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Reason' }).fill(EVIL);
    expect((await issues())[0]!.status).toBe('open');
    await dialog.getByRole('button', { name: 'Acknowledge' }).click();
    await page.getByText('Nothing fails').waitFor();
    await page.getByText('Acknowledged', { exact: true }).click();
    await page.waitForURL(/status=acknowledged/);
    await card.getByText(EVIL).waitFor();
    await card.getByText('by admin').waitFor();
    await takePictures(page, 'issues-acknowledged');
    await expectNoSidewaysScroll(page);
    expect(await issues()).toMatchObject([{ status: 'acknowledged', note: EVIL }]);
    await card.getByRole('button', { name: 'Reopen' }).click();
    await page.getByText('No issue is acknowledged').waitFor();
    expect(await issues()).toMatchObject([{ status: 'open' }]);
  });

  it('retries at once what waits for its next attempt, and offers no replay of it', async () => {
    let isMended = false;
    receiver.setBehaviour(() => ({ status: isMended ? 200 : 503 }));
    const { id } = await createEndpoint(t, `${receiver.url}/busy`, {
      tenant: 'busy',
      retry_schedule: [3600],
    });
    const { deliveries } = await postEvent(t, { tenant: 'busy' });
    await eventually(async () => (await issues()).length === 2);
    const page = await open(`/issues?endpoint_id=${id}`);
    await page.getByRole('button', { name: 'Retry the 1 waiting now' }).click();
    expect(await page.getByRole('link', { name: 'Replay the failed' }).count()).toBe(0);
    isMended = true;
    await page.getByRole('dialog').getByRole('button', { name: 'Retry the 1 waiting now' }).click();
    await page.getByText('1 retried now').waitFor();
    expect(await deliveryIn(t, deliveries[0]!.id, ['DELIVERED'])).toMatchObject({ attempt_count: 2 });
  });

  it('a viewer may only read', async () => {
    const { key } = await createKey(t, 'viewer', 'acme');
    const page = await open('/issues', { key });
    const card = page.getByRole('listitem').filter({ hasText: 'The receiver refuses requests' });
    await card.getByRole('link', { name: 'See all' }).waitFor();
    expect(await card.getByRole('button').count()).toBe(0);
    expect(await card.getByRole('link', { name: 'Replay the failed' }).count()).toBe(0);
  });

  it('pauses the endpoint after it has said what happens', async () => {
    const page = await open(`/issues?endpoint_id=${endpoint}`);
    const card = page.getByRole('listitem').filter({ hasText: 'The receiver refuses requests' });
    await takePictures(page, 'issues');
    await page.setViewportSize({ width: 1440, height: 900 });
    await card.getByRole('button', { name: 'Pause endpoint' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('nothing is lost').waitFor();
    await dialog.getByRole('textbox', { name: 'Reason' }).fill('their deploy');
    await dialog.getByRole('button', { name: 'Pause endpoint' }).click();
    await card.getByText('Paused', { exact: true }).waitFor();
    expect((await t.call('GET', `/v1/endpoints/${endpoint}`)).body).toMatchObject({ status: 'paused' });
  });

  it('shows more when it is asked to while the list is read again', async () => {
    const urls = ['/many-1', '/many-2'].map((path) => receiver.url + path);
    const made = await Promise.all(urls.map((url) => createEndpoint(t, url, { tenant: 'many' })));
    await t.pool.query(
      `insert into issues (id, tenant, endpoint_id, classification, first_seen_at, last_seen_at, attempt_count, failed_count,
         sample_delivery_id, acknowledged_at, acknowledged_by)
       select new_id('iss', now()), 'many', endpoint_id, classification, now(), now(), 1, 1, 'del_1', now(), 'admin'
       from unnest($1::text[]) endpoint_id, unnest($2::text[]) classification`,
      [made.map(({ id }) => id), CLASSIFICATIONS.filter((one) => one !== 'DELIVERED')],
    );
    const page = await open('/issues?status=acknowledged&tenant=many');
    const cards = page.getByRole('main').getByRole('listitem');
    await expect.poll(() => cards.count()).toBe(25);
    let release = () => {};
    const isReleased = new Promise<void>((resolve) => (release = resolve));
    await page.route(/\/v1\/issues\?(?!.*cursor)/, (route) => isReleased.then(() => route.continue()));
    const isRead = page.waitForRequest(/\/v1\/issues\?/);
    await cards.first().getByRole('button', { name: 'Reopen' }).click();
    await isRead;
    await page.getByRole('button', { name: 'Show more' }).click();
    await expect.poll(() => cards.count()).toBe(28);
    release();
    await expect.poll(() => cards.count(), { timeout: 5_000 }).toBe(27);
  });
});
