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

test('groups are bounded by the deliveries that their tenants make', async () => {
  await addEndpoints(pool, 100, { tenant: 'fan' });
  const first = await accept(newEvent({ tenant: 'fan' }));
  expect(madeBy(first)).toBe(100);
  await pool.query('create table groups (deliveries int)');
  await pool.query(`create function count_group() returns trigger language plpgsql as
    $$ begin insert into groups select count(*) from made; return null; end $$`);
  await pool.query(`create trigger count_group after insert on open_deliveries
    referencing new table as made for each statement execute function count_group()`);
  await Promise.all(Array.from({ length: 64 }, () => accept(newEvent({ tenant: 'fan' }))));
  const { rows } = await pool.query<{ most: number; total: number }>(
    'select max(deliveries) as most, sum(deliveries)::int as total from groups',
  );
  expect(rows[0]!.total).toBe(6_400);
  expect(rows[0]!.most).toBeLessThanOrEqual(2_000);
});
