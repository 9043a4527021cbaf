import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  claimDelivery,
  endDeliveries,
  endLostClaims,
  recordAttempt,
  recordAttempts,
  writeAttempts,
} from '../../../src/db/open-deliveries/index.js';
import { transaction, type Pool } from '../../../src/db/pool.js';
import { lostRecord } from '../../../src/delivery/attempt-record.js';
import {
  accept,
  addEndpoint,
  newEvent,
  openTestDatabase,
  type TestDatabase,
  readDelivery,
  recordOf,
  testAttempt,
  type Result,
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
/** A delivery to an endpoint of its own, claimed for the first time by `p1`. */
async function claimed(maxAttempts = 3): Promise<{ id: string; endpointId: string }> {
  const tenant = `record_${nth++}`;
  const endpointId = await addEndpoint(pool, { tenant });
  const [event] = await accept(pool, [newEvent({ tenant, maxAttempts })]);
  return { id: event!.made[0]!.id, endpointId };
}
const record = (
  about: Parameters<typeof recordOf>[0],
  result: Result,
  over: Parameters<typeof recordOf>[2] = {},
) => recordAttempts(pool, [recordOf(about, result, over)]);
const read = (id: string) => readDelivery(pool, id);
const endpoint = async (id: string) =>
  (
    await pool.query<{ status: string; status_reason: string; failing_since: Date | null }>(
      'select status, status_reason, failing_since from endpoints where id = $1',
      [id],
    )
  ).rows[0]!;
/** Ends its claim as lost. */
async function lose(id: string): Promise<void> {
  await pool.query(`update open_deliveries set claim_until = now() - interval '1 ms' where id = $1`, [id]);
  expect(await endLostClaims(pool, { dead: null, limit: 10, startsOpen: false }, lostRecord)).toBe(1);
}
const again = async (id: string) => (await claimDelivery(pool, id, { process: 'p2', now: true }))!;

describe('recording an attempt under its claim', () => {
  it('ends a delivery that was delivered', async () => {
    const { id } = await claimed();
    await record({ id, claim: 1 }, 'delivered');
    expect(await read(id)).toMatchObject({
      status: 'DELIVERED',
      status_reason: null,
      attempt_count: 1,
      last_classification: 'DELIVERED',
      is_open: false,
      attempts: [{ number: 1, classification: 'DELIVERED' }],
    });
  });

  it('makes a delivery ready for its retry, at the time in its attempt', async () => {
    const { id } = await claimed();
    await record({ id, claim: 1, inMs: 5_000 }, 'retry');
    const after = await read(id);
    expect(after).toMatchObject({
      status: 'IN_PROGRESS',
      attempt_count: 1,
      last_classification: 'HTTP_5XX_RETRYABLE',
      claimed_by: null,
      run_by: 'workflow',
    });
    expect(after.attempts).toMatchObject([{ next_attempt_at: after.next_attempt_at!.toISOString() }]);
    const inMs = after.next_attempt_at!.getTime() - Date.now();
    expect(Math.abs(inMs - 5_000)).toBeLessThan(3_000);
  });

  it('has a workflow started for a delivery that is open after its first attempt, where asked', async () => {
    const [open, ended, none] = [await claimed(), await claimed(), await claimed()];
    await recordAttempts(
      pool,
      [recordOf({ id: open.id, claim: 1 }, 'retry'), recordOf({ id: ended.id, claim: 1 }, 'delivered')],
      true,
    );
    await record({ id: none.id, claim: 1 }, 'retry');
    const second = recordOf({ id: open.id, claim: (await again(open.id)).claim, number: 2 }, 'retry');
    await recordAttempts(pool, [second], true);
    const { rows } = await pool.query(
      `select d.id, s.delivery_id from workflow_starts s join open_deliveries d using (workflow_id)
       where d.id = any($1)`,
      [[open.id, ended.id, none.id]],
    );
    expect(rows).toEqual([{ id: open.id, delivery_id: null }]);
  });

  it('ends a delivery that failed for good, with the reason', async () => {
    const { id } = await claimed();
    await record({ id, claim: 1 }, 'failed');
    expect(await read(id)).toMatchObject({
      status: 'FAILED',
      status_reason: 'ATTEMPTS_EXHAUSTED',
      next_attempt_at: null,
      is_open: false,
    });
  });

  it('changes nothing when it is repeated', async () => {
    const { id } = await claimed();
    const first = recordOf({ id, claim: 1 }, 'retry');
    await recordAttempts(pool, [first]);
    const before = await read(id);
    await recordAttempts(pool, [first]);
    expect(await read(id)).toEqual(before);
    const { claim } = await again(id);
    await recordAttempts(pool, [first]);
    expect(await read(id)).toEqual({ ...before, claimed_by: 'p2', claim, run_by: 'workflow' });
    const second = recordOf({ id, claim, number: 2 }, 'delivered');
    await recordAttempts(pool, [second]);
    const ended = await read(id);
    await recordAttempts(pool, [first]);
    await recordAttempts(pool, [second]);
    expect(await read(id)).toEqual(ended);
  });

  it('records many deliveries at once, each as its own', async () => {
    const [one, two, three] = [await claimed(), await claimed(), await claimed()];
    await recordAttempts(pool, [
      recordOf({ id: one.id, claim: 1 }, 'retry'),
      recordOf({ id: two.id, claim: 1 }, 'failed'),
      recordOf({ id: three.id, claim: 1 }, 'delivered'),
    ]);
    const statuses = await Promise.all([one, two, three].map(async ({ id }) => (await read(id)).status));
    expect(statuses).toEqual(['IN_PROGRESS', 'FAILED', 'DELIVERED']);
  });

  it('does not take a claim that was never made', async () => {
    const { id } = await claimed();
    expect(await writeAttempts(pool, [recordOf({ id, claim: 2 }, 'delivered')])).toEqual([]);
    expect(await read(id)).toMatchObject({ status: 'PENDING', claimed_by: 'p1', claim: 1, attempts: [] });
  });

  it('leaves out answer text that Postgres cannot store, with a note', async () => {
    const { id } = await claimed();
    const about = { number: 1, classification: 'DELIVERED', http_status: 200 } as const;
    const attempt = testAttempt({ ...about, response_body: 'a\0b', error: '\ud800' });
    await recordAttempt(pool, recordOf({ id, claim: 1 }, 'delivered', { attempt }));
    const error = 'What the receiver answered could not be stored.';
    expect(await read(id)).toMatchObject({
      status: 'DELIVERED',
      attempts: [{ http_status: 200, response_body: null, error }],
    });
  });

  it('records an attempt whatever text its answer holds', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 64 });
    await addEndpoint(pool, { tenant: 'text' });
    await fc.assert(
      fc.asyncProperty(text, text, fc.dictionary(text, text), async (body, error, headers) => {
        const [event] = await accept(pool, [newEvent({ tenant: 'text' })]);
        const { id } = event!.made[0]!;
        const over = { response_body: body, error, response_headers: headers };
        const { attempt } = recordOf({ id, claim: 1 }, 'delivered');
        await recordAttempt(
          pool,
          recordOf({ id, claim: 1 }, 'delivered', { attempt: { ...attempt, ...over } }),
        );
        expect(await read(id)).toMatchObject({ status: 'DELIVERED', attempts: [{ number: 1 }] });
      }),
      { numRuns: 40 },
    );
  });
});

