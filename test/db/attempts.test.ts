import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { recordAttempt, recordAttempts, type AttemptRecord } from '../../src/db/attempts.js';
import type { Db } from '../../src/db/pool.js';
import { attemptRecord, lostAttempt } from '../../src/delivery/attempt.js';
import type { Attempt } from '../../src/domain/delivery.js';
import { newId } from '../../src/lib/ids.js';
import { createEndpoint, getDelivery, postEvent } from '../support/path.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  // No worker runs: the only attempts are those of these tests.
  t = await startTestService({ role: 'api', sweepEveryMs: 3_600_000 });
});
afterAll(() => t.stop());

let nth = 0;
async function delivery(): Promise<{ id: string; endpointId: string; tenant: string }> {
  const tenant = `tenant_${nth++}`;
  const { id: endpointId } = await createEndpoint(t, 'http://127.0.0.1:1/', { tenant });
  const { deliveries } = await postEvent(t, { tenant });
  return { id: deliveries[0]!.id, endpointId, tenant };
}

function attempt(over: Partial<Attempt>): Attempt {
  return {
    id: newId('att'),
    number: 1,
    started_at: new Date().toISOString(),
    latency_ms: 1,
    timings: null,
    remote_address: null,
    http_status: 500,
    classification: 'HTTP_5XX_RETRYABLE',
    error: null,
    request_headers: {},
    response_headers: {},
    response_body: '',
    truncated: false,
    retry_after: null,
    next_attempt_at: null,
    ...over,
  };
}

const record = (deliveryId: string, over: Partial<Attempt>, rest: Partial<AttemptRecord> = {}) =>
  recordAttempt(t.pool, {
    deliveryId,
    attempt: attempt(over),
    status: 'IN_PROGRESS',
    reason: null,
    gone: false,
    ...rest,
  });
const delivered = { http_status: 200, classification: 'DELIVERED' } as const;

test('an attempt from a machine whose clock is behind is shown', async () => {
  const { id } = await delivery();
  await record(id, { id: newId('att', new Date(Date.now() - 60_000)) });
  expect((await getDelivery(t, id)).attempts).toHaveLength(1);
});

test('recording an attempt twice changes nothing', async () => {
  const { id } = await delivery();
  const first = { id: newId('att') };
  await record(id, first);
  const before = await getDelivery(t, id);
  await record(id, first);
  expect(await getDelivery(t, id)).toEqual(before);
  expect(before.attempts).toHaveLength(1);
});

test('a late success replaces WORKER_LOST in its attempt, and ends the delivery', async () => {
  const { id } = await delivery();
  await record(id, { classification: 'WORKER_LOST', http_status: null, error: 'lost' });
  await record(id, { ...delivered, response_body: 'ok' });
  const after = await getDelivery(t, id);
  expect(after).toMatchObject({ status: 'DELIVERED', attempt_count: 1, next_attempt_at: null });
  expect(after.attempts).toMatchObject([
    { number: 1, classification: 'DELIVERED', response_body: 'ok', error: null },
  ]);
});

test('a late failure replaces WORKER_LOST in its attempt, but not the time of the next attempt', async () => {
  const { id } = await delivery();
  const next = new Date().toISOString();
  await record(id, { classification: 'WORKER_LOST', http_status: null, next_attempt_at: next });
  const [lost] = (await getDelivery(t, id)).attempts;
  await record(id, { next_attempt_at: new Date(Date.now() + 60_000).toISOString() });
  expect((await getDelivery(t, id)).attempts).toMatchObject([
    { classification: 'HTTP_5XX_RETRYABLE', next_attempt_at: lost!.next_attempt_at },
  ]);
});

test('a late answer changes neither an ended delivery nor an attempt that already has an answer', async () => {
  const { id } = await delivery();
  await record(id, {}, { status: 'FAILED', reason: 'ATTEMPTS_EXHAUSTED' });
  await record(id, delivered, { status: 'DELIVERED' });
  const after = await getDelivery(t, id);
  expect(after).toMatchObject({ status: 'FAILED', status_reason: 'ATTEMPTS_EXHAUSTED' });
  expect(after.attempts).toMatchObject([{ classification: 'HTTP_5XX_RETRYABLE' }]);
});

