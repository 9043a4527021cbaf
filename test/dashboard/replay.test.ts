import type { Page } from 'playwright-core';
import { beforeAll, expect, inject, it } from 'vitest';
import { createKey } from '../support/api-keys.js';
import { batchCalls, type Batch } from '../support/batches.js';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, temporalAt } from '../support/service.js';

/** Nothing answers there: it is linked to only. */
const WEB_UI = 'http://temporal.example:8233';
const EVIL = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;

describeInBrowser('replay', () => {
  const temporal = { ...temporalAt(inject('temporalAddress')), uiUrl: WEB_UI };
  const { t, receiver, open } = useDashboard({ service: { workflows: 'all', temporal } });
  const batches = batchCalls(t);
  /** Three of its deliveries failed. */
  let endpoint: string;

  beforeAll(async () => {
    receiver.setBehaviour(() => ({ status: 400 }));
    endpoint = (await createEndpoint(t, `${receiver.url}/shop`, { tenant: 'acme', description: EVIL })).id;
    for (const type of ['order.created', 'order.created', 'order.paid']) {
      const { deliveries } = await postEvent(t, { tenant: 'acme', type });
      await deliveryIn(t, deliveries[0]!.id, ['FAILED']);
    }
  });

  const figure = (page: Page, name: string, value: string) =>
    page.getByRole('group', { name, exact: true }).getByText(value, { exact: true }).waitFor();
  const idOf = (page: Page) => new URL(page.url()).pathname.split('/').at(-1)!;

  it('a dry run shows what would be sent, and sends nothing', async () => {
    const before = receiver.requests.length;
    const page = await open('/replay');
    await page.getByText('Nothing was replayed yet').waitFor();
    await page.getByRole('link', { name: 'New replay' }).click();
    await page.getByRole('textbox', { name: 'Tenant' }).fill('acme');
    await page.waitForURL(/tenant=acme/);
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByRole('heading', { name: 'Dry run' }).waitFor();
    await figure(page, 'Would be replayed', '3');
    const byEndpoint = page.getByRole('table', { name: 'By endpoint' });
    await byEndpoint.getByText(EVIL).waitFor();
    const byType = page.getByRole('table', { name: 'By event type' });
    await byType.getByRole('row', { name: 'order.created 2' }).waitFor();
    await page.getByRole('table', { name: 'Deliveries' }).getByText('To replay').first().waitFor();
    const { plan, status } = await batches.get(idOf(page));
    expect({ eligible: plan!.eligible, status }).toEqual({ eligible: 3, status: 'DRY_RUN' });
    expect(receiver.requests.length).toBe(before);
    expect((await t.pool.query('select from all_deliveries where batch_id is not null')).rowCount).toBe(0);
    await expectAccessible(page);
    await takePictures(page, 'replay-dry-run');
    await expectNoSidewaysScroll(page);
  });

  it('links to the Temporal Web UI, where a replay and a delivery have their workflows', async () => {
    const { id } = await batches.create({ filter: { endpoint_id: endpoint }, dry_run: true });
    const { data } = (await t.call<{ data: { id: string }[] }>('GET', '/v1/deliveries?limit=1')).body;
    const page = await open('/');
    const linkTo = async (path: string, name: RegExp) => {
      await page.goto(t.service.url + path);
      return page.getByRole('main').getByRole('link', { name }).first().getAttribute('href');
    };
    expect(await linkTo('/', /^Open its Web UI/)).toBe(WEB_UI);
    expect(await linkTo('/settings', /^http:\/\/temporal/)).toBe(WEB_UI);
    const workflows = `${WEB_UI}/namespaces/default/workflows/`;
    expect(await linkTo(`/deliveries/${data[0]!.id}`, /^deliver:/)).toContain(workflows);
    expect(await linkTo(`/replay/${id}`, / in Temporal/)).toContain(workflows);
  });

  it('starts only with the right count, and shows the progress to its end', async () => {
    const before = receiver.requests.length;
    const { id } = await batches.create({ filter: { endpoint_id: endpoint }, dry_run: true });
    const page = await open(`/replay/${id}`);
    const start = page.getByRole('button', { name: 'Replay 3' });
    const confirm = page.getByRole('textbox', { name: 'Type 3 to confirm' });
    for (const wrong of ['', '2', '33']) {
      await confirm.fill(wrong);
      expect(await start.isDisabled()).toBe(true);
    }
    await confirm.press('Enter');
    expect(receiver.requests.length).toBe(before);
    await page.getByRole('textbox', { name: 'Note for the record' }).fill(EVIL);
    await confirm.fill('3');
    await start.click();
    await page.getByRole('heading', { name: 'Replay' }).waitFor();
    await page.getByText('Completed', { exact: true }).first().waitFor();
    await figure(page, 'Delivered', '3');
    await page.getByRole('region', { name: 'Record' }).getByText(EVIL).first().waitFor();
    await eventually(async () => receiver.requests.length === before + 3);
    expect((await batches.get(idOf(page))).note).toBe(EVIL);
    await page.getByRole('link', { name: 'Replay', exact: true }).click();
    await page.getByRole('table', { name: 'Replays' }).getByText(EVIL).first().waitFor();
    await expectAccessible(page);
    await takePictures(page, 'replay-list');
    await expectNoSidewaysScroll(page);
  });

  it('pauses, slows down, and cancels a replay after it has asked', async () => {
    await seedDeliveries(t.pool, { endpointId: endpoint, count: 300, type: 'seeded' });
    const made = await batches.create({ filter: { event_type: 'seeded' }, rate_per_second: 5 });
    const list = await open('/replay');
    const running = list.getByRole('table', { name: 'Replays' }).getByRole('row', { name: 'Running' });
    const progress = running.getByText(/^\d+ of 300 made/);
    const before = await progress.innerText();
    await eventually(async () => (await progress.innerText()) !== before);
    const page = await open(`/replay/${made.id}`);
    const is = (status: Batch['status']) => batches.batchIn(made.id, [status]);
    await eventually(async () => (await page.getByRole('progressbar').count()) > 0);
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('Paused', { exact: true }).waitFor();
    await is('PAUSED');
    await page.getByRole('slider').press('ArrowLeft');
    await page.locator('[role=slider][aria-valuetext="2 per second"]').waitFor();
    expect((await batches.get(made.id)).rate_per_second).toBe(2);
    await page.getByRole('button', { name: 'Resume' }).click();
    await is('RUNNING');

    await page.getByRole('button', { name: 'Cancel replay' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('that had no turn are not delivered').waitFor();
    await dialog.getByRole('textbox', { name: 'Reason' }).fill(EVIL);
    expect((await batches.get(made.id)).status).toBe('RUNNING');
    await dialog.getByRole('button', { name: 'Cancel replay' }).click();
    await page.getByText('Cancelled', { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Start the rest' }).waitFor();
    const { status, remaining_count } = await batches.get(made.id);
    expect(status).toBe('CANCELLED');
    expect(remaining_count).toBeGreaterThan(0);
    await page.getByRole('region', { name: 'Record' }).getByText(EVIL).waitFor();
    await expectAccessible(page);
    await takePictures(page, 'replay-cancelled');
  });

  it('says at the choice why no plan was made, and finds events that an endpoint missed', async () => {
    const late = await createEndpoint(t, `${receiver.url}/late`, {
      tenant: 'acme',
      event_types: ['order.paid'],
    });
    const page = await open('/replay/new?missing=true');
    const dryRun = page.getByRole('button', { name: 'Dry run' });
    await dryRun.waitFor();
    expect(await dryRun.isDisabled()).toBe(true);
    const field = page.getByRole('textbox', { name: 'Endpoint id' });
    await field.fill('ep_of_nobody');
    await page.waitForURL(/ep_of_nobody/);
    await dryRun.click();
    await page.getByRole('alert').getByText('endpoint_id').waitFor();
    await expectAccessible(page);
    await field.fill(late.id);
    await page.waitForURL(new RegExp(late.id));
    await dryRun.click();
    await figure(page, 'Would be replayed', '1');
    await page.getByText('Events that never had a delivery').waitFor();
  });

  it('changing the choice of a dry run keeps the deliveries that were picked by hand', async () => {
    const { body } = await t.call<{ data: { id: string }[] }>('GET', '/v1/deliveries?tenant=acme&limit=2');
    const delivery_ids = body.data.map(({ id }) => id);
    const { id } = await batches.create({ delivery_ids, include_delivered: true, dry_run: true });
    const page = await open(`/replay/${id}`);
    await page.getByRole('button', { name: 'Change the choice' }).click();
    await page.getByText('Selected (2)').waitFor();
    expect(await page.getByRole('checkbox', { name: /^Also those that were delivered/ }).isChecked()).toBe(
      true,
    );
    await page.getByRole('button', { name: 'Dry run' }).click();
    await page.getByText('2 chosen deliveries').waitFor();
    expect(idOf(page)).not.toBe(id);
    const again = (await batches.itemsOf(idOf(page))).map(({ source_delivery_id }) => source_delivery_id);
    expect(again.sort()).toEqual(delivery_ids.sort());
  });

  it('a viewer sees replays, and no way to start or change one', async () => {
    const { key } = await createKey(t, 'viewer');
    const { id } = await batches.create({
      filter: { event_type: 'order.paid', status: 'DELIVERED' },
      include_delivered: true,
      dry_run: true,
    });
    const page = await open(`/replay/${id}`, { key });
    await page.getByRole('heading', { name: 'What would happen' }).waitFor();
    expect(await page.getByRole('heading', { name: 'Start' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Replay', exact: true }).click();
    await page.getByRole('table', { name: 'Replays' }).waitFor();
    expect(await page.getByRole('link', { name: 'New replay' }).count()).toBe(0);
  });
});
