import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest';
import type { ServiceOptions } from '../../src/bootstrap/service-options.js';
import { launchBrowser, openPage, type OpenPage, type PageOptions } from './browser.js';
import { openPortalPage, type PortalPage } from './portal-page.js';
import { startReceiver, type Behave, type Receiver } from './receiver.js';
import { startTestService, type TestService } from './service.js';

export interface Dashboard {
  t: TestService;
  receiver: Receiver;
  /** For a page that outlives a test, or is not one of the service. */
  browser: () => Browser;
  /** Opens a page of the dashboard for the rest of the test, which fails if the page has a fault. */
  open(path: string, options?: PageOptions): Promise<Page>;
  /** The same for a page of the customer portal, by the link of a new session. */
  openPortal(session?: Record<string, unknown>): Promise<PortalPage>;
}

export interface DashboardOptions {
  service?: Partial<ServiceOptions>;
  /** Each test begins with this reaction of the receiver. */
  behave?: Behave;
}

/** One service, receiver and browser for all tests of a suite. They can be used from its hooks and tests. */
export function useDashboard({
  service = { workflows: 'none' },
  behave = () => ({ status: 200 }),
}: DashboardOptions = {}): Dashboard {
  // Filled in by the hook, so that suites can destructure them before.
  const t = {} as TestService;
  const receiver = {} as Receiver;
  let browser: Browser | undefined;
  const opened: OpenPage[] = [];

  beforeAll(async () => {
    Object.assign(t, await startTestService(service));
    Object.assign(receiver, await startReceiver({ behave }));
    browser = await launchBrowser();
  });
  beforeEach(() => receiver.setBehaviour(behave));
  afterEach(async () => {
    const faults = opened.flatMap((one) => one.faults);
    for (const { page } of opened.splice(0)) await page.context().close();
    expect(faults).toEqual([]);
  });
  afterAll(async () => {
    await browser?.close();
    await Promise.all([t.stop?.(), receiver.close?.()]);
  });

  return {
    t,
    receiver,
    browser: () => browser!,
    async open(path, options) {
      const one = await openPage(browser!, t.service.url!, path, options);
      opened.push(one);
      return one.page;
    },
    async openPortal(session) {
      const one = await openPortalPage(browser!, t, session);
      opened.push(one);
      return one;
    },
  };
}