test('an endpoint without a success for five days is disabled when a delivery fails', async () => {
  const endpointOf = async (id: string) =>
    (await t.call<Record<string, unknown>>('GET', `/v1/endpoints/${id}`)).body;
  const { id, endpointId } = await delivery();
  await record(id, {});
  const since = (await endpointOf(endpointId)).failing_since;
  expect(Date.now() - Date.parse(String(since))).toBeLessThan(5_000);
  await record(id, { number: 2, ...delivered }, { status: 'DELIVERED' });
  expect(await endpointOf(endpointId)).toMatchObject({ status: 'enabled', failing_since: null });

  const { id: later, endpointId: failing } = await delivery();
  await record(later, {});
  await t.pool.query(
    `update endpoints set failing_since = now() - interval '5 days 1 second' where id = $1`,
    [failing],
  );
  await record(later, { number: 2 });
  expect(await endpointOf(failing)).toMatchObject({ status: 'enabled' });
  await record(later, { number: 3 }, { status: 'FAILED', reason: 'ATTEMPTS_EXHAUSTED' });
  expect(await endpointOf(failing)).toMatchObject({ status: 'disabled', status_reason: 'failing' });
  const audit = await t.call<{ data: object[] }>(
    'GET',
    `/v1/audit?object=${failing}&action=endpoint.disable`,
  );
  expect(audit.body.data).toMatchObject([{ actor: 'surehook', reason: 'failing' }]);

  expect((await t.call('POST', `/v1/endpoints/${failing}/enable`)).body).toMatchObject({
    status: 'enabled',
    status_reason: null,
    failing_since: null,
  });
});

test('a lost worker does not count against an endpoint', async () => {
  const { id, endpointId } = await delivery();
  await record(id, { classification: 'WORKER_LOST', http_status: null });
  expect((await t.call('GET', `/v1/endpoints/${endpointId}`)).body).toMatchObject({ failing_since: null });
});

test('answer text that Postgres cannot store is left out with a note, and the delivery ends as usual', async () => {
  const { id } = await delivery();
  await record(id, { ...delivered, response_body: 'a\0b', error: '\ud800' }, { status: 'DELIVERED' });
  const after = await getDelivery(t, id);
  expect(after).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(after.attempts).toMatchObject([
    {
      classification: 'DELIVERED',
      http_status: 200,
      response_body: null,
      error: 'What the receiver answered could not be stored.',
    },
  ]);
});

test('an attempt is recorded whatever text its answer holds', async () => {
  const text = fc.string({ unit: 'binary', maxLength: 64 });
  await fc.assert(
    fc.asyncProperty(text, text, fc.dictionary(text, text), async (body, error, headers) => {
      const { id } = await delivery();
      await record(
        id,
        { ...delivered, response_body: body, error, response_headers: headers },
        { status: 'DELIVERED' },
      );
      expect(await getDelivery(t, id)).toMatchObject({ status: 'DELIVERED', attempts: [{ number: 1 }] });
    }),
    { numRuns: 40 },
  );
});

test('a 410 from a former URL of an endpoint does not disable it', async () => {
  const { id, endpointId } = await delivery();
  const gone = { http_status: 410, classification: 'GONE' } as const;
  const rest = { status: 'FAILED', reason: 'GONE', gone: true } as const;
  await record(id, gone, { ...rest, url: 'http://127.0.0.1:1/before' });
  const status = async () => (await t.call('GET', `/v1/endpoints/${endpointId}`)).body.status;
  expect(await status()).toBe('enabled');
  const { deliveries } = await postEvent(t, { tenant: `tenant_${nth - 1}` });
  await record(deliveries[0]!.id, gone, { ...rest, url: 'http://127.0.0.1:1/' });
  expect(await status()).toBe('disabled');
});

test('recording an attempt is retried after a deadlock', async () => {
  const { id } = await delivery();
  let asked = 0;
  const query = (...given: Parameters<typeof t.pool.query>) =>
    asked++ === 0
      ? Promise.reject(Object.assign(new Error('deadlock detected'), { code: '40P01' }))
      : t.pool.query(...given);
  await recordAttempts({ query } as unknown as Db, [
    { deliveryId: id, attempt: attempt(delivered), status: 'DELIVERED', reason: null, gone: false },
  ]);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
});

test('recording an attempt as lost twice keeps the first record', async () => {
  const { id } = await delivery();
  const lost = { classification: 'WORKER_LOST', http_status: null } as const;
  await record(id, { ...lost, started_at: '2026-01-01T00:00:00.000Z' });
  await record(id, lost);
  expect((await getDelivery(t, id)).attempts).toMatchObject([{ started_at: '2026-01-01T00:00:00.000Z' }]);
});

test('a late success of the last attempt turns a delivery FAILED as WORKER_LOST into DELIVERED', async () => {
  const { id } = await delivery();
  await recordAttempts(t.pool, [attemptRecord(id, lostAttempt(1, null), 'retry')]);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'FAILED', status_reason: 'WORKER_LOST' });
  await recordAttempts(t.pool, [attemptRecord(id, attempt(delivered), 'delivered')]);
  expect(await getDelivery(t, id)).toMatchObject({
    ...{ status: 'DELIVERED', status_reason: null, attempt_count: 1 },
    attempts: [{ classification: 'DELIVERED' }],
  });
});
