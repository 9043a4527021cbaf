import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Accepted } from '../../src/db/events.js';
import { migrate } from '../../src/db/migrate.js';
import { createPool, type Pool } from '../../src/db/pool.js';
import { createAcceptEvents, type Accept } from '../../src/delivery/accept-events.js';
import { createDatabase } from '../support/database.js';
import { addEndpoints, newEvent } from '../support/open-deliveries.js';

let pool: Pool;
let accept: Accept;
let accepted: string[];
let unknown: string[];

beforeAll(async () => {
  const databaseUrl = await createDatabase(`accept_${Date.now()}`);
  await migrate(databaseUrl);
  pool = createPool(databaseUrl, 4);
});
afterAll(() => pool.end());
beforeEach(() => {
  accepted = [];
  unknown = [];
  accept = createAcceptEvents(
    { pool, hot: pool },
    {
      began: () => {},
      ended: () => {},
      choose: () => ({ claimedBy: null, workflow: 'none' }),
      accepted: (event) => void accepted.push(event.id),
      unknown: (events) => void unknown.push(...events.map(({ id }) => id)),
    },
  );
});

/** Number of deliveries made with an accepted event. */
const madeBy = (result: Accepted) =>
  result.kind === 'accepted' ? result.event.deliveries.length : result.kind;

test('a group whose statement is too slow is split, and each of its events is accepted', async () => {
  await addEndpoints(pool, 3, { tenant: 'slow' });
  await pool.query(`create function slow_group() returns trigger language plpgsql as
    $$ begin perform pg_sleep(case when (select count(*) from made) > 3 then 20 else 0 end); return null; end $$`);
  await pool.query(`create trigger slow_group after insert on open_deliveries
    referencing new table as made for each statement execute function slow_group()`);
  try {
    const events = Array.from({ length: 16 }, () => newEvent({ tenant: 'slow' }));
    const results = await Promise.all(events.map((event) => accept(event)));
    expect(results.map(madeBy)).toEqual(Array(16).fill(3));
    expect(accepted.sort()).toEqual(events.map(({ id }) => id).sort());
    expect(unknown).toEqual([]);
  } finally {
    await pool.query('drop function slow_group cascade');
  }
});

test('an event that is too slow by itself is refused alone, and is not stored', async () => {
  await addEndpoints(pool, 3, { tenant: 'alone' });
  await addEndpoints(pool, 1, { tenant: 'quick' });
  await pool.query(`create function slow_event() returns trigger language plpgsql as
    $$ begin perform pg_sleep(case when exists (select from made where tenant = 'alone') then 20 else 0 end); return null; end $$`);
  await pool.query(`create trigger slow_event after insert on open_deliveries
    referencing new table as made for each statement execute function slow_event()`);
  try {
    const [slow, ...quick] = [
      newEvent({ tenant: 'alone' }),
      newEvent({ tenant: 'quick' }),
      newEvent({ tenant: 'quick' }),
    ];
    const results = await Promise.allSettled([accept(slow), ...quick.map((event) => accept(event))]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled']);
    const { rowCount } = await pool.query('select from events where id = $1', [slow.id]);
    expect([rowCount, unknown]).toEqual([0, []]);
  } finally {
    await pool.query('drop function slow_event cascade');
  }
});

/** The events and the deliveries of each commit that `work` makes. */
async function groupsOf(work: () => Promise<unknown>): Promise<{ events: number[]; deliveries: number[] }> {
  await pool.query(`create table groups (kind text, count int);
    create function count_group() returns trigger language plpgsql as
      $$ begin insert into groups select tg_table_name, count(*) from made; return null; end $$`);
  for (const table of ['events', 'open_deliveries'])
    await pool.query(`create trigger count_group after insert on ${table}
      referencing new table as made for each statement execute function count_group()`);
  try {
    await work();
    const countsOf = async (table: string) =>
      (await pool.query<{ count: number }>('select count from groups where kind = $1', [table])).rows;
    const [events, deliveries] = [await countsOf('events'), await countsOf('open_deliveries')];
    return { events: events.map((row) => row.count), deliveries: deliveries.map((row) => row.count) };
  } finally {
    await pool.query('drop function count_group cascade; drop table groups');
  }
}
const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
const acceptMany = (count: number, over: Parameters<typeof newEvent>[0]) =>
  Promise.all(Array.from({ length: count }, () => accept(newEvent(over))));

test('groups are bounded by the deliveries that their tenants make', async () => {
  await addEndpoints(pool, 100, { tenant: 'fan' });
  const first = await accept(newEvent({ tenant: 'fan' }));
  expect(madeBy(first)).toBe(100);
  const { deliveries } = await groupsOf(() => acceptMany(64, { tenant: 'fan' }));
  expect(sum(deliveries)).toBe(6_400);
  expect(Math.max(...deliveries)).toBeLessThanOrEqual(2_000);
});

test('groups are bounded by the endpoints whose filters are evaluated, also if no event passes them', async () => {
  await addEndpoints(pool, 100, { tenant: 'refused', filter: { n: 2 } });
  expect(madeBy(await accept(newEvent({ tenant: 'refused' })))).toBe(0);
  const { events } = await groupsOf(() => acceptMany(64, { tenant: 'refused' }));
  expect(sum(events)).toBe(64);
  expect(Math.max(...events)).toBeLessThanOrEqual(20);
});

test('the work of filters in a commit is bounded, and groups are smaller where it is needed', async () => {
  // The work of one is above 20,000, that of an event below 200,000.
  const filter = { a: { $in: Array.from({ length: 20 }, (_, i) => i + 10) } };
  await addEndpoints(pool, 9, { tenant: 'work', filter });
  const events = { tenant: 'work', payload: JSON.stringify({ a: Array(1_000).fill(10) }) };
  const countsOf = (results: Accepted[]) =>
    results.map((one) => (one.kind === 'accepted' ? one.event.delivery_count : one.kind));
  // Nothing is known of the tenant: all of them are in one commit, and each has a share that is too small.
  let results: Accepted[] = [];
  const burst = await groupsOf(async () => void (results = await acceptMany(64, events)));
  expect(burst.events).toEqual([64]);
  expect(countsOf(results)).toEqual(Array(64).fill(null));
  expect(burst.deliveries).toEqual([64 * 2]);
  const next = await groupsOf(async () => void (results = await acceptMany(64, events)));
  expect(countsOf(results)).toEqual(Array(64).fill(9));
  expect(Math.max(...next.events)).toBeLessThanOrEqual(6);
});
