import { beforeAll, expect, it } from 'vitest';
import { createKey } from '../support/api-keys.js';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';

const HOSTILE = 'wrong URLs <img src=x onerror=alert(1)>"><script>alert(2)</script>';

describeInBrowser('the kill switch', () => {
  const { t, receiver, open } = useDashboard();

  beforeAll(async () => {
    for (const tenant of ['acme', 'globex']) await createEndpoint(t, `${receiver.url}/hook`, { tenant });
    const { deliveries } = await postEvent(t, { tenant: 'acme' });
    await deliveryIn(t, deliveries[0]!.id);
  });

  const control = async () =>
    (await t.call<{ paused: boolean; pauses: unknown[] }>('GET', '/v1/control')).body;
  const post = async (tenant: string) => (await postEvent(t, { tenant })).deliveries[0]!.id;

  it('needs a reason, holds all deliveries, shows on every open page, and resumes after a confirmation', async () => {
    const other = await open('/deliveries', { key: (await createKey(t, 'viewer')).key });
    const page = await open('/');
    await page.getByRole('button', { name: 'Pause everything' }).click();
    const dialog = page.getByRole('dialog', { name: 'Pause everything' });
    await dialog.getByText('No delivery is waiting now.').waitFor();
    await dialog.getByRole('button', { name: 'Pause everything' }).click();
    await dialog.getByText('a reason is required').waitFor();
    expect(await control()).toMatchObject({ paused: false });
    await expectAccessible(page);
    await takePictures(page, 'kill-switch-dialog');

    await dialog.getByLabel('Reason').fill(HOSTILE);
    await dialog.getByRole('button', { name: 'Pause everything' }).click();
    await page.getByRole('alert').getByText(HOSTILE).waitFor();
    await other.getByRole('alert').getByText(HOSTILE).waitFor();
    expect(await other.getByRole('button', { name: 'Resume everything' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Pause everything' }).count()).toBe(0);
    const before = receiver.requests.length;
    const id = await post('acme');
    expect((await deliveryIn(t, id, ['HELD'])).status_reason).toContain(HOSTILE);
    await page.getByRole('region', { name: 'Now' }).getByRole('link', { name: '1', exact: true }).waitFor();
    await takePictures(page, 'kill-switch-banner');
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    expect(receiver.requests).toHaveLength(before);

    await page.getByRole('alert').getByRole('button', { name: 'Resume everything' }).click();
    const confirm = page.getByRole('dialog', { name: 'Resume everything' });
    await confirm.getByText('100 in the first second').waitFor();
    expect(await control()).toMatchObject({ paused: true });
    await confirm.getByRole('button', { name: 'Resume everything' }).click();
    expect((await deliveryIn(t, id)).status).toBe('DELIVERED');
    for (const one of [page, other]) await one.getByRole('alert').waitFor({ state: 'hidden' });
  });

  it('is in the command palette, too, with its dialogs', async () => {
    const page = await open('/endpoints');
    const choose = async (name: string) => {
      await page.getByRole('button', { name: 'Go to' }).click();
      await page.getByRole('textbox', { name: 'Page, or an id' }).fill(name);
      await page
        .getByRole('dialog')
        .getByRole('button', { name: new RegExp(`^${name}`) })
        .click();
    };
    await choose('Pause everything');
    const dialog = page.getByRole('dialog', { name: 'Pause everything' });
    await dialog.getByLabel('Reason').fill('from the palette');
    await dialog.getByRole('button', { name: 'Pause everything' }).click();
    const banner = page.getByRole('alert').filter({ hasText: 'from the palette' });
    await banner.waitFor();
    await choose('Resume everything');
    const confirm = page.getByRole('dialog', { name: 'Resume everything' });
    await confirm.getByRole('button', { name: 'Resume everything' }).click();
    await banner.waitFor({ state: 'hidden' });
    expect(await control()).toMatchObject({ paused: false });
  });

  it('opens the palette by Ctrl+K, which goes to a page and to an object without a mouse', async () => {
    const id = await post('globex');
    const page = await open('/endpoints');
    await page.getByRole('table', { name: 'Endpoints' }).waitFor();
    const field = page.getByRole('textbox', { name: 'Page, or an id' });
    const goTo = async (text: string) => {
      await page.keyboard.press('Control+k');
      await field.and(page.locator(':focus')).waitFor();
      await page.keyboard.type(text);
      await page.getByRole('dialog').getByRole('button').first().waitFor();
      await page.keyboard.press('Enter');
      await field.waitFor({ state: 'hidden' });
    };
    await goTo('Audit');
    await page.getByRole('heading', { level: 1, name: 'Audit' }).waitFor();
    await goTo(id);
    await page.getByRole('heading', { name: 'Delivery of order.created' }).waitFor();
    await page.keyboard.press('Control+k');
    await field.waitFor();
    await page.keyboard.press('Escape');
    await field.waitFor({ state: 'hidden' });
  });

  it('lists the tenants that are paused, and resumes one of them', async () => {
    for (const tenant of ['acme', 'globex'])
      await t.call('POST', '/v1/control/pause', {
        scope: 'tenant',
        tenant,
        reason: `${tenant} asked for it`,
      });
    const id = await post('globex');
    await deliveryIn(t, id, ['HELD']);
    const page = await open('/');
    const row = page.getByRole('table', { name: 'Paused tenants' }).getByRole('row', { name: /globex/ });
    expect(await row.innerText()).toContain('globex asked for it');
    await row.getByRole('button', { name: 'Resume globex' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume globex' }).click();
    expect((await deliveryIn(t, id)).status).toBe('DELIVERED');
    await row.waitFor({ state: 'hidden' });
    expect((await control()).pauses).toMatchObject([{ tenant: 'acme' }]);
  });

  it('is offered to none but operators above the tenants; others see what is paused of theirs', async () => {
    const page = await open('/', { key: (await createKey(t, 'operator', 'acme')).key });
    await page.getByRole('alert', { name: 'The tenant acme is paused' }).waitFor();
    await page.getByRole('region', { name: 'Per second' }).waitFor();
    expect(await page.getByRole('button', { name: 'Pause everything' }).count()).toBe(0);
    const viewer = await open('/', { key: (await createKey(t, 'viewer')).key });
    await viewer.getByRole('table', { name: 'Paused tenants' }).waitFor();
    expect(await viewer.getByRole('button', { name: /Pause everything|Resume/ }).count()).toBe(0);
  });
});
