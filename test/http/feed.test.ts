import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { postEvent } from '../support/path.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let other: TestService;
const clients: pg.Client[] = [];
beforeAll(async () => {
  t = await startTestService();
  // Another process on the same database.
  other = await startTestService({ databaseUrl: t.databaseUrl, taskQueue: t.taskQueue });
});
afterAll(async () => {
  await other.stop();
  await t.stop();
});
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.end()));
});

interface Feed {
  data: { id: string; type: string; tenant: string }[];
  next_cursor: string;
  has_more: boolean;
  held_back_since: string | null;
}
const read = async (after: string, query = '') =>
  (await t.call<Feed>('GET', `/v1/events?after=${after}${query}`)).body;

/** Reads all pages after a cursor. */
async function readAll(after: string, query = '') {
  const seen: string[] = [];
  for (let cursor = after; ;) {
    const page = await read(cursor, query);
    seen.push(...page.data.map(({ id }) => id));
    cursor = page.next_cursor;
    if (!page.has_more) return { seen, cursor };
  }
}

/** The first page that is not held back: transactions of other tests delay it, too. */
const readFull = (after: string, query = '') =>
  eventually(async () => {
    const page = await read(after, query);
    return page.held_back_since === null && page.data.length > 0 && page;
  });

/** A transaction that has inserted an event and is not committed yet. */
async function openInsert(type: string) {
  const client = new pg.Client(t.databaseUrl);
  clients.push(client);
  await client.connect();
  await client.query('begin');
  const { rows } = await client.query<{ id: string }>(
    `insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, delivery_count)
     select id, 'default', $1, '{}', id, 'deliver:' || id, now(), 0 from (select new_id('evt', now()) as id) one
     returning id`,
    [type],
  );
  return { id: rows[0]!.id, commit: () => client.query('commit') };
}

test('a reader sees each event once and misses none, while two processes post and commits are delayed', async () => {
  // Each transaction that stores an event takes up to 100 ms longer to commit, so that lower ids commit later.
  await t.pool.query(`create function dawdle() returns trigger language plpgsql as $$
    begin perform pg_sleep(random() * 0.1); return null; end $$`);
  await t.pool.query(`create constraint trigger dawdle after insert on idempotency_keys
    deferrable initially deferred for each row execute function dawdle()`);
  const start = (await read('now')).next_cursor;
  const posted = new Set<string>();
  let posting = true;
  const writers = Array.from({ length: 8 }, async (_, i) => {
    for (let n = 0; n < 25; n++) posted.add((await postEvent(i % 2 ? t : other, { type: 'feed.busy' })).id);
  });
  // Five more transactions are held open for 300 ms.
  const holders = Array.from({ length: 5 }, async (_, i) => {
    await new Promise((resolve) => setTimeout(resolve, i * 100));
    const { id, commit } = await openInsert('feed.busy');
    await new Promise((resolve) => setTimeout(resolve, 300));
    await commit();
    posted.add(id);
  });
  const done = Promise.all([...writers, ...holders]).then(() => (posting = false));
  const seen: string[] = [];
  let pages = 0;
  let cursor = start;
  while (posting || seen.length < posted.size) {
    const { seen: more, cursor: next } = await readAll(cursor, '&limit=7');
    if (more.length > 0) pages += 1;
    seen.push(...more);
    cursor = next;
  }
  await done;
  await t.pool.query('drop trigger dawdle on idempotency_keys');
  expect(pages).toBeGreaterThan(2);
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen.toSorted()).toEqual([...posted].sort());
  // Lower ids did commit later, and a second reading has the same order.
  expect(seen).not.toEqual(seen.toSorted());
  expect((await readAll(start)).seen).toEqual(seen);
});

