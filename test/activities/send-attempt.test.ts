import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createActivities, type ActivityDeps } from '../../activities/index.js';
import { recordAttempt, type AttemptRecord } from '../../src/db/attempts.js';
import { loadAttemptTargets, noteReason, setStatus } from '../../src/db/deliveries.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { OPEN_STATUSES } from '../../src/domain/delivery.js';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/retry-schedule.js';
import { newId } from '../../src/lib/ids.js';
import { createLogger } from '../../src/observability/logger.js';
import { createAddressGuard } from '../../src/webhook/address-guard.js';
import { createSender, type Sender } from '../../src/webhook/send.js';
import {
  isSendAttemptResult,
  type AttemptSummary,
  type SendAttemptResult,
  type Trail,
} from '../../workflows/contract.js';
import { createEndpoint, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
let sender: Sender;
let deps: ActivityDeps;
const told: AttemptSummary[] = [];

beforeAll(async () => {
  // The service's own worker listens elsewhere: here the activity is run by hand.
  t = await startTestService({ sweepEveryMs: 3_600_000 });
  sender = createSender({ guard: createAddressGuard(['127.0.0.0/8']) });
  deps = {
    load: async (id) => (await loadAttemptTargets(t.pool, [id]))[0]!,
    record: (record) => recordAttempt(t.pool, record),
    hold: async ({ id, reason }) => {
      await setStatus(t.pool, [id], OPEN_STATUSES, 'HELD', reason);
    },
    end: (ids, status, reason) => setStatus(t.pool, ids, OPEN_STATUSES, status, reason),
    tell: async (_execution, _deliveryId, attempt) => {
      told.push(attempt);
    },
    began: () => {},
    endByTemporal: () => Promise.resolve([]),
    auditCompleted: () => Promise.resolve(),
    note: ({ id, reason }) => noteReason(t.pool, id, reason),
    paused: () => null,
    count: () => {},
    sender,
    secrets: createSecretCipher(Buffer.alloc(32, 1).toString('base64')),
    retryPolicy: DEFAULT_RETRY_POLICY,
    retryScale: 1,
    version: 'test',
    log: createLogger('silent'),
  };
});
afterAll(async () => {
  await sender.close();
  await t.stop();
});
beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver.close();
});

/** A delivery that no workflow carries: its event and row are there, its start was never made. */
async function orphanDelivery(): Promise<string> {
  const endpoint = await createEndpoint(t, receiver.url, { event_types: ['none'] });
  const event = await postEvent(t, { type: 'orphan' });
  const { rows } = await t.pool.query<{ id: string }>(
    `insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at)
     select new_id('del', now()), id, $2, tenant, type, 12, workflow_id, now() from events where id = $1 returning id`,
    [event.id, endpoint.id],
  );
  return rows[0]!.id;
}

interface Run {
  result?: SendAttemptResult;
  failure?: ApplicationFailure;
  trail: Trail;
}

async function run(
  deliveryId: string,
  info: { attempt?: number; trail?: Trail },
  over: Partial<ActivityDeps> = {},
): Promise<Run> {
  const environment = new MockActivityEnvironment({
    attempt: info.attempt ?? 1,
    heartbeatDetails: info.trail,
  });
  let trail: Trail = { entries: [] };
  environment.on('heartbeat', (details: Trail) => (trail = details));
  const { sendAttempt } = createActivities({ ...deps, ...over });
  try {
    const result: SendAttemptResult = await environment.run(sendAttempt, {
      deliveryId,
      attemptsBefore: 0,
      maxAttempts: 12,
    });
    // Its workflow would set aside what it does not know.
    expect(isSendAttemptResult(result)).toBe(true);
    return { result, trail };
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) throw error;
    return { failure: error, trail };
  }
}

test('a 503 with Retry-After fails benignly with the exact delay, and the trail has the attempt', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 429, headers: { 'retry-after': '100' } }));
  const { failure, trail } = await run(id, {});
  expect(failure).toMatchObject({ type: 'RATE_LIMITED', nonRetryable: false, category: 'BENIGN' });
  expect(Number(failure!.nextRetryDelay)).toBe(100_000);
  expect(trail.entries).toMatchObject([{ temporalAttempt: 1, attempt: { number: 1, retry_after: '100' } }]);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  expect(told.at(-1)).toMatchObject({ number: 1, classification: 'RATE_LIMITED', http_status: 429 });
});

