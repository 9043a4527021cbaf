import type { Browser, Page } from 'playwright-core';
import { openPage, type OpenPage } from './browser.js';
import { createSession } from './portal.js';
import type { TestService } from './service.js';

export interface PortalPage extends OpenPage {
  /** The portal session that the page has. */
  id: string;
  /** The link that opened it. */
  path: string;
}

/** Opens the link of a new portal session in a browser without cookies. */
export async function openPortalPage(
  browser: Browser,
  t: TestService,
  over: Record<string, unknown> = {},
): Promise<PortalPage> {
  const { id, code } = await createSession(t, over);
  const path = `/portal#${code}`;
  const opened = await openPage(browser, t.service.url!, path, { key: null });
  await opened.page.getByRole('navigation', { name: 'Pages' }).waitFor();
  return { ...opened, id, path };
}

/** Goes to a page of the portal, as an address that is typed does: what is behind the # changes. */
export const goTo = (page: Page, path: string): Promise<unknown> =>
  page.evaluate(`location.hash = ${JSON.stringify(path)}`);

/** Colors are inherited: the transition of an element begins when that of its parent has ended, a frame later. */
const CALM = `new Promise((done) => {
  let frames = 0;
  const look = () => {
    const isMoving = document.getAnimations().some((one) => one instanceof CSSTransition);
    frames = isMoving ? 0 : frames + 1;
    if (frames > 5) done();
    else requestAnimationFrame(look);
  };
  look();
})`;

/** Shows the page light or dark, and waits until its colors have changed. */
export async function changeScheme(page: Page, colorScheme: 'light' | 'dark'): Promise<void> {
  await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
  await page.locator(`html[data-mantine-color-scheme=${colorScheme}]`).waitFor({ state: 'attached' });
  await page.evaluate(CALM);
}
