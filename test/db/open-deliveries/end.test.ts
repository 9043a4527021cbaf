import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  attemptNow,
  cancelDelivery,
  claimDelivery,
  endDeliveries,
  endDeliveriesOf,
  endLostClaims,
  recordAttempts,
  releaseClaims,
  type EndStatus,
  type ReleasedClaim,
} from '../../../src/db/open-deliveries/index.js';
import { transaction, type Pool } from '../../../src/db/pool.js';
import { lostRecord } from '../../../src/delivery/attempt-record.js';
import { newId } from '../../../src/lib/ids.js';
import { actorNamed } from '../../support/actor.js';
import {
  accept,
  addEndpoint,
  newEvent,
  openTestDatabase,
  readDelivery,
  recordOf,
  type TestDatabase,
} from '../../support/open-deliveries.js';
import { lockWaits } from '../../support/lock-waits.js';

let pool: Pool;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  pool = database.pool;
});
afterAll(() => database.close());

let nth = 0;
interface Made {
  id: string;
  endpointId: string;
}
async function deliveryOf(claimedBy: string | null): Promise<Made> {
  const tenant = `end_${nth++}`;
  const endpointId = await addEndpoint(pool, { tenant });
  const [event] = await accept(pool, [newEvent({ tenant })], { claimedBy });
  return { id: event!.made[0]!.id, endpointId };
}
const ready = () => deliveryOf(null);
const claimed = () => deliveryOf('p1');
const read = (id: string) => readDelivery(pool, id);
const end = (ids: string[], status: EndStatus = 'CANCELLED', reason = 'enough') =>
  transaction(pool, (db) => endDeliveries(db, ids, status, reason));
const release = (id: string, over: Partial<ReleasedClaim> = {}) =>
  releaseClaims(pool, [{ id, claim: 1, inMs: null, backOff: false, reason: null, ...over }]);
const dueInMs = async (id: string) =>
  (
    await pool.query<{ ms: number }>(
      'select (extract(epoch from run_at - now()) * 1000)::float8 as ms from open_deliveries where id = $1',
      [id],
    )
  ).rows[0]!.ms;

describe('ending open deliveries', () => {
  it('ends a ready delivery at once', async () => {
    const { id } = await ready();
    expect(await end([id])).toEqual([id]);
    expect(await read(id)).toMatchObject({
      status: 'CANCELLED',
      status_reason: 'enough',
      attempt_count: 0,
      is_open: false,
    });
    expect(await end([id])).toEqual([]);
    expect(await attemptNow(pool, id)).toBe(false);
    expect(await claimDelivery(pool, id, { process: 'p1', now: true })).toBeNull();
  });

  it('shows the end of a claimed delivery at once, and decides it once', async () => {
    const { id } = await claimed();
    expect(await end([id])).toEqual([id]);
    const after = await read(id);
    expect(after).toMatchObject({
      status: 'CANCELLED',
      status_reason: 'enough',
      is_open: true,
      completed_at: null,
    });
    expect(await end([id], 'FAILED', 'other')).toEqual([]);
    expect(await read(id)).toEqual(after);
  });

  it('ends many at once, and returns those that it ended or marked', async () => {
    const [one, two, three] = [await ready(), await claimed(), await ready()];
    await end([three.id]);
    const ended = await end([one.id, two.id, three.id, newId('del')]);
    expect(ended.sort()).toEqual([one.id, two.id].sort());
  });

  it('keeps the classification of the last attempt, but for a deleted endpoint', async () => {
    const [one, two] = [await claimed(), await claimed()];
    for (const { id } of [one, two]) await recordAttempts(pool, [recordOf({ id, claim: 1 }, 'retry')]);
    await end([one.id]);
    await end([two.id], 'FAILED', 'ENDPOINT_DELETED');
    expect(await read(one.id)).toMatchObject({ last_classification: 'HTTP_5XX_RETRYABLE', attempt_count: 1 });
    expect(await read(two.id)).toMatchObject({ last_classification: 'ENDPOINT_DELETED', attempt_count: 1 });
  });

  it('ends what became claimed, or ready, while it waited for the row', async () => {
    for (const [made, change, isOpen] of [
      [
        await ready(),
        `claimed_by = 'p2', claim_until = now() + interval '1 minute', claim = claim + 1`,
        true,
      ],
      [await claimed(), 'claimed_by = null, claim_until = null', false],
    ] as const) {
      const client = await pool.connect();
      await client.query('begin');
      await client.query(`update open_deliveries set ${change} where id = $1`, [made.id]);
      const ending = end([made.id]);
      await expect.poll(() => lockWaits(pool)).toBeGreaterThan(0);
      await client.query('commit');
      client.release();
      expect(await ending).toEqual([made.id]);
      expect(await read(made.id)).toMatchObject({ status: 'CANCELLED', is_open: isOpen });
    }
  });

  it('is audited when an operator cancels a delivery, once', async () => {
    const { id } = await ready();
    expect(await transaction(pool, (db) => cancelDelivery(db, id, actorNamed('me'), null))).toBe(true);
    expect(await transaction(pool, (db) => cancelDelivery(db, id, actorNamed('me'), null))).toBe(false);
    expect(await read(id)).toMatchObject({ status: 'CANCELLED', status_reason: 'cancelled by me' });
    const { rows } = await pool.query('select actor, action from audit where object = $1', [id]);
    expect(rows).toEqual([{ actor: 'me', action: 'delivery.cancel' }]);
  });
});

