import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  acceptEvents,
  eventsFanningOut,
  fanOut,
  insertRedelivery,
  MOST_AT_ACCEPT,
} from '../../../src/db/open-deliveries/index.js';
import type { Pool } from '../../../src/db/pool.js';
import { newId } from '../../../src/lib/ids.js';
import {
  accept,
  addEndpoint,
  addEndpoints,
  newEvent,
  openTestDatabase,
  type TestDatabase,
  readDelivery,
} from '../../support/open-deliveries.js';

let pool: Pool;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  pool = database.pool;
});
afterAll(() => database.close());

let nth = 0;
const newTenant = () => `accept_${nth++}`;
const starts = async (workflowId: string) => {
  const { rows } = await pool.query<object>(
    'select event_id, delivery_id from workflow_starts where workflow_id = $1',
    [workflowId],
  );
  return rows;
};
const openOf = async (eventId: string) =>
  (
    await pool.query<{ id: string; endpoint_id: string; workflow_id: string; claimed_by: string | null }>(
      'select id, endpoint_id, workflow_id, claimed_by from open_deliveries where event_id = $1 order by endpoint_id',
      [eventId],
    )
  ).rows;

describe('accepting events', () => {
  it('makes one delivery for each endpoint that matches, claimed by the accepting process', async () => {
    const tenant = newTenant();
    const matching = await addEndpoint(pool, { tenant, types: ['order.*'] });
    await addEndpoint(pool, { tenant, types: ['invoice.*'] });
    await addEndpoint(pool, { tenant: newTenant() });
    const event = newEvent({ tenant });
    const [stored] = await accept(pool, [event]);
    expect(stored).toMatchObject({
      kind: 'accepted',
      wide: false,
      event: {
        id: event.id,
        type: 'order.created',
        tenant,
        delivery_count: 1,
        workflow_id: event.workflowId,
      },
      made: [{ endpoint_id: matching, status: 'PENDING', claim: 1, workflow_id: event.workflowId }],
    });
    expect(await readDelivery(pool, stored!.made[0]!.id)).toMatchObject({
      status: 'PENDING',
      attempt_count: 0,
      next_attempt_at: null,
      is_open: true,
      claimed_by: 'p1',
      claim: 1,
      run_by: 'workflow',
      attempts: [],
    });
    expect(await starts(event.workflowId)).toEqual([]);
  });

  it('makes one delivery for an endpoint with two patterns that match', async () => {
    const tenant = newTenant();
    const endpointId = await addEndpoint(pool, { tenant, types: ['*', 'order.*', 'order.created'] });
    const [stored] = await accept(pool, [newEvent({ tenant })]);
    expect(stored!.made).toMatchObject([{ endpoint_id: endpointId }]);
    expect(stored!.event.delivery_count).toBe(1);
  });

  it('stores an event that matches no endpoint', async () => {
    const [stored] = await accept(pool, [newEvent({ tenant: newTenant() })], { workflow: 'later' });
    expect(stored).toMatchObject({ made: [], wide: false, event: { deliveries: [], delivery_count: 0 } });
    expect(await starts(stored!.event.workflow_id)).toEqual([]);
  });

  it('leaves deliveries ready without a process, and has workflows started later', async () => {
    const tenant = newTenant();
    await addEndpoint(pool, { tenant });
    const [stored] = await accept(pool, [newEvent({ tenant })], { claimedBy: null, workflow: 'later' });
    expect(stored!.made).toMatchObject([{ claim: null, status: 'PENDING' }]);
    expect(await readDelivery(pool, stored!.made[0]!.id)).toMatchObject({
      claimed_by: null,
      claim: 0,
      run_by: 'queue',
    });
    const { id, workflow_id } = stored!.event;
    expect(await starts(workflow_id)).toEqual([{ event_id: id, delivery_id: null }]);
  });

  it('delivers to named endpoints, whatever they subscribe to, but to none of others or deleted', async () => {
    const tenant = newTenant();
    const [one, two, deleted] = await addEndpoints(pool, 3, { tenant, types: ['invoice.*'] });
    await addEndpoint(pool, { tenant });
    const foreign = await addEndpoint(pool, { tenant: newTenant() });
    await pool.query('update endpoints set deleted_at = now() where id = $1', [deleted]);
    const [stored] = await accept(pool, [
      newEvent({ tenant, endpointIds: [two!, one!, one!, deleted!, foreign, newId('ep')] }),
    ]);
    expect(stored!.made.map(({ endpoint_id }) => endpoint_id)).toEqual([one, two]);
    const { rows } = await pool.query('select targeted from events where id = $1', [stored!.event.id]);
    expect(rows).toEqual([{ targeted: true }]);
  });

  it('makes all deliveries of an event that names more endpoints than one commit makes of others', async () => {
    const tenant = newTenant();
    const ids = await addEndpoints(pool, MOST_AT_ACCEPT + 30, { tenant, types: ['none'] });
    const [stored] = await accept(pool, [newEvent({ tenant, endpointIds: ids })]);
    expect(stored).toMatchObject({ wide: false, event: { delivery_count: ids.length } });
    expect(stored!.made.map(({ endpoint_id }) => endpoint_id)).toEqual(ids);
    expect(stored!.made.at(-1)!.workflow_id).toBe(`${stored!.event.workflow_id}~p3`);
  });

  it('does not claim what is held from the start', async () => {
    const tenant = newTenant();
    const held = await addEndpoint(pool, { tenant, status: 'paused' });
    const free = await addEndpoint(pool, { tenant });
    const [one] = await accept(pool, [newEvent({ tenant })]);
    expect(one!.made).toMatchObject([
      { endpoint_id: held, status: 'HELD', claim: null },
      { endpoint_id: free, status: 'PENDING', claim: 1 },
    ]);
    const pausedTenant = newTenant();
    await addEndpoint(pool, { tenant: pausedTenant });
    const scope = `tenant:${pausedTenant}`;
    await pool.query(`insert into control (scope, reason, paused_by) values ($1, 'night', 'me')`, [scope]);
    const [two, other] = await accept(pool, [newEvent({ tenant: pausedTenant }), newEvent({ tenant })]);
    await pool.query('delete from control where scope = $1', [scope]);
    expect(two!.made).toMatchObject([{ status: 'HELD', claim: null }]);
    expect(other!.made).toMatchObject([{ status: 'HELD' }, { status: 'PENDING', claim: 1 }]);
    expect(await readDelivery(pool, two!.made[0]!.id)).toMatchObject({ status: 'PENDING', claimed_by: null });
  });

  it('stores nothing for a key within its window, and a new event with a new workflow id after it', async () => {
    const tenant = newTenant();
    await addEndpoint(pool, { tenant });
    const idempotencyKey = 'key';
    const first = newEvent({ tenant, idempotencyKey });
    const [one] = await accept(pool, [first]);
    const again = newEvent({ tenant, idempotencyKey });
    const other = newEvent({ tenant });
    expect(await acceptEvents(pool, [again, other], { claimedBy: 'p1', workflow: 'now' })).toMatchObject([
      { kind: 'known' },
      { kind: 'accepted' },
    ]);
    expect((await pool.query('select from events where id = $1', [again.id])).rowCount).toBe(0);
    await pool.query(
      `update idempotency_keys set accepted_at = accepted_at - interval '72 hours 1 second' where tenant = $1 and key = $2`,
      [tenant, idempotencyKey],
    );
    const [two] = await accept(pool, [newEvent({ tenant, idempotencyKey })]);
    expect(two!.event.workflow_id).toBe(`${one!.event.workflow_id}~2`);
    expect(two!.made).toMatchObject([{ claim: 1, workflow_id: `${one!.event.workflow_id}~2` }]);
    const { rows } = await pool.query(
      'select event_id, generation, earlier_event_ids from idempotency_keys where tenant = $1 and key = $2',
      [tenant, idempotencyKey],
    );
    expect(rows).toEqual([{ event_id: two!.event.id, generation: 2, earlier_event_ids: [first.id] }]);
  });

  it('stores one event of those that use a key at the same time', async () => {
    const tenant = newTenant();
    await addEndpoint(pool, { tenant });
    const events = Array.from({ length: 4 }, () => newEvent({ tenant, idempotencyKey: 'same' }));
    const stored = await Promise.all(
      events.map((event) => acceptEvents(pool, [event], { claimedBy: 'p1', workflow: 'now' })),
    );
    expect(stored.flat().filter(({ kind }) => kind === 'accepted')).toHaveLength(1);
    expect((await pool.query('select from events where tenant = $1', [tenant])).rowCount).toBe(1);
  });

  it('stores headers, content type and payload as they were sent', async () => {
    const tenant = newTenant();
    const payload = '{ "b":1,\n"a":"é" }';
    const headers = { 'x-one': '1' };
    const [stored] = await accept(pool, [newEvent({ tenant, payload, headers, contentType: 'text/plain' })]);
    const { rows } = await pool.query('select payload, headers, content_type from events where id = $1', [
      stored!.event.id,
    ]);
    expect(rows).toEqual([{ payload, headers, content_type: 'text/plain' }]);
  });

  it('leaves deliveries to full endpoints ready', async () => {
    const tenant = newTenant();
    const [full, other] = await addEndpoints(pool, 2, { tenant });
    const choice = { claimedBy: 'p1', fullEndpoints: [full!], workflow: 'none' as const };
    const [stored] = await acceptEvents(pool, [newEvent({ tenant })], choice);
    const made = stored!.kind === 'accepted' ? stored!.made : [];
    expect(made.map(({ endpoint_id, claim, status }) => ({ endpoint_id, claim, status }))).toEqual([
      { endpoint_id: full, claim: null, status: 'PENDING' },
      { endpoint_id: other, claim: 1, status: 'PENDING' },
    ]);
  });
});

