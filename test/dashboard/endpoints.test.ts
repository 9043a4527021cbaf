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
import { verified } from '../support/receiver.js';

/** Without blanks, which a URL may not have. */
const HOSTILE = '"><img/src=x/onerror=alert(1)><script>alert(2)</script>';

describeInBrowser('the pages of endpoints', () => {
  const { t, receiver, open } = useDashboard();

  const part = (page: Page, name: string) => page.getByRole('region', { name, exact: true });
  const endpointOf = async (id: string) => (await t.call('GET', `/v1/endpoints/${id}`)).body;
  const chooseTypes = async (page: Page, ...types: string[]) => {
    for (const type of types) {
      await page.getByRole('combobox', { name: 'Event types' }).fill(type);
      await page.keyboard.press('Enter');
    }
    await page.keyboard.press('Escape');
  };
  const reason = async (page: Page, action: string, text: string) => {
    await page.getByRole('button', { name: action, exact: true }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill(text);
    await dialog.getByRole('button', { name: action, exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
  };

  it('lead from no endpoint to a first delivery, and show the secret once', async () => {
    const page = await open('/endpoints');
    await page.getByText('There are no endpoints yet').waitFor();
    await page.getByRole('link', { name: 'Add endpoint' }).click();
    await page.getByLabel('URL').fill(receiver.url);
    await chooseTypes(page, 'order.*');
    await page.getByRole('combobox', { name: 'Tenant' }).fill('acme');
    await page.keyboard.press('Escape');
    await expectAccessible(page);
    await takePictures(page, 'endpoint-new');
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    const secret = await page.getByRole('group', { name: 'Signing secret' }).locator('code').innerText();
    const command = await page.getByLabel('Command that publishes an event').innerText();
    expect(command).toContain('"tenant":"acme","type":"order.created"');
    await page.getByRole('main').getByRole('link', { name: 'event types' }).waitFor();
    await takePictures(page, 'endpoint-secret');
    await page.getByRole('button', { name: 'Go to the endpoint and send a test' }).click();

    await page.getByRole('button', { name: 'Send test' }).click();
    await page.getByRole('status').getByText('The test arrived').waitFor();
    expect(verified(secret, receiver.requests[0]!)).toBeTruthy();
    expect(await page.content()).not.toContain(secret);
    await takePictures(page, 'endpoint-test');

    const { deliveries } = await postEvent(t, { tenant: 'acme', payload: { amount: 7 } });
    const row = part(page, 'Recent deliveries').getByRole('row', { name: /order\.created/ });
    await row.getByText('Delivered').first().waitFor();
    expect(verified(secret, receiver.requests[1]!)).toEqual({ amount: 7 });
    await row.getByRole('link', { name: 'order.created' }).click();
    await page.waitForURL(`**/deliveries/${deliveries[0]!.id}`);
  });

  it('say at the field why an endpoint is refused', async () => {
    const page = await open('/endpoints/new');
    const url = page.getByLabel('URL');
    const add = page.getByRole('button', { name: 'Add endpoint' });
    const refusal = async () => page.locator(`[id="${await url.getAttribute('id')}-error"]`).innerText();
    await add.click();
    await page.getByText('Choose at least one event type').waitFor();
    expect(await refusal()).toContain('Enter the URL');
    await url.fill('ftp://example.com');
    await add.click();
    await expect.poll(refusal, { timeout: 10_000 }).toContain('Must begin with https:// or http://.');
    // Without an event type the form asks no server: the page itself has its rules for URLs.
    await url.fill('https://shop:word@example.com/hook#top');
    await add.click();
    await expect.poll(refusal).toContain('Must not carry credentials; use headers.');
    await url.fill('http:///example.com');
    await add.click();
    await expect.poll(refusal).toContain('and a host.');
    await url.fill('http://10.1.2.3/hook');
    await chooseTypes(page, '*');
    await add.click();
    await expect
      .poll(refusal, { timeout: 10_000 })
      .toContain('forbidden address. To allow it, add its network to SUREHOOK_ALLOW_NETWORKS');
    expect(await url.getAttribute('aria-invalid')).toBe('true');
    // An error in a folded part opens it.
    await url.fill(receiver.url);
    await page.getByRole('button', { name: /Timeout and retries/ }).click();
    await page.getByLabel('Waiting time before each retry').fill('30 s, soon');
    await page.getByRole('button', { name: /Timeout and retries/ }).click();
    await add.click();
    await page.getByText('Times with commas between them, such as 30 s, 5 min, 2 h.').waitFor();
  });

  it('try a filter on recent events before it is saved, as the server then does', async () => {
    const tenant = 'filtered';
    for (const amount of [5, 50, 12]) await postEvent(t, { tenant, payload: { amount } });
    await postEvent(t, { tenant, type: 'user.created', payload: { amount: 99 } });
    const sent = receiver.requests.length;
    const page = await open('/endpoints/new');
    await page.getByLabel('URL').fill(receiver.url);
    await chooseTypes(page, 'order.*');
    await page.getByRole('combobox', { name: 'Tenant' }).fill(tenant);
    await page.keyboard.press('Escape');
    const filter = part(page, 'Filter');
    await filter.getByRole('button', { name: 'Add condition' }).click();
    await filter.getByLabel('Field of the payload').fill('amount');
    await filter.getByRole('combobox', { name: 'Comparison' }).click();
    await page.getByRole('option', { name: 'is greater than' }).click();
    await filter.getByRole('textbox', { name: 'Value' }).fill('10');
    await filter.getByRole('button', { name: 'Try on recent events' }).click();
    await filter.getByText('2 of the newest 4 events would be sent').waitFor();
    await filter.getByText('Does not meet “amount is greater than”.').waitFor();
    await filter.getByText('None of the event types matches.').waitFor();
    await filter.getByRole('textbox', { name: 'Value' }).fill('20');
    await filter.getByText('1 of the newest 4 events would be sent').waitFor();
    await takePictures(page, 'endpoint-filter');
    await expectAccessible(page);
    expect(receiver.requests).toHaveLength(sent);

    await filter.getByText('JSON', { exact: true }).click();
    expect(JSON.parse(await filter.getByLabel('Filter as JSON').inputValue())).toEqual({
      amount: { $gt: 20 },
    });
    await filter.getByLabel('Filter as JSON').fill('{"amount": {"$above": 20}}');
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    await filter.getByText('Is not an operator of a path').first().waitFor();
    await filter.getByLabel('Filter as JSON').fill('{"$or": [{"amount": 12}, {"amount": {"$gt": 20}}]}');
    await filter.getByText('2 of the newest 4 events would be sent').waitFor();
    await page.getByRole('button', { name: 'Add endpoint' }).click();
    await page.getByRole('button', { name: 'Go to the endpoint' }).click();
    const match = part(page, 'Which events does it get?');
    await match.getByRole('button', { name: 'Check recent events' }).click();
    await match.getByText('2 of the newest 4 events would be sent').waitFor();
    await match.getByText('The filter does not let the payload pass, at $or.').waitFor();
    expect(receiver.requests).toHaveLength(sent);
  });

  it('change only what was edited: values that are kept secret stay', async () => {
    const { id } = await createEndpoint(t, receiver.url, {
      tenant: 'edited',
      headers: { 'x-api-key': 'confidential-value' },
      basic_auth: { username: 'shop', password: 'confidential-word' },
      retry_schedule: [30, 3_600],
    });
    const page = await open(`/endpoints/${id}/edit`);
    await page.getByLabel('Description').fill('The shop');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.waitForURL(`**/endpoints/${id}`);
    await part(page, 'Details').getByText('The shop').waitFor();
    await part(page, 'Details').getByText('after 30 s, 1 h').waitFor();
    const { deliveries } = await postEvent(t, { tenant: 'edited' });
    await deliveryIn(t, deliveries[0]!.id);
    expect(receiver.requests.at(-1)!.headers).toMatchObject({
      'x-api-key': 'confidential-value',
      authorization: `Basic ${btoa('shop:confidential-word')}`,
    });

    await page.getByRole('link', { name: 'Edit', exact: true }).click();
    await page.getByRole('button', { name: /^Request/ }).click();
    await page.getByRole('button', { name: 'Add header' }).click();
    await page.getByLabel('Name of header 2').fill('x-more');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.getByText('Stored values are not shown.').waitFor();
    await page.getByLabel('Value of header 1').fill('another-value');
    await page.getByLabel('Value of header 2').fill('more');
    await takePictures(page, 'endpoint-edit');
    await page.getByRole('button', { name: 'Save changes' }).click();
    await page.waitForURL(`**/endpoints/${id}`);
    expect(await endpointOf(id)).toMatchObject({ headers: { 'x-api-key': '****', 'x-more': '****' } });
  });

  it('pause, resume, disable and delete an endpoint, and say what is held', async () => {
    const { id } = await createEndpoint(t, receiver.url, { tenant: 'paused' });
    const page = await open(`/endpoints/${id}`);
    await reason(page, 'Pause', 'maintenance until 14:00');
    await page.getByText('Paused by hand. Nothing is sent to it.').waitFor();
    const { deliveries } = await postEvent(t, { tenant: 'paused' });
    await deliveryIn(t, deliveries[0]!.id, ['HELD']);
    await page.reload();
    await page.getByRole('link', { name: '1 held deliveries' }).waitFor();
    await takePictures(page, 'endpoint-paused');
    await reason(page, 'Resume', '');
    expect((await deliveryIn(t, deliveries[0]!.id)).status).toBe('DELIVERED');
    await reason(page, 'Disable', 'not in use');
    await page.getByText('Disabled by hand.').waitFor();
    const audit = await t.call<{ data: { action: string; reason: string | null }[] }>(
      'GET',
      `/v1/audit?object=${id}`,
    );
    expect(audit.body.data.map(({ reason }) => reason)).toEqual([
      'not in use',
      null,
      'maintenance until 14:00',
      null,
    ]);

    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByRole('button', { name: 'Delete' }).isDisabled()).toBe(true);
    await dialog.getByRole('textbox').fill(new URL(receiver.url).host);
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.waitForURL('**/endpoints');
    expect((await t.call('GET', `/v1/endpoints/${id}`)).status).toBe(404);
  });

  it('reveal secrets for a minute, and rotate them with an overlap', async () => {
    const { id, secret } = await createEndpoint(t, receiver.url, { tenant: 'rotated' });
    const page = await open(`/endpoints/${id}`);
    const section = part(page, 'Signing secret');
    await section.getByRole('button', { name: 'Reveal' }).click();
    await section.getByText(secret).waitFor();
    await page.clock.install();
    await section.getByRole('button', { name: 'Hide' }).click();
    await section.getByRole('button', { name: 'Reveal' }).click();
    await section.getByText(secret).waitFor();
    await page.clock.fastForward(61_000);
    await section.getByText(secret).waitFor({ state: 'hidden' });

    await section.getByRole('button', { name: 'Rotate secret' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('nothing is refused while the receiver changes over').waitFor();
    await takePictures(page, 'endpoint-rotate');
    await dialog.getByRole('button', { name: 'Rotate secret' }).click();
    await section.getByText(secret).waitFor();
    expect(await section.locator('code').count()).toBe(2);
    await section.getByText(/Older, of .* signs until/).waitFor();
  });

  it('hide the revealed secret of an endpoint on the page of the next one', async () => {
    const [next, shown] = [
      await createEndpoint(t, `${receiver.url}/next`, { tenant: 'revealed' }),
      await createEndpoint(t, `${receiver.url}/shown`, { tenant: 'revealed' }),
    ];
    const page = await open(`/endpoints/${next.id}`);
    await part(page, 'Signing secret').waitFor();
    await page.getByRole('navigation').getByRole('link', { name: 'Endpoints' }).click();
    await page.getByRole('table', { name: 'Endpoints' }).getByRole('link', { name: '/shown' }).click();
    await page.waitForURL(`**/endpoints/${shown.id}`);
    await part(page, 'Signing secret').getByRole('button', { name: 'Reveal' }).click();
    await page.getByText(shown.secret).waitFor();
    // One step of the history, to a page that is in the cache.
    await page.evaluate('history.go(-2)');
    await page.getByRole('heading', { level: 1, name: '/next' }).waitFor();
    expect(await page.getByText(shown.secret).count()).toBe(0);
    await part(page, 'Signing secret').getByRole('button', { name: 'Reveal' }).click();
    await page.getByText(next.secret).waitFor();
  });

  it('show texts of users as texts, wide and narrow', async () => {
    const { id } = await createEndpoint(t, `${receiver.url}?q=${HOSTILE}`, {
      tenant: HOSTILE.replaceAll('.', ''),
      description: HOSTILE,
      metadata: { [HOSTILE.slice(0, 40)]: HOSTILE },
      filter: { [HOSTILE]: { $ne: HOSTILE } },
    });
    receiver.setBehaviour(() => ({ status: 500, body: HOSTILE }));
    const page = await open('/endpoints');
    const link = page.getByRole('link', { name: 'onerror=alert(1)' });
    await link.first().waitFor();
    await page.getByText('no attempts').first().waitFor();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await takePictures(page, 'endpoints');
    await page.goto(`${t.service.url}/endpoints/${id}`);
    await page.getByText(HOSTILE, { exact: true }).first().waitFor();
    await page.getByRole('button', { name: 'Send test' }).click();
    await page.getByRole('status').getByText('The test failed').waitFor();
    expect(await part(page, 'Answer').locator('pre').innerText()).toBe(HOSTILE);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    await takePictures(page, 'endpoint');
    await page.setViewportSize({ width: 360, height: 740 });
    // Text areas follow the width a moment later.
    await page.waitForFunction(
      'document.documentElement.scrollWidth <= document.documentElement.clientWidth',
    );
    await page.goto(`${t.service.url}/endpoints/${id}/edit`);
    await page.getByRole('textbox', { name: 'Field of the payload' }).waitFor();
    await expectNoSidewaysScroll(page);
  });

  it('offer a viewer nothing that the viewer may not do', async () => {
    const { id } = await createEndpoint(t, receiver.url, { tenant: 'seen' });
    const { key } = await createKey(t, 'viewer');
    const page = await open('/endpoints', { key });
    await page.getByRole('table', { name: 'Endpoints' }).waitFor();
    expect(await page.getByRole('link', { name: 'Add endpoint' }).count()).toBe(0);
    await page.goto(`${t.service.url}/endpoints/${id}`);
    await part(page, 'Details').waitFor();
    for (const name of ['Pause', 'Disable', 'Delete', 'Send test', 'Reveal'])
      expect(await page.getByRole('button', { name }).count()).toBe(0);
  });

  it('say to an operator that only an admin may add and change them', async () => {
    const { id } = await createEndpoint(t, receiver.url, { tenant: 'operated' });
    const { key } = await createKey(t, 'operator');
    const page = await open('/endpoints/new', { key });
    await page.getByText('Only the role admin may').waitFor();
    await page.goto(`${t.service.url}/endpoints/${id}/edit`);
    await page.getByText('Only the role admin may').waitFor();
    expect(await page.getByRole('textbox', { name: 'URL' }).count()).toBe(0);
    const { key: ofNewTenant } = await createKey(t, 'operator', 'operated-later');
    const first = await open('/', { key: ofNewTenant });
    await first.getByText('Your role is operator: ask someone with the role admin.').waitFor();
    expect(await first.getByRole('link', { name: 'Add an endpoint' }).count()).toBe(0);
  });
});
