import { expect, it } from 'vitest';
import { createKey } from '../support/api-keys.js';
import { describeInBrowser } from '../support/browser.js';
import { useDashboard } from '../support/dashboard.js';
import { ADMIN_KEY } from '../support/service.js';

describeInBrowser('the sign-in', () => {
  const { t, open } = useDashboard({ service: { workflows: 'all' } });

  it('says why a key is refused, and leads a right one to the page that was asked for', async () => {
    const page = await open('/tenants?view=new', { key: null });
    const key = page.getByLabel('API key', { exact: true });
    await key.fill('shk_wrong');
    await key.press('Enter');
    await page.getByRole('alert').getByText('This API key is not known.').waitFor();
    await key.fill(ADMIN_KEY);
    await key.press('Enter');
    await page.getByRole('heading', { name: 'New tenant' }).waitFor();
    expect(new URL(page.url()).pathname).toBe('/tenants');
    // Neither scripts nor storage have the key.
    const stored = await page.evaluate<string>(
      'JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie])',
    );
    expect(stored).not.toContain(ADMIN_KEY);
    expect(stored).not.toContain('surehook_session');
  });

  it('signs out at once, for good, and shows the next key nothing of the one before', async () => {
    await t.call('POST', '/v1/tenants', { id: 'secretive' });
    await t.call('POST', '/v1/tenants', { id: 'other' });
    const viewer = await createKey(t, 'viewer', 'other');
    const page = await open('/tenants');
    await page.getByText('secretive').first().waitFor();
    const cookies = await page.context().cookies();
    await page.getByRole('button', { name: 'Account: admin' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    const key = page.getByLabel('API key', { exact: true });
    await key.waitFor();
    expect(await page.getByText('secretive').count()).toBe(0);
    // A copy of the cookie is refused, too.
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    expect((await fetch(`${t.service.url}/session`, { headers: { cookie } })).status).toBe(401);
    await page.goBack();
    await key.waitFor();
    await key.fill(viewer.key);
    await key.press('Enter');
    await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Tenants' }).click();
    await page.getByText('other').first().waitFor();
    expect(await page.getByText('secretive').count()).toBe(0);
  });
});