describe('releasing claims', () => {
  it('makes the delivery ready again, at its time, without using up an attempt', async () => {
    const { id } = await claimed();
    const before = await dueInMs(id);
    await release(id);
    expect(await read(id)).toMatchObject({
      status: 'PENDING',
      claimed_by: null,
      attempt_count: 0,
      attempts: [],
    });
    expect(await dueInMs(id)).toBeLessThanOrEqual(before);
    expect(await claimDelivery(pool, id, { process: 'p2', now: false })).toMatchObject({
      claim: 2,
      attempt_count: 0,
    });
  });

  it('puts the next attempt off, the longer the older the delivery is, but at most a minute', async () => {
    const [fresh, old, oldest] = [await claimed(), await claimed(), await claimed()];
    const age = (id: string, ago: string) =>
      pool.query('update open_deliveries set created_at = now() - $2::interval where id = $1', [id, ago]);
    await age(old.id, '100 s');
    await age(oldest.id, '1 day');
    for (const { id } of [fresh, old, oldest])
      await release(id, { inMs: 1_000, backOff: true, reason: 'our fault' });
    expect(await dueInMs(fresh.id)).toBeLessThan(5_000);
    expect(await dueInMs(old.id)).toBeGreaterThan(5_000);
    expect(await dueInMs(old.id)).toBeLessThan(20_000);
    expect(await dueInMs(oldest.id)).toBeGreaterThan(50_000);
    expect(await dueInMs(oldest.id)).toBeLessThanOrEqual(61_000);
    expect(await read(fresh.id)).toMatchObject({ status: 'PENDING', status_reason: 'our fault' });
  });

  it('changes nothing for another claim, or when it is repeated', async () => {
    const { id } = await claimed();
    await release(id, { claim: 2 });
    expect(await read(id)).toMatchObject({ claimed_by: 'p1' });
    await release(id);
    await claimDelivery(pool, id, { process: 'p2', now: true });
    await release(id);
    expect(await read(id)).toMatchObject({ claimed_by: 'p2', claim: 2 });
    await recordAttempts(pool, [recordOf({ id, claim: 2 }, 'delivered')]);
    await release(id, { claim: 2 });
    expect(await read(id)).toMatchObject({ status: 'DELIVERED', is_open: false });
  });

  it('ends a delivery as it was decided meanwhile', async () => {
    const [cancelled, deleted] = [await claimed(), await claimed()];
    await end([cancelled.id]);
    await end([deleted.id], 'FAILED', 'ENDPOINT_DELETED');
    for (const { id } of [cancelled, deleted]) await release(id, { inMs: 1_000, reason: 'our fault' });
    expect(await read(cancelled.id)).toMatchObject({
      status: 'CANCELLED',
      status_reason: 'enough',
      is_open: false,
    });
    expect(await read(deleted.id)).toMatchObject({
      status: 'FAILED',
      status_reason: 'ENDPOINT_DELETED',
      last_classification: 'ENDPOINT_DELETED',
      attempt_count: 0,
      is_open: false,
    });
  });

  it('shows a released delivery as HELD where something holds it', async () => {
    const { id, endpointId } = await claimed();
    const pause = `update endpoints set status = 'paused', status_reason = 'night' where id = $1`;
    await pool.query(pause, [endpointId]);
    expect(await read(id)).toMatchObject({ status: 'PENDING', claimed_by: 'p1' });
    await release(id);
    expect(await read(id)).toMatchObject({ status: 'HELD', status_reason: 'endpoint paused (night)' });
    expect(await attemptNow(pool, id)).toBe(true);
    expect(await claimDelivery(pool, id, { process: 'p1', now: true })).toBeNull();
  });
});

describe('the deliveries of a deleted endpoint', () => {
  it('end a page at a time, those that are claimed with their attempt', async () => {
    const tenant = `end_${nth++}`;
    const endpointId = await addEndpoint(pool, { tenant });
    const many = async (count: number, claimedBy: string | null) => {
      const events = Array.from({ length: count }, () => newEvent({ tenant }));
      return (await accept(pool, events, { claimedBy })).map(({ made }) => made[0]!.id);
    };
    const waiting = await many(5, null);
    const claims = await many(3, 'p1');
    await pool.query('update endpoints set deleted_at = now() where id = $1', [endpointId]);
    const page = (limit: number) => endDeliveriesOf(pool, endpointId, limit);
    expect([await page(3), await page(3), await page(3)]).toEqual([3, 2, 0]);
    const ended = { status: 'FAILED', status_reason: 'ENDPOINT_DELETED' };
    for (const id of waiting) expect(await read(id)).toMatchObject({ ...ended, is_open: false });
    for (const id of claims) expect(await read(id)).toMatchObject({ ...ended, is_open: true });
    const [retried, released, lost] = claims;
    await recordAttempts(pool, [recordOf({ id: retried!, claim: 1 }, 'retry')]);
    await release(released!);
    await pool.query('update open_deliveries set claim_until = now() where id = $1', [lost]);
    await endLostClaims(pool, { dead: null, limit: 10, startsOpen: false }, lostRecord);
    for (const id of claims) expect(await read(id)).toMatchObject({ ...ended, is_open: false });
    expect(await page(10)).toBe(0);
  });

  it('end when their claim is over, where the endpoint was deleted after the last look at it', async () => {
    const { id, endpointId } = await claimed();
    await recordAttempts(pool, [recordOf({ id, claim: 1 }, 'retry')]);
    await pool.query('update endpoints set deleted_at = now() where id = $1', [endpointId]);
    expect(await read(id)).toMatchObject({ status: 'IN_PROGRESS', is_open: true });
    expect(await endDeliveriesOf(pool, endpointId, 10)).toBe(1);
    expect(await read(id)).toMatchObject({
      status: 'FAILED',
      status_reason: 'ENDPOINT_DELETED',
      is_open: false,
    });
  });
});
