import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SUREHOOK } from '../../../src/db/audit.js';
import { updateEndpoint } from '../../../src/db/update-endpoint.js';
import {
  acceptEvents,
  eventsFanningOut,
  fanOut,
  MOST_AT_ACCEPT,
} from '../../../src/db/open-deliveries/index.js';
import type { Pool } from '../../../src/db/pool.js';
import { claimStarts } from '../../../src/db/workflow-starts.js';
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
const PAGE = { maxAttempts: 3, limit: 100, maxWork: 2_000_000 };
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
    const page = () => fanOut(pool, { ...PAGE, eventId, workflow: 'now' });
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
    expect(await fanOut(pool, { ...PAGE, eventId, workflow: 'now' })).toBe(false);
    expect(await eventOf(eventId)).toEqual({ delivery_count: 0, fan_out_after: null });
    expect(
      (await pool.query('select from workflow_starts where workflow_id = $1', [workflow_id])).rowCount,
    ).toBe(0);
    expect(await eventsFanningOut(pool, 10)).not.toContain(eventId);
  });

  it('has parts for the backfill, however few of its deliveries the filters left', async () => {
    const tenant = newTenant();
    const ids = await idsBy(
      tenant,
      Array.from({ length: MOST_AT_ACCEPT + 1 }, (_, i) => ({ plan: i % 50 === 0 ? 'pro' : 'free' })),
    );
    const { event } = await acceptOne(tenant, { plan: 'pro' });
    expect(await fanOut(pool, { ...PAGE, eventId: event.id, workflow: 'later' })).toBe(false);
    expect(await openOf(event.id)).toEqual(
      [0, 50, 100].map((n) => ({ endpoint_id: ids[n], workflow_id: `${event.workflow_id}~p1` })),
    );
    const start = (await claimStarts(pool, 100)).find(({ event_id }) => event_id === event.id);
    expect(start).toMatchObject({ workflow_id: event.workflow_id, deliveries: [], parts: 1 });
  });

  it('makes smaller pages where its filters have much to do, and all of them', async () => {
    const tenant = newTenant();
    const count = MOST_AT_ACCEPT + 5;
    const filter = { a: { $in: Array.from({ length: 19 }, (_, i) => i + 10) } };
    await addEndpoints(pool, count, { tenant, filter });
    // Each finds its value at once, so that the test is quick: only the bound counts. The work of one is just below 200,000.
    const { event, made } = await acceptOne(tenant, { a: Array(10_000).fill(10) });
    expect(made).toHaveLength(1);
    let pages = 1;
    const page = { ...PAGE, eventId: event.id, workflow: 'none' as const };
    while (await fanOut(pool, page)) pages++;
    expect(pages).toBe(Math.ceil((count - 1) / 10));
    expect(await eventOf(event.id)).toEqual({ delivery_count: count, fan_out_after: null });
  });

  it('follows a filter that is changed before the page of its endpoint', async () => {
    const tenant = newTenant();
    const ids = await addEndpoints(pool, MOST_AT_ACCEPT + 2, { tenant, filter: isPro });
    const { event } = await acceptOne(tenant, { plan: 'free' });
    const by = { actor: SUREHOOK, action: 'endpoint.update' };
    for (const id of [ids[0]!, ids.at(-1)!]) await updateEndpoint(pool, id, { filter: { plan: 'free' } }, by);
    await fanOut(pool, { ...PAGE, eventId: event.id, workflow: 'none' });
    expect((await openOf(event.id)).map(({ endpoint_id }) => endpoint_id)).toEqual([ids.at(-1)]);
  });

  it('goes to all of them where the payload cannot be read, and says so', async () => {
    const tenant = newTenant();
    await addEndpoints(pool, MOST_AT_ACCEPT + 5, { tenant, filter: isPro });
    const stored = await acceptOne(tenant, '{"plan":1e999999}');
    expect(stored).toMatchObject({ unfiltered: true });
    expect(stored.made).toHaveLength(MOST_AT_ACCEPT);
    let unfiltered = 0;
    const page = { ...PAGE, eventId: stored.event.id, limit: 3, workflow: 'none' as const };
    while (await fanOut(pool, { ...page, onUnfiltered: () => void unfiltered++ }));
    expect(unfiltered).toBe(2);
    expect(await openOf(stored.event.id)).toHaveLength(MOST_AT_ACCEPT + 5);
  });
});

describe('the work of filters in a commit', () => {
  /** The work of one is above 10,000 and below 12,000. */
  const filter = { a: { $in: Array.from({ length: 10 }, (_, i) => i) } };
  const payload = JSON.stringify({ a: Array(1_000).fill(10) });
  const pagesOf = async (eventId: string) => {
    let pages = 1;
    while (await fanOut(pool, { ...PAGE, eventId, workflow: 'none' })) pages++;
    return pages;
  };
  const reached = async (eventId: string) =>
    (
      await pool.query<{ endpoint_id: string }>(
        'select endpoint_id from open_deliveries where event_id = $1 order by endpoint_id',
        [eventId],
      )
    ).rows.map((row) => row.endpoint_id);

  it('is bounded for an event: it is wide, and the other endpoints follow', async () => {
    const tenant = newTenant();
    await addEndpoints(pool, 30, { tenant, filter });
    const all = await addEndpoints(pool, 2, { tenant });
    const stored = await acceptOne(tenant, payload);
    expect(stored).toMatchObject({ wide: true, made: [], event: { delivery_count: null } });
    expect(stored.examined.endpoints).toBe(32);
    expect(stored.examined.filterWork).toBeGreaterThan(30 * 10_000);
    const { rows } = await pool.query<{ examined: number }>(
      `select count(*)::int as examined from endpoints
       where tenant = $1 and id <= (select fan_out_after from events where id = $2)`,
      [tenant, stored.event.id],
    );
    expect(rows[0]!.examined).toBeGreaterThan(200_000 / 12_000 - 1);
    expect(rows[0]!.examined).toBeLessThanOrEqual(20);
    expect(await pagesOf(stored.event.id)).toBe(1);
    expect(await reached(stored.event.id)).toEqual(all);
  });

  it('is bounded by the share of each event, and costs nothing where no endpoint has a filter', async () => {
    const [filtered, plain] = [newTenant(), newTenant()];
    const ids = await addEndpoints(pool, 3, { tenant: filtered, filter: { a: 10 } });
    await addEndpoints(pool, 3, { tenant: plain });
    const events = [filtered, filtered, plain].map((tenant) => newEvent({ tenant, payload }));
    const choice = { claimedBy: 'p1', workflow: 'now' as const };
    const stored = await acceptEvents(pool, events, choice, [0, 200_000, 0]);
    expect(stored).toMatchObject([
      { wide: true, made: [], event: { delivery_count: null } },
      { wide: false, event: { delivery_count: 3 } },
      { wide: false, event: { delivery_count: 3 }, examined: { endpoints: 3, filterWork: 0 } },
    ]);
    expect(await pagesOf(events[0]!.id)).toBe(1);
    expect(await reached(events[0]!.id)).toEqual(ids);
  });

  it('does not count a filter that is not evaluated', async () => {
    const tenant = newTenant();
    await addEndpoints(pool, 30, { tenant, filter });
    const large = JSON.stringify({ a: Array(50_000).fill(10) });
    expect(await acceptOne(tenant, large)).toMatchObject({
      wide: false,
      unfiltered: true,
      event: { delivery_count: 30 },
      examined: { filterWork: 0 },
    });
  });
});
