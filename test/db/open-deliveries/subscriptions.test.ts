import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { matchFilters } from '../../../src/db/filters.js';
import { acceptEvents, fanOut, type Stored } from '../../../src/db/open-deliveries/index.js';
import type { Filter } from '../../../src/domain/filter.js';
import { passes as matches } from '../../../src/domain/filter-meaning.js';
import { anyFilter, anyPayload } from '../../support/filters.js';
import { addEndpoint, newEvent, openTestDatabase, type TestDatabase } from '../../support/open-deliveries.js';
import { anyEventType, anySubscription, subscribesTo } from '../../support/subscriptions.js';

let database: TestDatabase;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());

interface Subscriber {
  types: string[];
  filter?: Filter | undefined;
}
const anySubscriber: fc.Arbitrary<Subscriber> = fc.record({
  types: fc.array(anySubscription, { minLength: 1, maxLength: 3 }),
  filter: fc.option(anyFilter, { nil: undefined }),
});
/** Work of filters in the commit: none, so that all endpoints with filters follow in pages, or enough. */
const anyBudget = fc.constantFrom(0, 3_000, 200_000);

async function deliveriesOf(event: ReturnType<typeof newEvent>, budget: number): Promise<string[]> {
  const { pool } = database;
  const choice = { claimedBy: 'p1', workflow: 'none' as const };
  const [stored] = (await acceptEvents(pool, [event], choice, [budget])) as [
    Extract<Stored, { kind: 'accepted' }>,
  ];
  const page = { eventId: event.id, maxAttempts: 3, limit: 2, maxWork: 10_000, workflow: 'none' as const };
  if (stored.wide) while (await fanOut(pool, page));
  const { rows } = await pool.query<{ ids: string[]; delivery_count: number }>(
    `select delivery_count, array(select endpoint_id from open_deliveries where event_id = e.id order by endpoint_id) as ids
     from events e where id = $1`,
    [event.id],
  );
  expect(rows[0]!.delivery_count).toBe(rows[0]!.ids.length);
  return rows[0]!.ids;
}

test('an event reaches exactly the endpoints whose subscription and filter match, each once', async () => {
  const seen = { true: 0, false: 0 };
  let nth = 0;
  const anySubscribers = fc.array(anySubscriber, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(
      ...([anySubscribers, anyEventType, anyPayload, anyBudget] as const),
      async (subscribers, type, given, budget) => {
        const tenant = `any_${nth++}`;
        const payload = JSON.stringify(given);
        const value = JSON.parse(payload) as unknown;
        const endpoints = [];
        for (const { types, filter = null } of subscribers) {
          const id = await addEndpoint(database.pool, { tenant, types, ...(filter && { filter }) });
          const passes = filter === null || matches(filter, value);
          const isReached = passes && types.some((pattern) => subscribesTo(pattern, type));
          endpoints.push({ id, filter, passes, isReached });
          seen[`${isReached}`]++;
        }
        const wanted = endpoints.filter(({ isReached }) => isReached).map(({ id }) => id);
        expect(await deliveriesOf(newEvent({ tenant, type, payload }), budget)).toEqual(wanted.sort());
        // The dry run says the same.
        const dry = await matchFilters(database.pool, payload, endpoints);
        expect(dry.map(({ filter }) => filter !== 'fails')).toEqual(endpoints.map(({ passes }) => passes));
      },
    ),
    { numRuns: 400 },
  );
  // The test would be empty if all endpoints were reached, or none.
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(50);
});