test('a date in Retry-After is by the clock of the receiver, which may not be ours', async () => {
  const id = await orphanDelivery();
  const at = (ms: number) => new Date(Date.now() + 120_000 + ms).toUTCString();
  receiver.setBehaviour(() => ({ status: 503, headers: { date: at(0), 'retry-after': at(60_000) } }));
  const { failure } = await run(id, {});
  // Both dates are whole seconds.
  expect(Math.abs(Number(failure!.nextRetryDelay) - 60_000)).toBeLessThanOrEqual(1_000);
});

test('deliveries are looked up together, each for who asked', async () => {
  const ids = [await orphanDelivery(), await orphanDelivery()].reverse();
  const [last, none, first] = await loadAttemptTargets(t.pool, [ids[0]!, newId('del'), ids[1]!]);
  expect(none).toBeNull();
  const all = [await getDelivery(t, ids[0]!), await getDelivery(t, ids[1]!)];
  expect([last, first].map((target) => target!.event_id)).toEqual(all.map((one) => one.event_id));
  expect([last, first].map((target) => target!.endpoint.id)).toEqual(all.map((one) => one.endpoint_id));
});

test('a try whose worker died is an attempt of its own, WORKER_LOST, and the numbers go on', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 500 }));
  const first = await run(id, {});
  receiver.setBehaviour(() => ({ status: 200 }));
  const { result } = await run(id, { attempt: 3, trail: first.trail });
  expect(result).toMatchObject({ kind: 'delivered', unrecorded: [] });
  const delivery = await getDelivery(t, id);
  expect(delivery.attempts.map((a) => [a.number, a.classification])).toEqual([
    [1, 'HTTP_5XX_RETRYABLE'],
    [2, 'WORKER_LOST'],
    [3, 'DELIVERED'],
  ]);
  expect(receiver.requests.map((request) => request.headers['webhook-attempt'])).toEqual(['1', '3']);
});

test('after activity reset Temporal counts from 1 again, the delivery does not', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 500 }));
  const first = await run(id, {});
  const second = await run(id, { attempt: 2, trail: first.trail });
  const third = await run(id, { attempt: 1, trail: second.trail });
  expect(third.trail.entries.map((entry) => entry.attempt.number)).toEqual([1, 2, 3]);
  expect((await getDelivery(t, id)).attempts.map((a) => a.classification)).not.toContain('WORKER_LOST');
});

test('a try lost after activity reset is WORKER_LOST too', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 500 }));
  const first = await run(id, {});
  const second = await run(id, { attempt: 2, trail: first.trail });
  await run(id, { attempt: 2, trail: second.trail });
  expect((await getDelivery(t, id)).attempts.map((a) => [a.number, a.classification])).toEqual([
    [1, 'HTTP_5XX_RETRYABLE'],
    [2, 'HTTP_5XX_RETRYABLE'],
    [3, 'WORKER_LOST'],
    [4, 'HTTP_5XX_RETRYABLE'],
  ]);
});

test('a reset that throws the trail away loses no outcome: the history counts on', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 500 }));
  const first = await run(id, {});
  await run(id, { attempt: 2, trail: first.trail });
  receiver.setBehaviour(() => ({ status: 200 }));
  await run(id, { attempt: 1 });
  expect(await getDelivery(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 3 });
});

test('Postgres away before sending: nothing is sent, no attempt is used up', async () => {
  const id = await orphanDelivery();
  const { result } = await run(id, {}, { load: () => Promise.reject(new Error('away')) });
  expect(result).toMatchObject({ kind: 'held', attempts: [] });
  expect(receiver.requests).toEqual([]);
});

