import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUREHOOK } from '../../../src/db/audit.js';
import { updateEndpoint } from '../../../src/db/endpoints.js';
import { eventsFanningOut, fanOut, MOST_AT_ACCEPT } from '../../../src/db/open-deliveries/index.js';
import type { Pool } from '../../../src/db/pool.js';
import type { Filter } from '../../../src/domain/filter.js';
import {
  accept,
  addEndpoint,
  addEndpoints,
  newEvent,
  openTestDatabase,
  type TestDatabase,
} from '../../support/open-deliveries.js';

let pool: Pool;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  pool = database.pool;
});
afterAll(() => database.close());

let nth = 0;
const newTenant = () => `filter_${nth++}`;
const isPro: Filter = { plan: 'pro' };
const acceptOne = async (tenant: string, payload: unknown, over: Parameters<typeof newEvent>[0] = {}) => {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload);
  const [stored] = await accept(pool, [newEvent({ tenant, payload: text, ...over })]);
  return { ...stored!, to: stored!.made.map(({ endpoint_id }) => endpoint_id) };
};

describe('accepting an event', () => {
  it('makes no delivery for an endpoint whose filter does not let the payload pass', async () => {
    const tenant = newTenant();
    const pro = await addEndpoint(pool, { tenant, filter: isPro, types: ['*', 'order.*'] });
    const all = await addEndpoint(pool, { tenant });
    const none = await addEndpoint(pool, { tenant, filter: { plan: { $exists: false } } });
    const yes = await acceptOne(tenant, { plan: 'pro' });
    expect(yes.to).toEqual([pro, all].sort());
    expect(yes).toMatchObject({ wide: false, unfiltered: false, event: { delivery_count: 2 } });
    expect((await acceptOne(tenant, { plan: 'free' })).to).toEqual([all]);
    expect((await acceptOne(tenant, {})).to).toEqual([all, none].sort());
  });

  it('asks each event of a commit for itself', async () => {
    const tenant = newTenant();
    const pro = await addEndpoint(pool, { tenant, filter: isPro });
    const bad = String.raw`{"plan":"\ud800"}`;
    const payloads = ['{"plan":"pro"}', '{"plan":"free"}', '{"plan":1e999999}', bad, '"pro"', 'null', '[]'];
    const stored = await accept(
      pool,
      payloads.map((payload) => newEvent({ tenant, payload })),
    );
    expect(stored.map(({ made }) => made.length)).toEqual([1, 0, 1, 0, 0, 0, 0]);
    expect(stored.map(({ unfiltered }) => unfiltered)).toEqual([
      false,
      false,
      true,
      false,
      false,
      false,
      false,
    ]);
    expect(stored[2]!.made).toMatchObject([{ endpoint_id: pro, claim: 1 }]);
  });

  it('says that a filter was not evaluated only where there is one', async () => {
    const tenant = newTenant();
    await addEndpoint(pool, { tenant });
    expect(await acceptOne(tenant, '{"plan":1e999999}')).toMatchObject({ unfiltered: false });
  });

  it('sends to an endpoint that is named, whatever its filter says', async () => {
    const tenant = newTenant();
    const pro = await addEndpoint(pool, { tenant, filter: isPro });
    expect((await acceptOne(tenant, {}, { endpointIds: [pro] })).to).toEqual([pro]);
  });

  it('follows a filter that is changed and removed', async () => {
    const tenant = newTenant();
    const id = await addEndpoint(pool, { tenant, filter: isPro });
    const by = { actor: SUREHOOK, action: 'endpoint.update' };
    expect((await acceptOne(tenant, { plan: 'free' })).to).toEqual([]);
    await updateEndpoint(pool, id, { filter: { plan: 'free' } }, by);
    expect((await acceptOne(tenant, { plan: 'free' })).to).toEqual([id]);
    expect((await acceptOne(tenant, { plan: 'pro' })).to).toEqual([]);
    await updateEndpoint(pool, id, { filter: null }, by);
    expect((await acceptOne(tenant, { plan: 'pro' })).to).toEqual([id]);
    await updateEndpoint(pool, id, { filter: isPro }, by);
    await updateEndpoint(pool, id, { event_types: ['order.*'] }, by);
    expect((await acceptOne(tenant, { plan: 'free' })).to).toEqual([]);
  });
});

