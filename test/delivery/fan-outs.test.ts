import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  fanOut,
  MOST_AT_ACCEPT,
  type FanOutPage,
  type WideEvent,
} from '../../src/db/open-deliveries/index.js';
import { createFanOuts } from '../../src/delivery/fan-outs.js';
import { createLogger } from '../../src/observability/logger.js';
import {
  accept,
  addEndpoints,
  newEvent,
  openTestDatabase,
  type TestDatabase,
} from '../support/open-deliveries.js';

let database: TestDatabase;
let pages: FanOutPage[];
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());
beforeEach(() => {
  pages = [];
});

const start = (most = Infinity) =>
  createFanOuts({
    fanOutPage(page) {
      pages.push(page);
      const limit = Math.min(page.limit, most);
      return fanOut(database.pool, { ...page, limit, maxAttempts: 3, workflow: 'none' });
    },
    wake: () => {},
    restMs: 300,
    log: createLogger('silent'),
  });

/** A wide event that still needs 50 deliveries; a statement that makes more than `most` of them is cancelled. */
async function slowEvent(tenant: string, most: number): Promise<WideEvent> {
  await addEndpoints(database.pool, MOST_AT_ACCEPT + 50, { tenant });
  const event = await wideEvent(tenant);
  await database.pool.query(`create function too_slow() returns trigger language plpgsql as
    $$ begin if (select count(*) from made) > ${most} then raise exception using errcode = 'query_canceled'; end if;
      return null; end $$`);
  await database.pool.query(`create trigger too_slow after insert on open_deliveries
    referencing new table as made for each statement execute function too_slow()`);
  return event;
}
async function wideEvent(tenant: string): Promise<WideEvent> {
  const [stored] = await accept(database.pool, [newEvent({ tenant })], { workflow: 'none' });
  return { id: stored!.event.id, tenant };
}
const fastAgain = () => database.pool.query('drop function too_slow cascade');
const countOf = async ({ id }: WideEvent) => {
  const { rows } = await database.pool.query<{ delivery_count: number; done: boolean }>(
    'select delivery_count, fan_out_after is null as done from events where id = $1',
    [id],
  );
  return rows[0]!;
};
const all = { delivery_count: MOST_AT_ACCEPT + 50, done: true };

test('a page that runs into its timeout is made again, smaller, as are the next ones', async () => {
  const event = await slowEvent('slow', 20);
  const fanOuts = start();
  fanOuts.begin(event);
  await expect.poll(() => countOf(event), { timeout: 30_000 }).toEqual(all);
  await fanOuts.close();
  await fastAgain();
  expect(pages.map(({ limit }) => limit)).toEqual([1_000, 250, 63, 16, 16, 16, 16]);
  expect(pages.map(({ maxWork }) => maxWork).slice(0, 5)).toEqual([
    2_000_000, 500_000, 125_000, 31_250, 31_250,
  ]);
});

test('a fan-out is put off when even one endpoint takes too long, and begins again with a whole page', async () => {
  const event = await slowEvent('slower', 0);
  const fanOuts = start();
  fanOuts.begin(event);
  await expect.poll(() => pages.at(-1)?.limit, { timeout: 30_000 }).toBe(1);
  await expect
    .poll(
      () => {
        fanOuts.begin(event);
        return pages.filter(({ limit }) => limit === 1_000).length;
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThanOrEqual(2);
  expect(await countOf(event)).toEqual({ delivery_count: MOST_AT_ACCEPT, done: false });
  await fastAgain();
  await expect
    .poll(
      () => {
        fanOuts.begin(event);
        return countOf(event);
      },
      { timeout: 30_000 },
    )
    .toEqual(all);
  await fanOuts.close();
});

test('an event whose fan-out was put off rests before it begins again', async () => {
  const event = await slowEvent('resting', 0);
  const fanOuts = start();
  fanOuts.begin(event);
  await expect.poll(() => pages.at(-1)?.limit, { timeout: 30_000 }).toBe(1);
  const made = pages.length;
  for (let times = 0; times < 20; times++) fanOuts.begin(event);
  expect(pages).toHaveLength(made);
  await fastAgain();
  await fanOuts.close();
});

test('tenants take turns, however many wide events one of them has', async () => {
  for (const tenant of ['busy', 'quiet']) await addEndpoints(database.pool, MOST_AT_ACCEPT + 50, { tenant });
  const events = [];
  for (const tenant of [...Array<string>(6).fill('busy'), 'quiet', 'quiet'])
    events.push(await wideEvent(tenant));
  const fanOuts = start(10);
  for (const event of events) fanOuts.begin(event);
  for (const event of events) await expect.poll(() => countOf(event), { timeout: 30_000 }).toEqual(all);
  await fanOuts.close();
  const quiet = new Set(events.slice(6).map(({ id }) => id));
  // Every second one after the first three; in turns of events it would be two.
  const early = pages.slice(0, 15).filter(({ eventId }) => quiet.has(eventId));
  expect(early.length).toBeGreaterThanOrEqual(5);
});