test('Postgres away after the receiver took it: delivered all the same, the record is handed on and recorded once', async () => {
  const id = await orphanDelivery();
  const { result } = await run(id, {}, { record: () => Promise.reject(new Error('away')) });
  expect(result).toMatchObject({
    kind: 'delivered',
    unrecorded: [{ number: 1, classification: 'DELIVERED' }],
  });
  expect(receiver.requests).toHaveLength(1);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'PENDING', attempts: [] });
  const { recordOutcome } = createActivities(deps);
  for (let i = 0; i < 2; i++) {
    await new MockActivityEnvironment().run(recordOutcome, { deliveryId: id, attempts: result!.unrecorded });
  }
  const delivery = await getDelivery(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(delivery.attempts).toHaveLength(1);
});

test('a failed attempt that could not be recorded ends the activity, for its workflow to record at once', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 500, headers: { 'x-own': 'their header' }, body: 'their answer' }));
  const { result, trail } = await run(id, {}, { record: () => Promise.reject(new Error('away')) });
  expect(result).toMatchObject({
    kind: 'retry',
    // 5 s, ±20 %: no time, because the worker's clock is not Temporal's.
    waitMs: expect.toSatisfy((ms: number) => ms >= 4_000 && ms <= 6_000) as number,
    unrecorded: [{ number: 1, classification: 'HTTP_5XX_RETRYABLE', truncated: true }],
  });
  // What they answered is readable nowhere in Temporal.
  expect(JSON.stringify([result, trail])).not.toMatch(/their/);
  await new MockActivityEnvironment().run(createActivities(deps).recordOutcome, {
    deliveryId: id,
    attempts: result!.unrecorded,
  });
  expect(await getDelivery(t, id)).toMatchObject({
    status: 'IN_PROGRESS',
    attempt_count: 1,
    attempts: [{ number: 1, http_status: 500 }],
  });
});

test('while an earlier attempt cannot be recorded none is made: it would be missing for good', async () => {
  const id = await orphanDelivery();
  const record = () => Promise.reject(new Error('away'));
  const { result } = await run(id, { attempt: 2 }, { record });
  expect(result).toMatchObject({ kind: 'held', unrecorded: [{ number: 1, classification: 'WORKER_LOST' }] });
  expect(receiver.requests).toEqual([]);
});

test('the trail tells of every attempt, and nothing of what was answered', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 503, headers: { 'x-own': 'their header' }, body: 'their answer' }));
  const { trail } = await run(id, {});
  expect(trail.entries).toMatchObject([
    { attempt: { number: 1, classification: 'HTTP_5XX_RETRYABLE', http_status: 503 } },
  ]);
  expect(JSON.stringify(trail)).not.toMatch(/their/);
  expect((await getDelivery(t, id)).attempts[0]).toMatchObject({ response_body: 'their answer' });
});

test('tries that ended with their worker, the last allowed one among them, are recorded and told', async () => {
  const id = await orphanDelivery();
  receiver.setBehaviour(() => ({ status: 500 }));
  const { trail } = await run(id, {});
  const { recordLost } = createActivities(deps);
  const input = { deliveryId: id, attemptsBefore: 0, maxAttempts: 3, trail, tries: 3 };
  const attempts: AttemptSummary[] = await new MockActivityEnvironment().run(recordLost, input);
  expect(attempts.map((a) => [a.number, a.classification])).toEqual([
    [1, 'HTTP_5XX_RETRYABLE'],
    [2, 'WORKER_LOST'],
    [3, 'WORKER_LOST'],
  ]);
  expect(await getDelivery(t, id)).toMatchObject({
    status: 'FAILED',
    status_reason: 'WORKER_LOST',
    attempt_count: 3,
  });
});

test('a delivery that has ended is not sent again, whatever comes late', async () => {
  const id = await orphanDelivery();
  await run(id, {});
  const again = await run(id, {});
  expect(again.result).toMatchObject({ kind: 'ended', status: 'DELIVERED' });
  expect(receiver.requests).toHaveLength(1);
  const late: AttemptRecord = {
    deliveryId: id,
    attempt: {
      ...(await getDelivery(t, id)).attempts[0]!,
      id: 'att_late',
      number: 2,
      classification: 'TIMEOUT',
    },
    status: 'FAILED',
    reason: 'late',
    gone: false,
  };
  await recordAttempt(t.pool, late);
  expect((await getDelivery(t, id)).status).toBe('DELIVERED');
});