test('the feed holds back events behind an open transaction, and says since when', async () => {
  const { next_cursor } = await read('now');
  const held = await openInsert('feed.held');
  const { id, ...event } = await postEvent(t, { type: 'feed.held' });
  const waiting = await read(next_cursor);
  expect(waiting).toMatchObject({
    ...{ data: [], has_more: false },
    held_back_since: (event as unknown as { created_at: string }).created_at,
  });
  await held.commit();
  const page = await readFull(waiting.next_cursor);
  expect(page.data.map((one) => one.id)).toEqual([held.id, id]);
  expect(page.held_back_since).toBeNull();
});

test('an open transaction that only reads holds nothing back', async () => {
  const { next_cursor } = await read('now');
  const client = new pg.Client(t.databaseUrl);
  clients.push(client);
  await client.connect();
  await client.query('begin isolation level repeatable read');
  await client.query('select count(*) from events');
  const { id } = await postEvent(t, { type: 'feed.reader' });
  expect((await readFull(next_cursor)).data.map((one) => one.id)).toEqual([id]);
});

test('an empty page has a next cursor, and an empty cursor starts at the beginning', async () => {
  const none = await read('', '&tenant=feed_nobody');
  expect(none).toMatchObject({ data: [], has_more: false });
  const event = await postEvent(t, { tenant: 'feed_nobody', type: 'feed.first' });
  const page = await readFull(none.next_cursor, '&tenant=feed_nobody');
  expect(page.data).toMatchObject([{ id: event.id, type: 'feed.first', tenant: 'feed_nobody' }]);
  expect(Object.keys(page.data[0]!)).toEqual(
    Object.keys((await t.call<Feed>('GET', '/v1/events?limit=1')).body.data[0]!),
  );
  expect((await read(page.next_cursor, '&tenant=feed_nobody')).data).toEqual([]);
  expect((await readAll('', '&tenant=feed_nobody')).seen).toEqual([event.id]);
});

test('a filter that matches one of 11,000 events can be followed through empty pages', async () => {
  await t.pool.query(
    `insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, delivery_count)
     select new_id('evt', now()), 'feed_many', 'feed.many', '{}', 'm' || n, 'deliver:m' || n, now(), 0
     from generate_series(1, 11000) n`,
  );
  const event = await postEvent(t, { tenant: 'feed_rare' });
  // Transactions of other databases that began before keep the page back.
  const first = await eventually(async () => {
    const page = await read('', '&tenant=feed_rare');
    return page.has_more && page;
  });
  expect(first.data).toEqual([]);
  const rare = await eventually(async () => {
    const { seen } = await readAll('', '&tenant=feed_rare');
    return seen.length > 0 && seen;
  });
  expect(rare).toEqual([event.id]);
  // The events of one transaction come in pages, too.
  const many = (await readAll('', '&tenant=feed_many&limit=250')).seen;
  expect(new Set(many).size).toBe(11_000);
});

test('an invalid feed cursor, or a parameter that the feed does not take, is refused', async () => {
  for (const query of [
    'after=xyz',
    'after=&cursor=a',
    'after=&from=2026-01-01T00:00:00Z',
    'after=&limit=251',
  ])
    expect(await t.call('GET', `/v1/events?${query}`), query).toMatchObject({ status: 400 });
  const ahead = Buffer.from('18446744073709551615 ').toString('base64url');
  expect(await t.call('GET', `/v1/events?after=${ahead}`)).toMatchObject({
    ...{ status: 409, body: { code: 'cursor_ahead' } },
  });
});

test('paging through the list returns every event that existed at the first page', async () => {
  const before = await Promise.all(Array.from({ length: 20 }, () => postEvent(t, { type: 'feed.list' })));
  const seen: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = cursor && `&cursor=${cursor}`;
    const path = `/v1/events?type=feed.list&limit=3${query}`;
    const { body } = await t.call<{ data: { id: string }[]; next_cursor: string | null }>('GET', path);
    seen.push(...body.data.map(({ id }) => id));
    cursor = body.next_cursor;
    await Promise.all([postEvent(t, { type: 'feed.list' }), postEvent(other, { type: 'feed.list' })]);
  }
  expect(new Set(seen).size).toBe(seen.length);
  expect(seen).toEqual(expect.arrayContaining(before.map(({ id }) => id)));
});
