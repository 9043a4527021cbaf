import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { operations } from '../support/conformance.js';
import { startTestService, type TestService } from '../support/service.js';

const CHROMIUM = ['/usr/bin/chromium', '/usr/bin/google-chrome'].find(existsSync);

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

test('the reference page and its script come from this host alone, and may not be framed', async () => {
  const page = await fetch(`${t.service.url}/docs`);
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
  const policy = page.headers.get('content-security-policy')!.split(';');
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("script-src 'self'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(await page.text()).not.toMatch(/https?:|<script>|\son\w+=/);
  for (const encoding of ['gzip', 'identity']) {
    const headers = { 'accept-encoding': encoding };
    const script = await fetch(`${t.service.url}/docs/rapidoc.js`, { headers });
    expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8');
    expect(script.headers.get('content-encoding')).toBe(encoding === 'gzip' ? 'gzip' : null);
    expect(await script.text()).toContain('rapi-doc');
  }
});

test.skipIf(!CHROMIUM)('a browser shows every operation, and asks no other host', async () => {
  let browser: Browser | undefined;
  try {
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] });
    const page = await browser.newPage();
    const requests: string[] = [];
    const faults: string[] = [];
    page.on('request', (request) => void requests.push(request.url()));
    page.on('console', (message) => void (message.type() === 'error' && faults.push(message.text())));
    page.on('pageerror', (error) => void faults.push(error.message));
    await page.goto(`${t.service.url}/docs`);
    for (const { path } of operations) await page.getByText(path, { exact: true }).first().waitFor();
    await page.locator('[id="link-get-/v1/batches/-id-/items"]').click();
    await page.getByText('List the items of a replay batch').first().waitFor();
    expect(faults).toEqual([]);
    const hosts = new Set(
      requests.filter((url) => !url.startsWith('data:')).map((url) => new URL(url).origin),
    );
    expect([...hosts]).toEqual([t.service.url]);
  } finally {
    await browser?.close();
  }
});
