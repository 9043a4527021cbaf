import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  claimOperationalEvents,
  removeOperationalEvents,
  type OperationalEvent,
} from '../../src/db/operational-events.js';
import {
  claimDelivery,
  endDeliveries,
  recordAttempts,
  releaseClaims,
} from '../../src/db/open-deliveries/index.js';
import { transaction, type Pool } from '../../src/db/pool.js';
import {
  accept,
  addEndpoint,
  deleteEverything,
  newEvent,
  openTestDatabase,
  recordOf,
  type Result,
  type TestDatabase,
} from '../support/open-deliveries.js';

let pool: Pool;
let database: TestDatabase;
let endpointId: string;
let operatorId: string;

beforeAll(async () => {
  database = await openTestDatabase();
  pool = database.pool;
});
afterAll(() => database.close());
beforeEach(async () => {
  await deleteEverything(database);
  await pool.query('delete from operational_events');
  endpointId = await addEndpoint(pool, { tenant: 'acme' });
  operatorId = await addEndpoint(pool, { tenant: 'surehook', types: ['*'] });
});

/** The events written so far, oldest first. */
const written = async () =>
  (await pool.query<OperationalEvent>('select type, key, data from operational_events order by id')).rows;
/** Events of one statement have no order among them. */
const types = async () => (await written()).map(({ type }) => type).sort();
const ofType = async (type: string) => (await written()).filter((event) => event.type === type);

/** One attempt of a new delivery, with this result. */
async function attempt(result: Result, over: { gone?: boolean; tenant?: string } = {}): Promise<string> {
  const { tenant = 'acme', ...record } = over;
  const [event] = await accept(pool, [newEvent({ tenant })]);
  const { id, claim } = event!.made[0]!;
  await recordAttempts(pool, [recordOf({ id, claim: claim! }, result, record)]);
  return id;
}
/** As if the endpoint had failed, and been warned of, this long ago. */
const failing = (since: string, warned: string | null = null) =>
  pool.query(
    `update endpoints set failing_since = now() - $2::interval, failing_warned_at = now() - $3::interval where id = $1`,
    [endpointId, since, warned],
  );
const DISABLED = { status: 'disabled', status_reason: 'failing' };
const endpoint = async () =>
  (await pool.query('select status, status_reason from endpoints where id = $1', [endpointId]))
    .rows[0] as object;