describe('recording an attempt whose claim was lost', () => {
  const next = { next_attempt_at: new Date(Date.now() + 60_000).toISOString() };

  it('replaces WORKER_LOST by a late success, and ends the ready delivery', async () => {
    const { id } = await claimed();
    await lose(id);
    expect(await read(id)).toMatchObject({
      status: 'IN_PROGRESS',
      claimed_by: null,
      run_by: 'queue',
      attempts: [{ number: 1, classification: 'WORKER_LOST' }],
    });
    await record({ id, claim: 1 }, 'delivered');
    expect(await read(id)).toMatchObject({
      status: 'DELIVERED',
      status_reason: null,
      attempt_count: 1,
      is_open: false,
      attempts: [{ number: 1, classification: 'DELIVERED', error: null, next_attempt_at: null }],
    });
  });

  it('ends the delivery by a late success during its next attempt, which is recorded, too', async () => {
    const { id } = await claimed();
    await lose(id);
    const { claim, attempt_count } = await again(id);
    expect({ claim, attempt_count }).toEqual({ claim: 2, attempt_count: 1 });
    await record({ id, claim: 1 }, 'delivered');
    expect(await read(id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1, is_open: false });
    await record({ id, claim, number: 2 }, 'failed');
    expect(await read(id)).toMatchObject({
      status: 'DELIVERED',
      attempt_count: 2,
      last_classification: 'DELIVERED',
      attempts: [{ classification: 'DELIVERED' }, { classification: 'HTTP_5XX_RETRYABLE' }],
    });
  });

  it('makes a delivery that ended as WORKER_LOST, or was cancelled, DELIVERED by a late success', async () => {
    const { id } = await claimed(1);
    await lose(id);
    expect(await read(id)).toMatchObject({ status: 'FAILED', status_reason: 'WORKER_LOST', is_open: false });
    await record({ id, claim: 1 }, 'delivered');
    expect(await read(id)).toMatchObject({ status: 'DELIVERED', status_reason: null, attempt_count: 1 });

    const { id: cancelled } = await claimed();
    await transaction(pool, (db) => endDeliveries(db, [cancelled], 'CANCELLED', 'enough'));
    await lose(cancelled);
    expect(await read(cancelled)).toMatchObject({
      status: 'CANCELLED',
      status_reason: 'enough',
      is_open: false,
    });
    await record({ id: cancelled, claim: 1 }, 'delivered');
    expect(await read(cancelled)).toMatchObject({ status: 'DELIVERED', status_reason: null });
  });

  it('does not change an ended delivery whose end an answer decided', async () => {
    const { id } = await claimed(2);
    await lose(id);
    const { claim } = await again(id);
    await record({ id, claim, number: 2 }, 'failed');
    await record({ id, claim: 1 }, 'delivered');
    expect(await read(id)).toMatchObject({
      status: 'FAILED',
      status_reason: 'ATTEMPTS_EXHAUSTED',
      attempt_count: 2,
      attempts: [{ classification: 'DELIVERED' }, { classification: 'HTTP_5XX_RETRYABLE' }],
    });
  });

  it('replaces WORKER_LOST by a late failure, but not the time of the next attempt', async () => {
    const { id } = await claimed();
    await lose(id);
    const [lost] = (await read(id)).attempts;
    await record({ id, claim: 1 }, 'retry', { attempt: testAttempt(next) });
    expect((await read(id)).attempts).toMatchObject([
      { classification: 'HTTP_5XX_RETRYABLE', id: lost!.id, next_attempt_at: lost!.next_attempt_at },
    ]);
  });

  it('keeps the first record of an attempt that counts as lost twice', async () => {
    const { id } = await claimed();
    await lose(id);
    const before = await read(id);
    await recordAttempts(pool, [lostRecord({ id, claim: 1, attempt_count: 0, max_attempts: 3 })]);
    expect(await read(id)).toEqual(before);
  });

  it('waits for the transaction that ends the delivery, and still makes it DELIVERED', async () => {
    const { id } = await claimed();
    await lose(id);
    const client = await pool.connect();
    await client.query('begin');
    await endDeliveries(client, [id], 'CANCELLED', 'enough');
    const late = record({ id, claim: 1 }, 'delivered');
    await expect.poll(() => lockWaits(pool)).toBe(1);
    await client.query('commit');
    client.release();
    await late;
    expect(await read(id)).toMatchObject({ status: 'DELIVERED', is_open: false });
  });
});

