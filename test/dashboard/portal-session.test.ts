import { once } from 'node:events';
import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Locator } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeInBrowser, launchBrowser, openPage } from '../support/browser.js';
import { createSession, revoke, sessionOf } from '../support/portal.js';
import { goTo, openPortalPage } from '../support/portal-page.js';
import { startTestService, type TestService } from '../support/service.js';

const THEME =
  ':root { --portal-primary: rgb(160, 30, 90); --portal-surface: rgb(255, 250, 240); --portal-radius: 3px; }';

interface Embedder {
  origin: string;
  /** Its page embeds this URL from now on. */
  embed(url: string): void;
  close(): Promise<void>;
}

/** The page of a product that shows the portal. For browsers, `localhost` is another site than the portal's 127.0.0.1. */
async function startEmbedder(host = '127.0.0.1'): Promise<Embedder> {
  let src = '';
  const server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html');
    response.end(
      `<!doctype html><title>Shop</title><iframe title="Webhooks" width="900" height="600" src="${src}"></iframe>`,
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://${host}:${(server.address() as AddressInfo).port}`,
    embed: (url) => void (src = url),
    close: () => new Promise((done) => server.close(() => done())),
  };
}

interface Styles {
  getComputedStyle(element: unknown): Record<string, string>;
}
const styleOf = (element: Locator, name: string) =>
  element.evaluate((node, key) => (globalThis as unknown as Styles).getComputedStyle(node)[key], name);

describeInBrowser('a session of the customer portal', () => {
  let t: TestService;
  let browser: Browser;
  let allowed: Embedder;
  let otherSite: Embedder;
  let stranger: Embedder;
  let dir: string;

  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'surehook-theme-'));
    await writeFile(join(dir, 'theme.css'), THEME);
    [allowed, otherSite, stranger] = await Promise.all([
      startEmbedder(),
      startEmbedder('localhost'),
      startEmbedder(),
    ]);
    browser = await launchBrowser();
    t = await startTestService({
      workflows: 'none',
      portal: { ancestors: [allowed.origin, otherSite.origin], css: join(dir, 'theme.css') },
    });
  });
  afterAll(async () => {
    await Promise.all([browser?.close(), allowed?.close(), otherSite?.close(), stranger?.close(), t?.stop()]);
    await rm(dir, { recursive: true });
  });

  const linkTo = async () => `${t.service.url!}/portal#${(await createSession(t)).code}`;

  it('shows its end while the page is open, with the way back', async () => {
    const return_url = 'https://shop.example/settings';
    const { page, id } = await openPortalPage(browser, t, { return_url });
    await revoke(t, id);
    await page.getByRole('heading', { name: 'Your session has ended' }).waitFor();
    const back = page.getByRole('link', { name: 'Back to shop.example' });
    expect(await back.getAttribute('href')).toBe(return_url);
    await page.reload();
    await page.getByRole('heading', { name: 'Open this page by its link' }).waitFor();
  });

  it('ends for good by signing out', async () => {
    const { page, id } = await openPortalPage(browser, t);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByRole('heading', { name: 'You are signed out' }).waitFor();
    expect((await sessionOf(t, id)).body.revoked_at).not.toBeNull();
    expect(await page.evaluate('sessionStorage.length')).toBe(0);
  });

  it('gives way to that of a new link in the same frame', async () => {
    const { page } = await openPortalPage(browser, t, { tenant: 'first' });
    const { code } = await createSession(t, { tenant: 'second' });
    await goTo(page, code);
    await page.getByText('second', { exact: true }).waitFor();
    expect(await page.getByText('first', { exact: true }).count()).toBe(0);
    expect(page.url()).not.toContain(code);
  });

  it('is that of the newer link where an older one is answered later', async () => {
    const [first, second] = [
      await createSession(t, { tenant: 'older' }),
      await createSession(t, { tenant: 'newer' }),
    ];
    const { page } = await openPage(browser, t.service.url!, '/portal', { key: null });
    let letFirstCome = () => {};
    const mayCome = new Promise<void>((done) => (letFirstCome = done));
    const redeem = '**/v1/portal-sessions/redeem';
    await page.route(redeem, async (route) => {
      if (route.request().postData()!.includes(first.code)) await mayCome;
      await route.continue();
    });
    const asked = page.waitForRequest(redeem);
    await goTo(page, first.code);
    await asked;
    await goTo(page, second.code);
    await page.getByText('newer', { exact: true }).waitFor();
    const late = page.waitForResponse(redeem);
    letFirstCome();
    await (await late).finished();
    await page.reload();
    await page.getByText('newer', { exact: true }).waitFor();
    expect(await page.getByText('older', { exact: true }).count()).toBe(0);
  });

  it('says so where the answer to its link is not one of the API', async () => {
    const { page } = await openPage(browser, t.service.url!, '/portal', { key: null });
    await page.route('**/v1/portal-sessions/redeem', (route) =>
      route.fulfill({ body: 'Welcome to the hotel' }),
    );
    await goTo(page, (await createSession(t)).code);
    await page.getByRole('heading', { name: 'This page cannot be opened now' }).waitFor();
    await page.unroute('**/v1/portal-sessions/redeem');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('navigation', { name: 'Pages' }).waitFor();
  });

  it('does not use the session of an operator in the same browser', async () => {
    const { page } = await openPage(browser, t.service.url!, '/portal');
    await page.getByRole('heading', { name: 'Open this page by its link' }).waitFor();
  });

  it('works in a frame of an allowed origin, also after a reload, and has the colors of the theme', async () => {
    allowed.embed(await linkTo());
    const page = await browser.newPage();
    await page.goto(allowed.origin);
    const frame = page.frameLocator('iframe');
    const add = frame.getByRole('link', { name: 'Add endpoint' });
    await add.waitFor();
    expect(await styleOf(add, 'backgroundColor')).toBe('rgb(160, 30, 90)');
    expect(await styleOf(add, 'borderRadius')).toBe('3px');
    const surface = await styleOf(frame.getByRole('button', { name: 'Sign out' }), 'backgroundColor');
    expect(surface).toBe('rgb(255, 250, 240)');
    // The parent's page still has the used link: its frame goes on with its session.
    await page.reload();
    await add.waitFor();
  });

  it('works in a frame of a browser that keeps nothing for frames of other sites', async () => {
    otherSite.embed(await linkTo());
    const page = await browser.newPage();
    await page.addInitScript(
      `Object.defineProperty(window, 'sessionStorage', { get() { throw new DOMException('', 'SecurityError'); } })`,
    );
    await page.goto(otherSite.origin);
    await page.frameLocator('iframe').getByRole('link', { name: 'Add endpoint' }).waitFor();
  });

  it('is refused in a frame of another origin', async () => {
    stranger.embed(await linkTo());
    const page = await browser.newPage();
    const refusals: string[] = [];
    page.on('console', (message) => void refusals.push(message.text()));
    await page.goto(stranger.origin);
    await expect.poll(() => refusals.join(), { timeout: 20_000 }).toContain('frame-ancestors');
    expect(await page.frameLocator('iframe').getByText('Endpoints').count()).toBe(0);
  });
});