describe('an endpoint that fails', () => {
  it('is announced after a day, and not again before its last day', async () => {
    await failing('23 hours');
    await attempt('retry');
    expect(await types()).toEqual([]);
    await failing('25 hours');
    await attempt('retry');
    await attempt('retry');
    expect(await written()).toMatchObject([
      {
        type: 'endpoint.failing',
        key: expect.stringMatching(`^endpoint.failing/${endpointId}/`) as string,
        data: { endpoint_id: endpointId, tenant: 'acme', is_last_warning: false },
      },
    ]);
    await failing('95 hours', '70 hours');
    await attempt('retry');
    expect(await types()).toHaveLength(1);
    await failing('97 hours', '72 hours');
    await attempt('retry');
    await attempt('retry');
    expect((await written())[1]).toMatchObject({ type: 'endpoint.failing', data: { is_last_warning: true } });
    expect(await types()).toHaveLength(2);
  });

  it('is disabled a day after its last warning, and that is announced', async () => {
    await failing('121 hours', '25 hours');
    await attempt('failed');
    expect(await endpoint()).toEqual(DISABLED);
    expect(await types()).toEqual(['delivery.failed', 'endpoint.disabled']);
    expect((await ofType('endpoint.disabled'))[0]!.data).toMatchObject({
      endpoint_id: endpointId,
      reason: 'failing',
    });
  });

  it('is never disabled without a warning a day before, however long it has failed', async () => {
    await failing('20 days');
    await attempt('failed');
    expect(await endpoint()).toMatchObject({ status: 'enabled' });
    const [warning] = await ofType('endpoint.failing');
    expect(warning!.data).toMatchObject({ is_last_warning: true });
    const { disabled_from } = warning!.data as { disabled_from: string };
    expect(Math.abs(Date.parse(disabled_from) - Date.now() - 24 * 3_600_000)).toBeLessThan(60_000);
    await attempt('failed');
    expect(await endpoint()).toMatchObject({ status: 'enabled' });
    await failing('21 days', '25 hours');
    await attempt('failed');
    expect(await endpoint()).toEqual(DISABLED);
  });

  it('is announced once as recovered, if its failing was announced', async () => {
    await attempt('retry');
    await attempt('delivered');
    expect(await types()).toEqual([]);
    await failing('25 hours');
    await attempt('retry');
    await attempt('delivered');
    await attempt('delivered');
    expect(await types()).toEqual(['endpoint.failing', 'endpoint.recovered']);
    // Recorded together with failures of others.
    await failing('25 hours', '1 hour');
    const [one, other] = await accept(pool, [newEvent({ tenant: 'acme' }), newEvent({ tenant: 'acme' })]);
    const [a, b] = [one!.made[0]!, other!.made[0]!].map(({ id, claim }) => ({ id, claim: claim! }));
    await recordAttempts(pool, [recordOf(a!, 'delivered'), recordOf(b!, 'retry')]);
    expect(await types()).toEqual(['endpoint.failing', 'endpoint.recovered', 'endpoint.recovered']);
  });

  it('has recovered also when an operator has enabled it meanwhile', async () => {
    await failing('121 hours', '25 hours');
    await attempt('failed');
    await pool.query(
      `update endpoints set status = 'enabled', status_reason = null, failing_since = null where id = $1`,
      [endpointId],
    );
    await attempt('delivered');
    expect(await types()).toEqual(['delivery.failed', 'endpoint.disabled', 'endpoint.recovered']);
    // A warning of that time does not count for the next one.
    await failing('25 hours');
    await attempt('retry');
    expect(await types()).toHaveLength(4);
  });

  it('is announced once by processes that record its failures at the same time', async () => {
    await failing('25 hours');
    const events = await accept(
      pool,
      Array.from({ length: 20 }, () => newEvent({ tenant: 'acme' })),
    );
    await Promise.all(
      events.map(({ made: [one] }) =>
        recordAttempts(pool, [recordOf({ id: one!.id, claim: one!.claim! }, 'retry')]),
      ),
    );
    expect(await types()).toEqual(['endpoint.failing']);
    await pool.query('delete from operational_events');
    await failing('121 hours', '25 hours');
    const failed = await accept(
      pool,
      Array.from({ length: 20 }, () => newEvent({ tenant: 'acme' })),
    );
    await Promise.all(
      failed.map(({ made: [one] }) =>
        recordAttempts(pool, [recordOf({ id: one!.id, claim: one!.claim! }, 'failed', { gone: true })]),
      ),
    );
    expect((await types()).filter((type) => type === 'endpoint.disabled')).toHaveLength(1);
    const { rowCount } = await pool.query(`select from audit where action = 'endpoint.disable'`);
    expect(rowCount).toBe(1);
  });
});