describe('recording an attempt of a delivery that was cancelled meanwhile', () => {
  async function cancelled(): Promise<string> {
    const { id } = await claimed();
    await transaction(pool, (db) => endDeliveries(db, [id], 'CANCELLED', 'enough'));
    expect(await read(id)).toMatchObject({ status: 'CANCELLED', is_open: true, claimed_by: 'p1' });
    return id;
  }

  it('makes it DELIVERED by a success', async () => {
    const id = await cancelled();
    await record({ id, claim: 1 }, 'delivered');
    expect(await read(id)).toMatchObject({ status: 'DELIVERED', status_reason: null, is_open: false });
  });

  it('ends it as CANCELLED by anything else, without a next attempt', async () => {
    const retried = await cancelled();
    await record({ id: retried, claim: 1 }, 'retry');
    const failed = await cancelled();
    await record({ id: failed, claim: 1 }, 'failed');
    const lost = await cancelled();
    await lose(lost);
    for (const id of [retried, failed, lost]) {
      expect(await read(id)).toMatchObject({
        status: 'CANCELLED',
        status_reason: 'enough',
        attempt_count: 1,
        is_open: false,
        attempts: [{ next_attempt_at: null }],
      });
    }
  });
});

describe('the endpoint of a recorded attempt', () => {
  it('is failing from its first failure to its next success', async () => {
    const { id, endpointId } = await claimed();
    await record({ id, claim: 1 }, 'retry');
    expect(Date.now() - (await endpoint(endpointId)).failing_since!.getTime()).toBeLessThan(60_000);
    const { claim } = await again(id);
    await record({ id, claim, number: 2 }, 'delivered');
    expect(await endpoint(endpointId)).toMatchObject({ status: 'enabled', failing_since: null });
  });

  it('is disabled when a delivery fails after five days without a success', async () => {
    const { id, endpointId } = await claimed();
    await record({ id, claim: 1 }, 'retry');
    const since = `now() - interval '5 days 1 second'`;
    // Warned of when the last day began.
    await pool.query(
      `update endpoints set failing_since = ${since}, failing_warned_at = ${since} + interval '4 days' where id = $1`,
      [endpointId],
    );
    await record({ id, claim: (await again(id)).claim, number: 2 }, 'retry');
    expect(await endpoint(endpointId)).toMatchObject({ status: 'enabled' });
    await record({ id, claim: (await again(id)).claim, number: 3 }, 'failed');
    expect(await endpoint(endpointId)).toMatchObject({ status: 'disabled', status_reason: 'failing' });
    const { rows } = await pool.query(
      'select actor, action, reason, tenant, before, after from audit where object = $1',
      [endpointId],
    );
    expect(rows).toMatchObject([
      {
        ...{ actor: 'surehook', action: 'endpoint.disable', reason: 'failing', tenant: `record_${nth - 1}` },
        ...{ before: { status: 'enabled' }, after: { status: 'disabled', status_reason: 'failing' } },
      },
    ]);
  });

  it('is not failing because of a lost worker', async () => {
    const { id, endpointId } = await claimed();
    await lose(id);
    expect(await endpoint(endpointId)).toMatchObject({ failing_since: null });
  });

  it('is disabled by a 410 from its URL, but not by one from a former URL', async () => {
    const { id, endpointId } = await claimed();
    await record({ id, claim: 1 }, 'failed', { gone: true, url: 'http://127.0.0.1:1/before' });
    expect(await endpoint(endpointId)).toMatchObject({ status: 'enabled' });
    const [event] = await accept(pool, [newEvent({ tenant: `record_${nth - 1}` })]);
    await record({ id: event!.made[0]!.id, claim: 1 }, 'failed', { gone: true });
    expect(await endpoint(endpointId)).toMatchObject({ status: 'disabled', status_reason: 'gone' });
  });
});
