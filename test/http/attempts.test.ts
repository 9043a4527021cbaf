import { afterAll, beforeAll, expect, test } from 'vitest';
import type { z } from 'zod';
import type { attemptFeed } from '../../src/http/answers/deliveries.js';
import { as, createKey } from '../support/api-keys.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

type Feed = z.input<typeof attemptFeed>;

let t: TestService;
let receiver: Receiver;
beforeAll(async () => {
  // Two retries, 50 and 150 ms later.
  t = await startTestService({ workflows: 'none' });
  receiver = await startReceiver({
    behave: ({ path, headers }) => ({
      status: path.endsWith('/shaky') && headers['webhook-attempt'] !== '3' ? 500 : 204,
    }),
  });
});
afterAll(() => Promise.all([t.stop(), receiver.close()]));

const read = async (query = '') => (await t.call<Feed>('GET', `/v1/attempts${query}`)).body;

/** All attempts after a cursor, page after page. */
async function readAll(after: string, query = '') {
  const seen: Feed['data'] = [];
  for (let cursor = after; ;) {
    const page = await read(`?after=${cursor}${query}`);
    seen.push(...page.data);
    cursor = page.next_cursor;
    if (!page.has_more) return { seen, cursor };
  }
}

/** The attempts after a cursor, once there are as many: transactions of other tests hold the feed back, too. */
const readMany = (count: number, after: string, query = '') =>
  eventually(async () => {
    const { seen } = await readAll(after, query);
    return seen.length >= count && seen;
  });

const key = ({ delivery_id, number }: { delivery_id: string; number: number }) => `${delivery_id} ${number}`;

/** Posts an event to an endpoint of a tenant's own, and waits until it is delivered. */
async function deliver(tenant: string, path: string) {
  const endpoint = await createEndpoint(t, `${receiver.url}/${path}`, { tenant });
  const { deliveries } = await postEvent(t, { tenant, type: 'order.made' });
  return { endpoint: endpoint.id, delivery: await deliveryIn(t, deliveries[0]!.id) };
}

test('the feed has each attempt of a retried delivery, with the time of the next and the status after it', async () => {
  const { next_cursor } = await read();
  const { delivery } = await deliver('retried', 'shaky');
  const seen = await readMany(3, next_cursor, '&tenant=retried');
  const url = `${receiver.url}/shaky`;
  const fields = { event_type: 'order.made', url, tenant: 'retried', max_attempts: 12 };
  expect(seen).toMatchObject([
    { ...fields, number: 1, http_status: 500, classification: 'HTTP_5XX_RETRYABLE', status: 'IN_PROGRESS' },
    { ...fields, number: 2, http_status: 500, classification: 'HTTP_5XX_RETRYABLE', status: 'IN_PROGRESS' },
    { ...fields, number: 3, http_status: 204, classification: 'DELIVERED', status: 'DELIVERED' },
  ]);
  expect(seen.map(({ next_attempt_at }) => next_attempt_at)).toEqual(
    delivery.attempts.map(({ next_attempt_at }) => next_attempt_at),
  );
  expect(seen[0]!.next_attempt_at).not.toBeNull();
});

test('a reader sees each attempt once and misses none, while commits are delayed', async () => {
  // Each transaction that records attempts takes up to 100 ms longer to commit, so that later ones overtake it.
  await t.pool.query(`create function dawdle() returns trigger language plpgsql as $$
    begin perform pg_sleep(random() * 0.1); return null; end $$`);
  await t.pool.query(`create constraint trigger dawdle after insert on attempts
    deferrable initially deferred for each row execute function dawdle()`);
  const endpoint = await createEndpoint(t, `${receiver.url}/shaky`, { tenant: 'busy' });
  const start = (await read()).next_cursor;
  const seen: string[] = [];
  let cursor = start;
  let pages = 0;
  const posted = Promise.all(Array.from({ length: 20 }, () => postEvent(t, { tenant: 'busy', type: 'a.b' })));
  while (seen.length < 60) {
    const page = await readAll(cursor, '&limit=3');
    if (page.seen.length > 0) pages += 1;
    seen.push(...page.seen.map(key));
    cursor = page.cursor;
  }
  await posted;
  await t.pool.query('drop trigger dawdle on attempts');
  const { rows } = await t.pool.query<{ delivery_id: string; number: number }>(
    `select delivery_id, number from attempts
     where delivery_id in (select id from deliveries where endpoint_id = $1)`,
    [endpoint.id],
  );
  expect(rows).toHaveLength(60);
  expect(seen.toSorted()).toEqual(rows.map(key).sort());
  expect(pages).toBeGreaterThan(1);
  // A second reading has the same order.
  expect((await readAll(start, '&limit=7')).seen.map(key)).toEqual(seen);
});

test('without a cursor the newest attempts are read, and a reader continues behind them', async () => {
  await deliver('newest', 'shaky');
  const newest = await eventually(async () => {
    const page = await read('?limit=2&tenant=newest');
    return page.data.at(-1)?.number === 3 && page;
  });
  expect(newest.data.map(({ number }) => number)).toEqual([2, 3]);
  expect(newest.has_more).toBe(false);
  const { delivery } = await deliver('newest', 'fine');
  // The first endpoint gets the event, too.
  const seen = await readMany(4, newest.next_cursor, '&tenant=newest&limit=1');
  expect(seen.map((one) => one.delivery_id)).toContain(delivery.id);
  expect(seen.map(key)).not.toContain(key(newest.data[1]!));
});

test('attempts of one transaction come in pages, several of one delivery too', async () => {
  // As after a restore, which puts all rows at the beginning.
  await t.pool.query(`update attempts set xid = '0'`);
  const all = (await t.pool.query('select from attempts')).rowCount!;
  expect(all).toBeGreaterThan(60);
  for (const query of ['&limit=7', '&limit=1&tenant=retried']) {
    const { seen } = await readAll('', query);
    expect(new Set(seen.map(key)).size).toBe(seen.length);
    expect(seen).toHaveLength(query.includes('tenant') ? 3 : all);
  }
});

test('a key of a tenant sees its own attempts only, and no cursor names a delivery of another', async () => {
  const { endpoint } = await deliver('own', 'fine');
  const { endpoint: foreign } = await deliver('foreign', 'fine');
  expect(await readMany(1, '', `&endpoint_id=${foreign}`)).toHaveLength(1);
  const own = as(t, (await createKey(t, 'viewer', 'own')).key);
  const page = (await own.call<Feed>('GET', '/v1/attempts?after=')).body;
  expect(page.data.map(({ endpoint_id }) => endpoint_id)).toEqual([endpoint]);
  expect(Buffer.from(page.next_cursor, 'base64url').toString()).toMatch(/^\d+ $/);
  const others = await own.call<Feed>('GET', `/v1/attempts?endpoint_id=${foreign}`);
  expect(others.body.data).toEqual([]);
});

test('a cursor of another feed is refused, and so is one ahead of the database', async () => {
  const { next_cursor } = (await t.call<Feed>('GET', '/v1/events?after=&limit=1')).body;
  expect(await t.call('GET', `/v1/attempts?after=${next_cursor}`)).toMatchObject({ status: 400 });
  const ahead = Buffer.from('18446744073709551615 ').toString('base64url');
  expect(await t.call('GET', `/v1/attempts?after=${ahead}`)).toMatchObject({
    ...{ status: 409, body: { code: 'cursor_ahead' } },
  });
});
