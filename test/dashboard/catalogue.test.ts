import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { createKey } from '../support/api-keys.js';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>';
const SCHEMA = { type: 'object', required: ['id'], properties: { id: { type: 'string' } } };
/** The machine may be busy. */
const WITHIN = { timeout: 10_000 };
const webhook = (schema: unknown, description: string) => ({
  post: { description, requestBody: { content: { 'application/json': { schema } } } },
});

describeInBrowser('the pages of event types and tenants', () => {
  const { t, receiver, open } = useDashboard();

  const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
  const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

  it('make an event type with a schema, whose faults show at the schema, and send its example', async () => {
    await createEndpoint(t, receiver.url, { tenant: 'acme', event_types: ['order.*'] });
    const page = await open('/event-types');
    await page.getByText('The catalogue is empty').waitFor();
    await page.getByRole('link', { name: 'New event type' }).click();
    await page.getByLabel('Name').fill('order.created');
    await page.getByLabel('Description').fill('An order was placed.');
    const schema = page.getByLabel('Schema of the payload');
    await schema.fill('{"type": ');
    await button(page, 'Create event type').click();
    await page.getByText('This is not JSON').waitFor();
    await schema.fill(JSON.stringify({ properties: { id: { type: 'text' } } }));
    await button(page, 'Create event type').click();
    await page.getByText(/^properties\.id\.type: /).waitFor();
    expect(await schema.getAttribute('aria-invalid')).toBe('true');
    await schema.fill(JSON.stringify(SCHEMA));
    await page.getByLabel('Example').fill('{"id": 7}');
    await button(page, 'Create event type').click();
    await page.getByText(/Must be string/).waitFor();
    await page.getByLabel('Example').fill('{"id": "ord_1"}');
    await takePictures(page, 'event-type-new');
    await expectAccessible(page);
    await button(page, 'Create event type').click();

    const example = part(page, 'Send an example');
    await example.getByRole('combobox', { name: 'Tenant' }).fill('acme');
    await page.keyboard.press('Escape');
    await example.getByLabel('Payload').fill('{"id": 7}');
    await example.getByRole('button', { name: 'Send example' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Send it' }).click();
    await example.getByText('id: Must be string.').waitFor();
    expect(receiver.requests).toHaveLength(0);
    await example.getByLabel('Payload').fill('{"id": "ord_7", "big": 12345678901234567890}');
    await example.getByRole('button', { name: 'Send example' }).click();
    await page.getByRole('dialog').getByText('A real event is published.').waitFor();
    expect(receiver.requests).toHaveLength(0);
    await page.getByRole('dialog').getByRole('button', { name: 'Send it' }).click();
    await example.getByRole('status').getByText('Accepted').waitFor();
    const [request] = await receiver.waitFor((requests) => requests.length === 1);
    expect(request!.body).toBe('{"id": "ord_7", "big": 12345678901234567890}');
    await takePictures(page, 'event-type');
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  });

  it('archive an event type, which leaves the list, and take it back', async () => {
    await t.call('POST', '/v1/event-types', { name: 'order.old' });
    const page = await open('/event-types/order.old');
    await page.getByRole('switch', { name: 'Archived' }).click({ force: true });
    await part(page, 'Details').getByText('Archived', { exact: true }).first().waitFor();
    await expect
      .poll(async () => (await t.call('GET', '/v1/event-types/order.old')).body.archived, WITHIN)
      .toBe(true);
    await page.goto(`${t.service.url}/event-types`);
    await page.getByRole('link', { name: 'order.created' }).waitFor();
    expect(await page.getByRole('link', { name: 'order.old' }).count()).toBe(0);
    await page.goto(`${t.service.url}/event-types?archived=only`);
    await page.getByRole('link', { name: 'order.old' }).waitFor();
  });

  it('import an OpenAPI document after showing what would change', async () => {
    const page = await open('/event-types');
    await page.getByRole('link', { name: 'Import OpenAPI' }).click();
    const document = page.getByLabel('OpenAPI document');
    const show = button(page, 'Show what would change');
    await document.fill('{"openapi": "3.1.0"');
    await page.getByText('This is not JSON').waitFor();
    expect(await show.isDisabled()).toBe(true);
    await document.fill(
      JSON.stringify({
        openapi: '3.1.0',
        webhooks: {
          'order.created': webhook(SCHEMA, 'Placed.'),
          'shop/opened': webhook({ type: 'object' }, 'Opened.'),
          'bad.type': webhook({ $ref: 'https://elsewhere.example/schema' }, 'Cannot be.'),
        },
      }),
    );
    await show.click();
    const plan = part(page, 'What would change');
    await plan.getByRole('region', { name: 'Would be created' }).getByText('shop/opened').waitFor();
    await plan.getByRole('region', { name: 'Would be changed' }).getByText('order.created').waitFor();
    await plan.getByRole('region', { name: 'Not possible' }).getByText('bad.type').waitFor();
    expect((await t.call('GET', '/v1/event-types/shop%2Fopened')).status).toBe(404);
    await takePictures(page, 'import');
    await expectAccessible(page);
    await plan.getByRole('button', { name: 'Import 2 event types' }).click();
    const link = part(page, 'Imported').getByRole('link', { name: 'shop/opened' });
    await link.click();
    await page.getByRole('heading', { name: 'shop/opened' }).waitFor();
    await page.getByText('Opened.').waitFor();
  });

  it('make a tenant with quotas, and a portal link that opens once', async () => {
    const page = await open('/tenants');
    await page.getByRole('link', { name: 'New tenant' }).click();
    await page.getByLabel('Id').fill('glo bex');
    await button(page, 'Create tenant').click();
    await page.getByText('Printable ASCII without blanks').waitFor();
    await page.getByLabel('Id').fill('globex');
    await page.getByLabel('Name', { exact: true }).fill('Globex Inc.');
    await page.getByLabel('Endpoints at most').fill('2');
    await button(page, 'Create tenant').click();
    await page.getByRole('heading', { name: 'Globex Inc. (globex)' }).waitFor();
    await part(page, 'Details').getByText('0 (at most: 2)').waitFor();
    await part(page, 'Portal sessions').getByText('Nobody has a link').waitFor();

    const link = part(page, 'Portal link');
    const view = link.getByRole('checkbox', { name: 'View (always)' });
    expect([await view.isChecked(), await view.isDisabled()]).toEqual([true, true]);
    await link.getByRole('checkbox', { name: 'Manage endpoints' }).check();
    await link.getByRole('button', { name: 'Make a link' }).click();
    const url = await link.getByRole('textbox', { name: 'Portal link' }).inputValue();
    expect(url).toMatch(/\/portal#(code=)?shc_/);
    await part(page, 'Portal sessions').getByText('link not opened yet').waitFor();
    await takePictures(page, 'tenant');
    await expectAccessible(page);
    await page.reload();
    await part(page, 'Portal sessions').getByText('view, manage endpoints').waitFor();
    expect(await page.content()).not.toContain(url.split('#')[1]);

    const { pathname, hash } = new URL(url);
    const portal = await open(pathname + hash, { key: null });
    await portal.getByText('globex').first().waitFor();
    await page.reload();
    await part(page, 'Portal sessions').getByText('in use since').waitFor();
    await part(page, 'Portal sessions').getByRole('button', { name: 'End', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'End', exact: true }).click();
    await part(page, 'Portal sessions').getByText('Nobody has a link').waitFor();
  });

  it('pause a tenant with a reason, which holds its deliveries alone', async () => {
    await createEndpoint(t, receiver.url, { tenant: 'initech' });
    const page = await open('/tenants/initech');
    await button(page, 'Pause this tenant').click();
    await page.getByRole('dialog').getByLabel('Reason').fill('they asked for it');
    await page.getByRole('dialog').getByRole('button', { name: 'Pause this tenant' }).click();
    await page.getByRole('alert', { name: 'This tenant is paused' }).getByText('they asked for it').waitFor();
    const [held, sent] = await Promise.all([
      postEvent(t, { tenant: 'initech', type: 'report.made' }),
      postEvent(t, { tenant: 'acme', payload: { id: 'ord_8' } }),
    ]);
    await deliveryIn(t, held.deliveries[0]!.id, ['HELD']);
    expect((await deliveryIn(t, sent.deliveries[0]!.id)).status).toBe('DELIVERED');
    await button(page, 'Resume initech').click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume initech' }).click();
    expect((await deliveryIn(t, held.deliveries[0]!.id)).status).toBe('DELIVERED');
  });

  it('view the lists as one tenant, in this tab and until it is left', async () => {
    const page = await open('/tenants/acme');
    await postEvent(t, { type: 'order.of-another', tenant: 'other' });
    const event = await postEvent(t, { type: 'order.of-acme', tenant: 'acme' });
    await deliveryIn(t, event.deliveries[0]!.id);
    await button(page, 'View as this tenant').click();
    const pill = page.getByRole('complementary', { name: 'Viewing as' });
    await pill.getByText('acme').waitFor();
    await page.getByRole('link', { name: 'Endpoints' }).first().click();
    const rows = page.getByRole('table', { name: 'Endpoints' }).getByRole('row');
    await expect.poll(() => rows.count(), WITHIN).toBe(2);
    await page.reload();
    await expect.poll(() => rows.count(), WITHIN).toBe(2);
    await takePictures(page, 'viewing-as');
    await expectNoSidewaysScroll(page);

    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    await page.getByRole('link', { name: 'Overview' }).click();
    await page.getByText('Live, every 2 seconds, of the tenant acme').waitFor();
    await part(page, 'State of the system').getByText('Of the whole installation').waitFor();
    const feed = part(page, 'As it happens');
    await feed.getByText('Events', { exact: true }).click();
    await feed.getByText('order.of-acme').waitFor();
    expect(await feed.getByText('order.of-another').count()).toBe(0);
    for (const path of ['/v1/live', '/v1/stats', '/v1/attempts']) {
      const urls = asked.filter((url) => new URL(url).pathname === path);
      expect(urls.length).toBeGreaterThan(0);
      for (const url of urls) expect(new URL(url).searchParams.get('tenant')).toBe('acme');
    }
    await page.getByRole('button', { name: 'Leave: show all tenants again' }).click();
    await page.getByText('Live, every 2 seconds', { exact: true }).waitFor();
    await feed.getByText('Events', { exact: true }).click();
    await feed.getByText('order.of-another').waitFor();
    await page.getByRole('link', { name: 'Endpoints' }).first().click();
    await expect.poll(() => rows.count(), WITHIN).toBe(3);
  });

  it('show the viewed tenant itself, not the form of the tenant before', async () => {
    for (const id of ['umbrella', 'hooli']) await t.call('POST', '/v1/tenants', { id });
    const page = await open('/tenants/umbrella');
    await button(page, 'View as this tenant').click();
    await page.goto(`${t.service.url}/tenants/hooli`);
    await button(page, 'Edit').click();
    await page.getByLabel('Name', { exact: true }).fill('Hooli Inc.');
    const pill = page.getByRole('complementary', { name: 'Viewing as' });
    await pill.getByRole('link', { name: 'umbrella' }).click();
    await page.getByRole('heading', { level: 1, name: 'umbrella' }).waitFor();
    await part(page, 'Details').waitFor({ timeout: 5_000 });
    expect(await page.getByLabel('Name', { exact: true }).count()).toBe(0);
  });

  it('show texts of users as texts, and delete what a name was typed for', async () => {
    await t.call('POST', '/v1/event-types', {
      name: 'x-"><img/src=x',
      description: HOSTILE,
      example: { a: HOSTILE },
      schema: { title: HOSTILE },
    });
    const id = '"><img/src=x/onerror=alert(1)>';
    await t.call('POST', '/v1/tenants', { id, name: HOSTILE, metadata: { [HOSTILE.slice(0, 40)]: HOSTILE } });
    const page = await open('/event-types');
    await page.getByText(HOSTILE, { exact: true }).waitFor();
    await takePictures(page, 'event-types');
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await page.getByRole('link', { name: 'x-"><img/src=x' }).click();
    await part(page, 'Schema').getByText(JSON.stringify(HOSTILE)).waitFor();
    await expectNoSidewaysScroll(page);
    await page.goto(`${t.service.url}/tenants`);
    await page.getByText(HOSTILE, { exact: true }).waitFor();
    await takePictures(page, 'tenants');
    await expectAccessible(page);
    await page.getByRole('link', { name: id }).click();
    await part(page, 'Details').getByText(HOSTILE).waitFor();
    await expectNoSidewaysScroll(page);
    await button(page, 'Delete').click();
    await page.getByRole('dialog').getByRole('textbox').fill(id);
    await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL('**/tenants');
    expect((await t.call('GET', `/v1/tenants/${encodeURIComponent(id)}`)).status).toBe(404);
  });

  it('offer a viewer nothing that the viewer may not do', async () => {
    const { key } = await createKey(t, 'viewer');
    const page = await open('/event-types/order.created', { key });
    await part(page, 'Schema').waitFor();
    for (const name of ['Edit', 'Delete', 'Send example']) expect(await button(page, name).count()).toBe(0);
    await page.goto(`${t.service.url}/tenants/acme`);
    await part(page, 'Details').waitFor();
    for (const name of ['Edit', 'Delete', 'Pause this tenant', 'Make a link'])
      expect(await button(page, name).count()).toBe(0);
  });
});