describe('a delivery that fails', () => {
  it('is announced with its ids, its reason and its times, and without contents', async () => {
    const id = await attempt('failed');
    const [event] = await written();
    expect(event).toMatchObject({
      ...{ type: 'delivery.failed', key: `delivery.failed/${id}` },
      data: {
        ...{ delivery_id: id, endpoint_id: endpointId, tenant: 'acme', event_type: 'order.created' },
        ...{ reason: 'ATTEMPTS_EXHAUSTED', attempt_count: 1, last_classification: 'HTTP_5XX_RETRYABLE' },
        ...{ source_delivery_id: null, batch_id: null },
      },
    });
    expect(Object.keys(event!.data).sort()).toEqual(
      [
        ...['delivery_id', 'event_id', 'event_type', 'endpoint_id', 'tenant', 'reason', 'attempt_count'],
        ...['last_classification', 'source_delivery_id', 'batch_id', 'created_at', 'failed_at'],
      ].sort(),
    );
  });

  it('is announced when somebody ends it as failed, at once or with its attempt', async () => {
    const [ready] = await accept(pool, [newEvent({ tenant: 'acme' })], { claimedBy: null });
    const [claimed] = await accept(pool, [newEvent({ tenant: 'acme' })]);
    const ids = [ready!, claimed!].map(({ made }) => made[0]!.id);
    await transaction(pool, (db) => endDeliveries(db, ids, 'FAILED', 'by hand'));
    expect((await written()).map(({ key }) => key)).toEqual([`delivery.failed/${ids[0]}`]);
    await releaseClaims(pool, [{ id: ids[1]!, claim: 1, inMs: null, reason: null, backOff: false }]);
    expect((await written()).map(({ key }) => key)).toEqual(ids.map((id) => `delivery.failed/${id}`));
  });

  it('is not announced when it was cancelled, or its endpoint deleted', async () => {
    const [one, two] = await accept(pool, [newEvent({ tenant: 'acme' }), newEvent({ tenant: 'acme' })], {
      claimedBy: null,
    });
    await transaction(pool, (db) => endDeliveries(db, [one!.made[0]!.id], 'CANCELLED', 'enough'));
    await transaction(pool, (db) => endDeliveries(db, [two!.made[0]!.id], 'FAILED', 'ENDPOINT_DELETED'));
    expect(await types()).toEqual([]);
  });
});

describe('nothing is written', () => {
  it('about the operator’s own endpoints and deliveries', async () => {
    await pool.query(`update endpoints set failing_since = now() - interval '25 hours' where id = $1`, [
      operatorId,
    ]);
    await attempt('failed', { tenant: 'surehook' });
    await attempt('failed', { tenant: 'surehook', gone: true });
    expect(await types()).toEqual([]);
  });

  it.each([['order.*'], ['endpoint.recovered']])('while nobody subscribes but to %s', async (type) => {
    await pool.query('update endpoints set event_types = $2 where id = $1', [operatorId, [type]]);
    await failing('25 hours');
    await attempt('failed');
    await attempt('failed', { gone: true });
    expect(await types()).toEqual([]);
  });

  it('after the subscribed endpoint was deleted', async () => {
    await pool.query('update endpoints set deleted_at = now() where id = $1', [operatorId]);
    await attempt('failed');
    expect(await types()).toEqual([]);
  });

  it('by a change that is rolled back', async () => {
    const [event] = await accept(pool, [newEvent({ tenant: 'acme' })], { claimedBy: null });
    await expect(
      transaction(pool, async (db) => {
        await endDeliveries(db, [event!.made[0]!.id], 'FAILED', 'by hand');
        throw new Error('changed my mind');
      }),
    ).rejects.toThrow('changed my mind');
    expect(await types()).toEqual([]);
    expect(await claimDelivery(pool, event!.made[0]!.id, { process: 'p', now: true })).not.toBeNull();
  });
});

it('processes that claim at the same time get different events, and a lost claim is due again', async () => {
  for (let n = 0; n < 30; n++) await attempt('failed');
  const claims = await Promise.all(Array.from({ length: 4 }, () => claimOperationalEvents(pool, 10)));
  const ids = claims.flat().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  while (ids.length < 30) ids.push(...(await claimOperationalEvents(pool, 10)).map(({ id }) => id));
  expect(new Set(ids).size).toBe(30);
  expect(await claimOperationalEvents(pool, 10)).toEqual([]);
  await removeOperationalEvents(pool, ids.slice(1));
  await pool.query(`update operational_events set accept_at = accept_at - interval '31 seconds'`);
  expect((await claimOperationalEvents(pool, 10)).map(({ id }) => id)).toEqual([ids[0]]);
});
