import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import axe from 'axe-core';
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { ADMIN_KEY } from './service.js';

export const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);

/** Suites that need a browser; left out where there is none. `.ci/run` installs one. */
export const describeInBrowser = describe.skipIf(!CHROMIUM);

export const launchBrowser = (): Promise<Browser> =>
  chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });

export interface PageOptions extends BrowserContextOptions {
  /** The API key that signs in; null: nobody signs in. */
  key?: string | null;
}

export interface OpenPage {
  page: Page;
  /** Errors of the page and of its console (also violations of the Content-Security-Policy), and requests to other hosts. */
  faults: string[];
}

/** A new page of a browser with cookies of its own, at a path. */
export async function openPage(
  browser: Browser,
  url: string,
  path: string,
  { key = ADMIN_KEY, ...options }: PageOptions = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ reducedMotion: 'reduce', ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30_000);
  const faults = watchFaults(page, url);
  if (key !== null) {
    const headers = { 'x-surehook-page': '1' };
    const answer = await context.request.post(`${url}/session`, { headers, data: { api_key: key } });
    if (!answer.ok()) throw new Error(`The sign-in was answered with ${answer.status()}.`);
  }
  await page.goto(url + path);
  return { page, faults };
}

function watchFaults(page: Page, url: string): string[] {
  const faults: string[] = [];
  // The browser's own line for an answer that is not 2xx is no fault of the page.
  const isAnswer = (text: string) => text.startsWith('Failed to load resource: the server responded');
  page.on('console', (message) => {
    if (message.type() === 'error' && !isAnswer(message.text())) faults.push(message.text());
  });
  page.on('pageerror', (error) => void faults.push(error.message));
  page.on('request', (request) => {
    const to = new URL(request.url());
    if (!['data:', 'blob:'].includes(to.protocol) && to.origin !== new URL(url).origin)
      faults.push(`request to ${to.origin}`);
  });
  return faults;
}

/** The serious findings of axe (WCAG 2.1 A and AA). `rules`: only these; null: all. */
export async function seriousFindings(page: Page, rules: string[] | null = null): Promise<string[]> {
  await page.evaluate(axe.source);
  return page.evaluate(async (rules) => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run({
      runOnly: rules ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'],
      resultTypes: ['violations'],
    });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`);
  }, rules);
}

/** Fails for each serious finding of axe. */
export async function expectAccessible(page: Page): Promise<void> {
  expect(await seriousFindings(page)).toEqual([]);
}

/** As if the user chose another tab, or this one again. */
export async function setVisibility(page: Page, state: 'hidden' | 'visible'): Promise<void> {
  await page.evaluate(
    `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
    document.dispatchEvent(new Event('visibilitychange', { bubbles: true }));`,
  );
}

/** By how many pixels the page is wider than the window. */
export function overWidth(page: Page): Promise<number> {
  const width = (of: string) => `document.documentElement.${of}Width`;
  return page.evaluate<number>(`${width('scroll')} - ${width('client')}`);
}

/** Fails where the page is wider than the window. */
export async function expectNoSidewaysScroll(page: Page): Promise<void> {
  await expect.poll(() => overWidth(page)).toBeLessThanOrEqual(0);
}

const SIZES = { wide: { width: 1440, height: 900 }, narrow: { width: 360, height: 740 } };

/** Pictures of a page, light and dark, wide and narrow, in the folder that PICTURES names; without it, none. */
export async function takePictures(page: Page, name: string): Promise<void> {
  const folder = process.env.PICTURES;
  if (!folder) return;
  await mkdir(folder, { recursive: true });
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      // A transition of colors, or of a layout that follows the width, has ended.
      await page.waitForTimeout(400);
      await page.screenshot({ path: `${folder}/${name}-${size}-${colorScheme}.png` });
    }
  }
}