describe('an event with many endpoints', () => {
  const idsBy = async (tenant: string, filters: (Filter | undefined)[]) => {
    const ids = await addEndpoints(pool, filters.length, { tenant, types: ['*', 'order.*'] });
    for (const [i, filter] of filters.entries()) {
      if (filter)
        await updateEndpoint(pool, ids[i]!, { filter }, { actor: SUREHOOK, action: 'endpoint.update' });
    }
    return ids;
  };
  const openOf = async (eventId: string) =>
    (
      await pool.query<{ endpoint_id: string; workflow_id: string }>(
        'select endpoint_id, workflow_id from open_deliveries where event_id = $1 order by endpoint_id',
        [eventId],
      )
    ).rows;
  const eventOf = async (eventId: string) =>
    (await pool.query('select delivery_count, fan_out_after from events where id = $1', [eventId]))
      .rows[0] as unknown;

  it('is fanned out over the endpoints that were examined, and counts those that match', async () => {
    const tenant = newTenant();
    // Every third one matches.
    const ids = await idsBy(
      tenant,
      Array.from({ length: 250 }, (_, i) => ({ plan: `p${i % 3}` })),
    );
    const wanted = ids.filter((_id, i) => i % 3 === 0);
    const stored = await acceptOne(tenant, { plan: 'p0' });
    const { id: eventId, workflow_id } = stored.event;
    expect(stored).toMatchObject({ wide: true, event: { delivery_count: null } });
    expect(stored.to).toEqual(wanted.filter((id) => ids.indexOf(id) < MOST_AT_ACCEPT));
    expect(await eventOf(eventId)).toEqual({ delivery_count: 34, fan_out_after: ids[MOST_AT_ACCEPT - 1] });
    const page = () => fanOut(pool, { eventId, maxAttempts: 3, limit: 100, workflow: 'now' });
    expect(await page()).toBe(true);
    expect(await eventOf(eventId)).toMatchObject({ fan_out_after: ids[199] });
    expect(await page()).toBe(false);
    const open = await openOf(eventId);
    expect(open.map(({ endpoint_id }) => endpoint_id)).toEqual(wanted);
    expect(await eventOf(eventId)).toEqual({ delivery_count: wanted.length, fan_out_after: null });
    expect([0, 49, 50, 83].map((n) => open[n]!.workflow_id)).toEqual(
      [1, 1, 2, 2].map((part) => `${workflow_id}~p${part}`),
    );
  });

  it('that reaches none of them ends without a workflow', async () => {
    const tenant = newTenant();
    await addEndpoints(pool, MOST_AT_ACCEPT + 5, { tenant, filter: isPro });
    const stored = await acceptOne(tenant, { plan: 'free' });
    const { id: eventId, workflow_id } = stored.event;
    expect(stored).toMatchObject({ wide: true, made: [] });
    expect(await fanOut(pool, { eventId, maxAttempts: 3, limit: 100, workflow: 'now' })).toBe(false);
    expect(await eventOf(eventId)).toEqual({ delivery_count: 0, fan_out_after: null });
    expect(
      (await pool.query('select from workflow_starts where workflow_id = $1', [workflow_id])).rowCount,
    ).toBe(0);
    expect(await eventsFanningOut(pool, 10)).not.toContain(eventId);
  });

  it('makes smaller pages where its filters have much to do, and all of them', async () => {
    const tenant = newTenant();
    const count = MOST_AT_ACCEPT + 120;
    const filter = { a: { $in: Array.from({ length: 19 }, (_, i) => i + 10) } };
    await addEndpoints(pool, count, { tenant, filter });
    // Each finds its value at once, so that the test is quick: only the bound counts.
    const { event } = await acceptOne(tenant, { a: Array(10_000).fill(10) });
    let pages = 1;
    while (await fanOut(pool, { eventId: event.id, maxAttempts: 3, limit: 1_000, workflow: 'none' })) pages++;
    expect(pages).toBe(2);
    expect(await eventOf(event.id)).toEqual({ delivery_count: count, fan_out_after: null });
  });

  it('goes to all of them where the payload cannot be read, and says so', async () => {
    const tenant = newTenant();
    await addEndpoints(pool, MOST_AT_ACCEPT + 5, { tenant, filter: isPro });
    const stored = await acceptOne(tenant, '{"plan":1e999999}');
    expect(stored).toMatchObject({ unfiltered: true });
    expect(stored.made).toHaveLength(MOST_AT_ACCEPT);
    let unfiltered = 0;
    const page = { eventId: stored.event.id, maxAttempts: 3, limit: 3, workflow: 'none' as const };
    while (await fanOut(pool, { ...page, onUnfiltered: () => void unfiltered++ }));
    expect(unfiltered).toBe(2);
    expect(await openOf(stored.event.id)).toHaveLength(MOST_AT_ACCEPT + 5);
  });
});