describe('an event with many endpoints', () => {
  it('gets its deliveries in pages, and then its workflow', async () => {
    const tenant = newTenant();
    const ids = await addEndpoints(pool, 250, { tenant, types: ['*', 'order.*'] });
    const [stored] = await accept(pool, [newEvent({ tenant })]);
    const { id: eventId, workflow_id } = stored!.event;
    expect(stored).toMatchObject({ wide: true, event: { delivery_count: null } });
    expect(stored!.made.map(({ endpoint_id }) => endpoint_id)).toEqual(ids.slice(0, MOST_AT_ACCEPT));
    expect(stored!.made.every(({ claim }) => claim === 1)).toBe(true);
    expect(await eventsFanningOut(pool, 10)).toEqual([{ id: eventId, tenant }]);
    const page = () => fanOut(pool, { eventId, maxAttempts: 3, limit: 60, maxWork: 0, workflow: 'now' });
    expect(await page()).toBe(true);
    expect(await starts(workflow_id)).toEqual([]);
    // Two processes at the same time make a page each.
    expect((await Promise.all([page(), page()])).sort()).toEqual([false, true]);
    expect(await page()).toBe(false);
    const open = await openOf(eventId);
    expect(open.map(({ endpoint_id }) => endpoint_id)).toEqual(ids);
    expect(open.filter(({ claimed_by }) => claimed_by !== null)).toHaveLength(MOST_AT_ACCEPT);
    expect([0, 49, 50, 249].map((n) => open[n]!.workflow_id)).toEqual(
      [1, 1, 2, 5].map((part) => `${workflow_id}~p${part}`),
    );
    expect(await starts(workflow_id)).toEqual([{ event_id: eventId, delivery_id: null }]);
    const { rows } = await pool.query('select delivery_count, fan_out_after from events where id = $1', [
      eventId,
    ]);
    expect(rows).toEqual([{ delivery_count: 250, fan_out_after: null }]);
    expect(await eventsFanningOut(pool, 10)).toEqual([]);
  });

  it('gets the attempts of each endpoint’s own schedule, and a re-delivery does, too', async () => {
    const tenant = newTenant();
    const ids = await addEndpoints(pool, MOST_AT_ACCEPT + 2, { tenant });
    const own = [ids[0]!, ids.at(-1)!];
    await pool.query(`update endpoints set retry_schedule = '{1,60,3600,86400}' where id = any($1)`, [own]);
    const [stored] = await accept(pool, [newEvent({ tenant })]);
    const { event, made } = stored!;
    expect(made.slice(0, 2).map(({ max_attempts }) => max_attempts)).toEqual([5, 3]);
    await fanOut(pool, { eventId: event.id, maxAttempts: 3, limit: 10, maxWork: 0, workflow: 'none' });
    const attemptsOf = async (where: string) =>
      (
        await pool.query<{ endpoint_id: string; max_attempts: number }>(
          `select endpoint_id, max_attempts from open_deliveries where event_id = $1 and ${where}`,
          [event.id],
        )
      ).rows;
    for (const { endpoint_id, max_attempts } of await attemptsOf('true'))
      expect([endpoint_id, max_attempts]).toEqual([endpoint_id, own.includes(endpoint_id) ? 5 : 3]);

    const about = {
      event_id: event.id,
      tenant,
      event_type: event.type,
      source_delivery_id: null,
      batch_id: null,
    };
    const again = ids.slice(0, 2).map((endpoint_id) => {
      const id = newId('del');
      return { id, endpoint_id, workflow_id: `redeliver:${id}`, ...about };
    });
    await insertRedelivery(pool, again, { maxAttempts: 4, workflow: false });
    const made2 = await attemptsOf(`workflow_id like 'redeliver:%'`);
    expect(made2.map(({ max_attempts }) => max_attempts).sort()).toEqual([4, 5]);
  });

  it('is complete with one commit at exactly the limit, and gets no workflow where there are none', async () => {
    const tenant = newTenant();
    await addEndpoints(pool, MOST_AT_ACCEPT, { tenant });
    const [narrow] = await accept(pool, [newEvent({ tenant })]);
    expect(narrow).toMatchObject({ wide: false, event: { delivery_count: MOST_AT_ACCEPT } });
    await addEndpoint(pool, { tenant });
    const [wide] = await accept(pool, [newEvent({ tenant })], { workflow: 'none' });
    const { id: eventId, workflow_id } = wide!.event;
    const page = { eventId, maxAttempts: 3, limit: 1, maxWork: 0, workflow: 'none' } as const;
    expect(wide!.wide).toBe(true);
    // A full page may be the last one: the next finds that out.
    expect(await fanOut(pool, page)).toBe(true);
    expect(await fanOut(pool, page)).toBe(false);
    expect(await openOf(eventId)).toHaveLength(MOST_AT_ACCEPT + 1);
    expect(await starts(workflow_id)).toEqual([]);
  });
});

describe('a re-delivery', () => {
  it('is ready for any poller, with a workflow of its own for the backfill', async () => {
    const tenant = newTenant();
    const endpointId = await addEndpoint(pool, { tenant });
    const [stored] = await accept(pool, [newEvent({ tenant })]);
    const about = {
      event_id: stored!.event.id,
      endpoint_id: endpointId,
      tenant,
      event_type: 'order.created',
    };
    const source = { source_delivery_id: stored!.made[0]!.id, batch_id: null };
    const [one, two] = [newId('del'), newId('del')];
    const made = [one, two].map((id) => ({ ...about, ...source, id, workflow_id: `redeliver:${id}` }));
    await insertRedelivery(pool, made.slice(0, 1), { maxAttempts: 5, workflow: true });
    await insertRedelivery(pool, made.slice(1), { maxAttempts: 5, workflow: false });
    expect(await readDelivery(pool, one)).toMatchObject({
      status: 'PENDING',
      claimed_by: null,
      run_by: 'queue',
    });
    expect(await starts(`redeliver:${one}`)).toEqual([{ event_id: about.event_id, delivery_id: one }]);
    expect(await starts(`redeliver:${two}`)).toEqual([]);
  });
});
