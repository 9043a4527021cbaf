import { expect, it } from 'vitest';
import { createKey } from '../support/api-keys.js';
import {
  describeInBrowser,
  expectAccessible,
  expectNoSidewaysScroll,
  takePictures,
} from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { createEndpoint } from '../support/path.js';
import { ADMIN_KEY, ENCRYPTION_KEY, eventually } from '../support/service.js';

const EVIL = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
const WIDE = { width: 1440, height: 900 };

describeInBrowser('administration', () => {
  const { t, open } = useDashboard();

  it('makes an API key that is shown once, works, and is refused once it is revoked', async () => {
    const page = await open('/api-keys');
    await page.getByText('There is only the admin key').waitFor();
    await page.getByRole('button', { name: 'New key' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByRole('textbox', { name: 'Name' }).fill('admin');
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    await dialog.getByText('Is reserved.').waitFor();
    await dialog.getByRole('textbox', { name: 'Name' }).fill('shop');
    await dialog.getByRole('radio', { name: 'viewer' }).check();
    await dialog.getByRole('combobox', { name: 'Tenant' }).fill('acme');
    await dialog.getByRole('textbox', { name: 'Requests per second' }).fill('50');
    await takePictures(page, 'api-keys-new');
    await page.setViewportSize(WIDE);
    await dialog.getByRole('button', { name: 'Make the key' }).click();
    const key = await dialog.getByRole('group', { name: 'Key shop' }).locator('pre').innerText();
    await dialog.getByText(`curl -H 'Authorization: Bearer ${key}'`).waitFor();
    // The key stays in sight until it is copied.
    await page.keyboard.press('Escape');
    await expectAccessible(page);
    await takePictures(page, 'api-keys-made');
    await page.setViewportSize(WIDE);
    const list = `${t.service.url!}/v1/deliveries`;
    const answer = () => fetch(list, { headers: { authorization: `Bearer ${key}` } });
    expect((await answer()).status).toBe(200);
    await dialog.getByRole('button', { name: 'I have copied it' }).click();
    await dialog.waitFor({ state: 'hidden' });
    const row = page.getByRole('row').filter({ hasText: 'shop' });
    await row.getByText('50 per second').waitFor();
    expect(await page.getByText(key).count()).toBe(0);
    await takePictures(page, 'api-keys');
    await page.setViewportSize(WIDE);

    await row.getByRole('button', { name: 'Revoke' }).click();
    expect((await answer()).status).toBe(200);
    await page.getByRole('dialog').getByRole('textbox', { name: 'Reason' }).fill(EVIL);
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await row.getByText(/^revoked/).waitFor();
    await eventually(async () => (await answer()).status === 401);
    expect(await row.getByRole('button', { name: 'Revoke' }).count()).toBe(0);
    await expectNoSidewaysScroll(page);
  });

  it('the audit shows who changed which field, from what to what', async () => {
    const { id } = await createEndpoint(t, 'https://shop.example/hook', {
      tenant: 'acme',
      description: 'old',
    });
    await t.call('PATCH', `/v1/endpoints/${id}`, { description: EVIL, timeout_ms: 7_000 });
    const page = await open(`/audit?object=${id}`);
    const row = page.getByRole('row').filter({ hasText: 'Changed an endpoint' });
    await row.getByText(EVIL).waitFor();
    await takePictures(page, 'audit');
    await expectNoSidewaysScroll(page);
    await page.setViewportSize(WIDE);
    await row.getByRole('button', { name: 'Changed an endpoint' }).focus();
    await page.keyboard.press('Space');
    const diff = page.getByRole('dialog').getByRole('table', { name: 'Before and after' });
    await diff.getByRole('row', { name: `description old ${EVIL}` }).waitFor();
    expect(await diff.getByRole('row').filter({ hasText: 'timeout_ms' }).innerText()).toContain('7000');
    expect(await diff.getByRole('row').count()).toBe(3);
    await expectAccessible(page);
    await takePictures(page, 'audit-entry');
    await page.setViewportSize(WIDE);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });

    await page.getByRole('button', { name: 'Clear' }).click();
    const changes = page.getByRole('table', { name: 'Changes' }).getByRole('button');
    await expect.poll(() => changes.count()).toBeGreaterThan(1);
    await changes.nth(0).focus();
    await page.keyboard.press('ArrowDown');
    expect(await changes.nth(1).and(page.locator(':focus')).count()).toBe(1);
    await page.getByRole('textbox', { name: 'Who' }).fill('nobody');
    await page.getByText('No change matches these filters').waitFor();
    expect(new URL(page.url()).search).toBe('?actor=nobody');
    await page.reload();
    await page.getByText('No change matches these filters').waitFor();
    await page.getByRole('textbox', { name: 'Who' }).fill('admin');
    await page.getByText(EVIL).first().waitFor();
  });

  it('the settings show what is configured, and of secrets only whether they are set', async () => {
    const page = await open('/settings');
    const limits = page.getByRole('region', { name: 'Limits' });
    await limits.getByText('256 KiB').waitFor();
    await page.getByRole('region', { name: 'Requests to receivers' }).getByText('127.0.0.0/8').waitFor();
    await page.getByRole('region', { name: 'Processes' }).getByText('running').waitFor();
    const text = await page.locator('body').innerText();
    for (const secret of [ADMIN_KEY, ENCRYPTION_KEY, new URL(t.databaseUrl).password])
      if (secret !== '') expect(text).not.toContain(secret);
    await expectAccessible(page);
    await takePictures(page, 'settings');
    await expectNoSidewaysScroll(page);
  });

  it('a viewer sees neither keys nor settings, and can make and revoke nothing', async () => {
    const { key } = await createKey(t, 'viewer');
    const page = await open('/api-keys', { key });
    await page.getByText('API keys are for admins').waitFor();
    expect(await page.getByRole('button', { name: 'New key' }).count()).toBe(0);
    expect(await page.getByRole('button', { name: 'Revoke' }).count()).toBe(0);
    await page.getByRole('link', { name: 'Settings' }).click();
    await page.getByText('Settings are for operators').waitFor();
  });
});
