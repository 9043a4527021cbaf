import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { fanOut, MOST_AT_ACCEPT } from '../../src/db/open-deliveries/index.js';
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
let pages: { limit: number; maxWork: number }[];
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());
beforeEach(() => {
  pages = [];
});

const start = () =>
  createFanOuts({
    fanOutPage({ eventId, limit, maxWork }) {
      pages.push({ limit, maxWork });
      return fanOut(database.pool, { eventId, limit, maxWork, maxAttempts: 3, workflow: 'none' });
    },
    wake: () => {},
    log: createLogger('silent'),
  });

/** A wide event that still needs 50 deliveries; a statement that makes more than `most` of them is cancelled. */
async function wideEvent(tenant: string, most: number): Promise<string> {
  await addEndpoints(database.pool, MOST_AT_ACCEPT + 50, { tenant });
  const [stored] = await accept(database.pool, [newEvent({ tenant })], { workflow: 'none' });
  await database.pool.query(`create function too_slow() returns trigger language plpgsql as
    $$ begin if (select count(*) from made) > ${most} then raise exception using errcode = 'query_canceled'; end if;
      return null; end $$`);
  await database.pool.query(`create trigger too_slow after insert on open_deliveries
    referencing new table as made for each statement execute function too_slow()`);
  return stored!.event.id;
}
const fastAgain = () => database.pool.query('drop function too_slow cascade');
const countOf = async (eventId: string) => {
  const { rows } = await database.pool.query<{ delivery_count: number; done: boolean }>(
    'select delivery_count, fan_out_after is null as done from events where id = $1',
    [eventId],
  );
  return rows[0]!;
};
const all = { delivery_count: MOST_AT_ACCEPT + 50, done: true };

test('a page that runs into its timeout is made again, smaller, as are the next ones', async () => {
  const eventId = await wideEvent('slow', 20);
  const fanOuts = start();
  fanOuts.begin(eventId);
  await expect.poll(() => countOf(eventId), { timeout: 30_000 }).toEqual(all);
  await fanOuts.close();
  await fastAgain();
  expect(pages.map(({ limit }) => limit)).toEqual([1_000, 250, 63, 16, 16, 16, 16]);
  expect(pages.map(({ maxWork }) => maxWork).slice(0, 5)).toEqual([
    2_000_000, 500_000, 125_000, 31_250, 31_250,
  ]);
});

test('a fan-out is put off when even one endpoint takes too long, and begins again with a whole page', async () => {
  const eventId = await wideEvent('slower', 0);
  const fanOuts = start();
  fanOuts.begin(eventId);
  await expect.poll(() => pages.at(-1)?.limit, { timeout: 30_000 }).toBe(1);
  await expect
    .poll(
      () => {
        fanOuts.begin(eventId);
        return pages.filter(({ limit }) => limit === 1_000).length;
      },
      { timeout: 30_000 },
    )
    .toBeGreaterThanOrEqual(2);
  expect(await countOf(eventId)).toEqual({ delivery_count: MOST_AT_ACCEPT, done: false });
  await fastAgain();
  await expect
    .poll(
      () => {
        fanOuts.begin(eventId);
        return countOf(eventId);
      },
      { timeout: 30_000 },
    )
    .toEqual(all);
  await fanOuts.close();
});
