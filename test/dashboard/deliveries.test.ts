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
import { seedDeliveries, seedOpen } from '../support/seed.js';

const isList = ({ pathname }: URL) => pathname === '/v1/deliveries';
const isNextPage = (url: URL) => isList(url) && url.searchParams.has('cursor');
const isFirstPage = (url: URL) => isList(url) && !url.searchParams.has('cursor');

describeInBrowser('deliveries in the dashboard', () => {
  /** Answers 503 until it is mended. */
  let isMended = false;
  const { t, receiver, open } = useDashboard({
    service: { workflows: 'none', retryScale: 1 },
    behave: ({ path }) =>
      path.endsWith('/failing') && !isMended
        ? { status: 503, headers: { 'retry-after': '3' }, body: 'the shop is closed' }
        : { status: 200, body: '{"ok":true}' },
  });
  const endpoint = (path: string, over = {}) => createEndpoint(t, receiver.url + path, over);

  it('shows a failing delivery through its retries without a reload', async () => {
    isMended = false;
    await endpoint('/failing', { tenant: 'failing' });
    const { deliveries } = await postEvent(t, { tenant: 'failing', type: 'order.created' });
    const page = await open(`/deliveries/${deliveries[0]!.id}`);
    const attempts = page.getByRole('list', { name: 'Attempts' }).getByRole('listitem');
    await attempts.filter({ hasText: 'Attempt 1' }).waitFor();
    await page.getByText(/answered 503\. Next attempt in .* because it sent Retry-After: 3/).waitFor();
    await page
      .getByRole('region', { name: 'State' })
      .getByText(/Next attempt in/)
      .waitFor();
    await page.getByRole('region', { name: 'State' }).getByText('Retrying', { exact: true }).waitFor();
    const parts = page.getByRole('main').getByRole('region', { name: /^(State|Attempts|Details)$/ });
    const names = (await parts.all()).map((one) => one.getAttribute('aria-label'));
    expect(await Promise.all(names)).toEqual(['State', 'Attempts', 'Details']);
    await expectAccessible(page);
    await takePictures(page, 'delivery-retrying');
    await attempts.filter({ hasText: 'Attempt 2' }).waitFor();
    isMended = true;
    await page.getByText(/The endpoint took it at attempt \d/).waitFor();
    expect(await attempts.first().textContent()).toContain('The delivery is done.');
    await page.getByText('Oldest first').click();
    expect(await attempts.first().textContent()).toContain('Attempt 1');
  });

  it('retries now, cancels, and retries what has ended as a new delivery', async () => {
    isMended = false;
    await endpoint('/failing', { tenant: 'acts', retry_schedule: [3600, 3600] });
    const { deliveries } = await postEvent(t, { tenant: 'acts' });
    const page = await open(`/deliveries/${deliveries[0]!.id}`);
    await page.getByText('Attempt 1').waitFor();
    await page.getByRole('button', { name: 'Retry now' }).click();
    await page.getByText('Attempt 2').waitFor();
    await page.goto(`${t.service.url}/events?tenant=acts`);
    await page.getByRole('row').getByText('Retrying', { exact: true }).waitFor();
    await page.goto(`${t.service.url}/deliveries?tenant=acts`);
    const row = page.getByRole('row').filter({ hasText: /Retrying\s*in \d+ (h|min)/ });
    await row.getByRole('link').click();
    await page.getByRole('button', { name: 'Cancel delivery' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel this delivery?' });
    await dialog.getByLabel('Reason (optional)').fill('wrong customer');
    await dialog.getByRole('button', { name: 'Cancel delivery' }).click();
    await page.getByRole('region', { name: 'State' }).getByText('wrong customer').waitFor();
    isMended = true;
    await page.getByRole('button', { name: 'Retry', exact: true }).click();
    await page.getByText('Repeats the delivery').waitFor();
    expect(page.url()).not.toContain(deliveries[0]!.id);
    await page.getByText('The endpoint took it at the first attempt.').waitFor();
  });

  it('shows the digits of big numbers, and a command and a signature that are right', async () => {
    const { secret } = await endpoint('/exact', { tenant: 'exact' });
    const payload = `{"amount": 12345678901234567890.10, "it's": "$(id) \`x\`", "list": []}`;
    const { id, deliveries } = await postEventText('exact', payload);
    await deliveryIn(t, deliveries[0]!.id);
    const page = await open(`/events/${id}`);
    const text = page.getByRole('region', { name: 'payload', exact: true });
    expect(await text.textContent()).toContain('  "amount": 12345678901234567890.10,');
    await page.getByText('As sent').click();
    expect(await text.textContent()).toBe(payload);
    await expectAccessible(page);
    await takePictures(page, 'event');
    await page.getByRole('table', { name: 'Deliveries of the event' }).getByRole('link').first().click();
    await page.getByRole('tab', { name: 'Request' }).click();
    const command = await page.getByRole('region', { name: 'curl command' }).textContent();
    expect(command).toContain(`--data-raw '${payload.replaceAll("'", `'\\''`)}'`);
    expect(command).not.toContain('[redacted]');
    await takePictures(page, 'delivery-request');
    await page.getByRole('tab', { name: 'Timing' }).click();
    await page.getByRole('table', { name: 'Timing' }).getByText('First byte').waitFor();
    await page.getByRole('tab', { name: 'Signature' }).click();
    await page.getByRole('button', { name: 'Compute the signature' }).click();
    const [sent] = receiver.requests.filter(({ path }) => path.endsWith('/exact'));
    verified(secret, sent!);
    await page.getByText(sent!.headers['webhook-signature'] as string).waitFor();
    await takePictures(page, 'delivery-signature');
  });

  it('checks an ed25519 signature by the public key alone, or says that the browser cannot', async () => {
    await endpoint('/ed25519', { tenant: 'ed25519', signature: 'ed25519' });
    const { deliveries } = await postEvent(t, { tenant: 'ed25519', payload: { price: '5 €' } });
    await deliveryIn(t, deliveries[0]!.id);
    const { key } = await createKey(t, 'viewer');
    const page = await open(`/deliveries/${deliveries[0]!.id}`, { key });
    await page.getByRole('tab', { name: 'Signature' }).click();
    const received = page.getByLabel('The webhook-signature that the receiver got');
    const [sent] = receiver.requests.filter(({ path }) => path.endsWith('/ed25519'));
    const signature = sent!.headers['webhook-signature'] as string;
    await received.fill(signature);
    await page.getByText('It matches.').waitFor();
    await takePictures(page, 'delivery-ed25519');
    await expectAccessible(page);
    const other = signature.startsWith('v1a,A') ? 'B' : 'A';
    await received.fill(signature.replace(/(?<=v1a,)./, other));
    await page.getByText('No match: another key').waitFor();
    await page.evaluate(
      `crypto.subtle.importKey = () => Promise.reject(new DOMException('none', 'NotSupportedError'))`,
    );
    await received.fill(signature);
    await page.getByRole('alert').getByText('This browser cannot check ed25519 signatures.').waitFor();
  });

  it('shows text of users as text, wherever it comes from', async () => {
    const attack = '<img src=x onerror=alert(1)>"><script>alert(2)</script>';
    receiver.setBehaviour(() => ({ status: 400, headers: { 'x-answer': attack }, body: attack }));
    const type = 'evil."><script>alert(1)</script>';
    const { id } = await createEndpoint(t, `${receiver.url}/<svg/onload=alert(3)>?"'`, {
      ...{ tenant: 'evil', description: attack, headers: { 'x-own': `${attack} own` } },
    });
    const body = {
      type,
      tenant: 'evil',
      payload: { [attack]: attack },
      headers: { 'x-event': attack },
      idempotency_key: attack,
    };
    const posted = await postEvent(t, body);
    const delivery = await deliveryIn(t, posted.deliveries[0]!.id);
    expect(delivery.endpoint_id).toBe(id);
    const page = await open('/deliveries');
    await page.getByRole('link', { name: type }).click();
    await page.getByRole('region', { name: 'body of the answer' }).filter({ hasText: attack }).waitFor();
    await page.getByRole('table', { name: 'Headers of the answer' }).getByText(attack).waitFor();
    await page.getByRole('tab', { name: 'Request' }).click();
    await page.getByRole('table', { name: 'Headers of the request' }).getByText(attack).waitFor();
    await page.getByText('/<svg/onload=alert(3)>').first().waitFor();
    await page.getByRole('tab', { name: 'Signature' }).click();
    await page.getByRole('region', { name: 'signed text' }).filter({ hasText: 'onerror' }).waitFor();
    await page.goto(`${t.service.url}/events/${posted.id}`);
    await page.getByRole('region', { name: 'payload', exact: true }).filter({ hasText: 'onerror' }).waitFor();
    await page.goto(`${t.service.url}/events`);
    await page.getByRole('table', { name: 'Events' }).getByText(attack).waitFor();
    expect(await page.locator('main img, main script, main svg[onload]').count()).toBe(0);
  });

  it('keeps filters in the URL through reload and Back, with the place in the list', async () => {
    const { id } = await endpoint('/many', { tenant: 'many' });
    await seedDeliveries(t.pool, { endpointId: id, count: 600, type: 'seeded.one' });
    await seedDeliveries(t.pool, { endpointId: id, count: 5, type: 'seeded.two', status: 'DELIVERED' });
    const page = await open('/deliveries?tenant=many');
    const list = page.getByRole('table', { name: 'Deliveries' });
    await page.getByRole('button', { name: 'Live, newest 100' }).waitFor();
    await page.getByRole('combobox', { name: 'Status' }).click();
    await page.getByRole('option', { name: 'Failed' }).click();
    await expect.poll(() => page.url()).toContain('status=FAILED');
    await list.getByText('seeded.one').first().waitFor();
    expect(await list.getByText('seeded.two').count()).toBe(0);
    await page.reload();
    expect(await page.getByRole('combobox', { name: 'Status' }).inputValue()).toBe('Failed');
    await list.getByText('seeded.one').first().waitFor();
    await expectAccessible(page);
    await takePictures(page, 'deliveries');
    await expectNoSidewaysScroll(page);
    await page.setViewportSize({ width: 1280, height: 720 });
    await scrollTo(page, 9_000);
    const row = list.locator('[aria-rowindex="210"]');
    await row.waitFor();
    const before = await page.evaluate<number>('scrollY');
    await row.getByRole('link').click();
    await page.getByRole('region', { name: 'Details' }).waitFor();
    await page.goBack();
    await row.waitFor();
    await expect.poll(() => page.evaluate<number>('scrollY')).toBe(before);
    expect(page.url()).toContain('status=FAILED');
    await page.goBack();
    await expect.poll(() => page.url()).not.toContain('status');
    expect(await page.getByRole('combobox', { name: 'Status' }).inputValue()).toBe('');
  });

  it('selects a range with Shift, by mouse and by keyboard, and takes it to a replay', async () => {
    const page = await open('/deliveries?tenant=many&event_type=seeded.two');
    const boxes = page.getByRole('checkbox');
    await boxes.nth(0).click();
    await boxes.nth(3).click({ modifiers: ['Shift'] });
    const bar = page.getByRole('region', { name: 'Selected deliveries' });
    await bar.getByText('4 selected').waitFor();
    await takePictures(page, 'deliveries-selected');
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.getByRole('table', { name: 'Deliveries' }).getByRole('link').nth(3).focus();
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Space');
    await bar.getByText('5 selected').waitFor();
    // All have ended: there is nothing to try again or to cancel.
    expect(await bar.getByRole('button', { name: /Retry|Cancel/ }).count()).toBe(0);
    await bar.getByRole('button', { name: 'Replay (5)' }).click();
    await expect.poll(() => new URL(page.url()).pathname).toBe('/replay/new');
  });

  it('retries and cancels the open deliveries of a selection, and sends none again that has ended', async () => {
    const { id } = await endpoint('/chosen', { tenant: 'chosen' });
    const seeded = await seedOpen(t.pool, { endpointId: id, count: 3, attempts: 1 });
    const page = await open('/deliveries?tenant=chosen');
    const select = async (last: number) => {
      await page.getByRole('checkbox').nth(0).click();
      await page
        .getByRole('checkbox')
        .nth(last)
        .click({ modifiers: ['Shift'] });
    };
    await select(2);
    // From here on, the list is old.
    await page.route(isFirstPage, () => {});
    await t.call('POST', `/v1/deliveries/${seeded[0]!.id}/retry`);
    await deliveryIn(t, seeded[0]!.id, ['DELIVERED']);
    await page.getByRole('button', { name: 'Retry now (3)' }).click();
    await page.getByText('2 retried now').waitFor();
    await page.getByText('1 refused: It has ended: DELIVERED.').waitFor();
    for (const one of seeded) await deliveryIn(t, one.id, ['DELIVERED']);
    const { body } = await t.call<{ data: unknown[] }>('GET', '/v1/deliveries?tenant=chosen');
    expect(body.data).toHaveLength(3);
    expect(receiver.requests.filter(({ path }) => path.endsWith('/chosen'))).toHaveLength(3);

    await page.unrouteAll({ behavior: 'ignoreErrors' });
    const unwanted = await seedOpen(t.pool, { endpointId: id, count: 2, type: 'not.wanted' });
    await page.goto(`${t.service.url}/deliveries?tenant=chosen&event_type=not.wanted`);
    await select(1);
    await page.getByRole('button', { name: 'Cancel (2)' }).click();
    const dialog = page.getByRole('dialog', { name: 'Cancel these deliveries?' });
    await dialog.getByRole('button', { name: 'Cancel (2)' }).click();
    await page.getByText('2 cancelled').waitFor();
    for (const one of unwanted) await deliveryIn(t, one.id, ['CANCELLED']);
  });

  it('lets new rows in at the top, and only counts them while paused', async () => {
    await endpoint('/live', { tenant: 'live' });
    const page = await open('/deliveries?tenant=live');
    await page.getByText('No delivery matches these filters').waitFor();
    await postEvent(t, { tenant: 'live', type: 'first.one' });
    const list = page.getByRole('table', { name: 'Deliveries' });
    await list.getByText('first.one').waitFor();
    await page.getByRole('button', { name: 'Live', exact: true }).click();
    await Promise.all(['a', 'b', 'c'].map((type) => postEvent(t, { tenant: 'live', type })));
    const waiting = page.getByRole('button', { name: '3 new' });
    await waiting.waitFor();
    expect(await list.getByRole('link').count()).toBe(1);
    await takePictures(page, 'deliveries-paused');
    await waiting.click();
    await expect.poll(() => list.getByRole('link').count()).toBe(4);
  });

  it('asks for a refused next page again by a click only', async () => {
    const { id } = await endpoint('/refused', { tenant: 'refused' });
    await seedDeliveries(t.pool, { endpointId: id, count: 300 });
    const page = await open('/');
    let [asked, isRefused] = [0, true];
    await page.route(isNextPage, (route) => {
      asked += 1;
      return isRefused
        ? route.fulfill({ status: 429, json: { title: 'Too many requests' } })
        : route.continue();
    });
    await page.goto(`${t.service.url}/deliveries?tenant=refused`);
    await page.getByText('Could not load more.').waitFor();
    await expectAccessible(page);
    // The first page is read again every 2 s, and renders the list again.
    const headRead = () => page.waitForResponse((answer) => isFirstPage(new URL(answer.url())));
    await headRead();
    await headRead();
    expect(asked).toBe(1);
    isRefused = false;
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('[role=table][aria-rowcount="301"]').waitFor();
    expect(asked).toBe(2);
    expect(await page.getByText('Could not load more.').count()).toBe(0);
  });

  it('keeps rows that come in while the next page is read', async () => {
    const { id } = await endpoint('/slow', { tenant: 'slow' });
    await seedDeliveries(t.pool, { endpointId: id, count: 300 });
    const page = await open('/');
    let letNextPageCome = () => {};
    const mayCome = new Promise<void>((done) => (letNextPageCome = done));
    await page.route(isNextPage, (route) => mayCome.then(() => route.continue()));
    await page.goto(`${t.service.url}/deliveries?tenant=slow`);
    const list = page.getByRole('table', { name: 'Deliveries' });
    await list.getByRole('link').first().waitFor();
    await postEvent(t, { tenant: 'slow', type: 'came.meanwhile' });
    await list.getByText('came.meanwhile').waitFor();
    // From here on, the next page alone decides what is shown.
    await page.route(isFirstPage, () => {});
    letNextPageCome();
    await page.locator('[role=table][aria-rowcount="302"]').waitFor();
    await list.getByText('came.meanwhile').waitFor();
    await page.unrouteAll({ behavior: 'ignoreErrors' });
  });

  /** Posts the text of a payload as it is: JSON.stringify would round its numbers. */
  async function postEventText(tenant: string, payload: string) {
    const text = `{"type":"exact.one","tenant":"${tenant}","payload":${payload}}`;
    const { body } = await t.call<Awaited<ReturnType<typeof postEvent>>>('POST', '/v1/events', text);
    return body;
  }

  const scrollTo = (page: Page, y: number) =>
    expect.poll(() => page.evaluate(`(scrollTo(0, ${y}), scrollY)`)).toBe(y);
});
