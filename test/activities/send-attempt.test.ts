import { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createActivities, type ActivityDeps } from '../../activities/index.js';
import { loadAttemptTargets, readProgress } from '../../src/db/deliveries.js';
import { loadEndpointTargets } from '../../src/db/endpoint-targets.js';
import {
  cancelDelivery,
  claimDelivery,
  assignToWorkflow,
  recordAttempt,
  releaseClaims,
  type AttemptRecord,
} from '../../src/db/open-deliveries/index.js';
import { transaction } from '../../src/db/pool.js';
import type { AttemptDeps } from '../../src/delivery/attempt.js';
import { attemptRecord, lostRecord } from '../../src/delivery/attempt-record.js';
import { createRunner, type Runner } from '../../src/delivery/runner.js';
import { createReadSending } from '../../src/delivery/sending.js';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/retry-schedule.js';
import { newId } from '../../src/lib/ids.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { createLogger } from '../../src/observability/logger.js';
import { createAddressGuard } from '../../src/webhook/address-guard.js';
import { createSender, type Sender } from '../../src/webhook/send.js';
import {
  isSendAttemptResult,
  type AttemptSummary,
  type SendAttemptResult,
  type Trail,
  type UnrecordedAttempt,
} from '../../workflows/contract.js';
import { actorNamed } from '../support/actor.js';
import { createEndpoint, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { ENCRYPTION_KEY, eventually, startTestService, type TestService } from '../support/service.js';

const PROCESS = 'prc_test';
const log = createLogger('silent');

let t: TestService;
let receiver: Receiver;
let sender: Sender;
let runner: Runner;
let deps: ActivityDeps;
let postgresAway = false;
const signalled: AttemptSummary[] = [];

beforeAll(async () => {
  // A service that makes no attempts: deliveries stay ready, and the activity is run by hand.
  t = await startTestService({ role: 'api', attempts: false, workflows: 'none' });
  sender = createSender({ guard: createAddressGuard(['127.0.0.0/8']) });
  const secrets = createSecretCipher([ENCRYPTION_KEY]);
  const attempt: AttemptDeps = {
    load: async (claim) => (await loadAttemptTargets(t.pool, [claim]))[0]!,
    record: (record) =>
      postgresAway ? Promise.reject(new Error('away')) : recordAttempt(t.pool, record, false),
    end: () => Promise.resolve(),
    paused: () => null,
    alive: () => true,
    count: () => {},
    readSending: createReadSending(secrets),
    ...{ sender, retryPolicy: DEFAULT_RETRY_POLICY, retryScale: 1, version: 'test', log },
  };
  runner = createRunner({
    attempt,
    endpoints: { get: async (id) => (await loadEndpointTargets(t.pool, [id]))[0]! },
    release: (claims) => releaseClaims(t.pool, claims),
    current: () => false,
    log,
  });
  deps = {
    join: (id) => runner.join(id),
    run: (claimed, claimedAt) => runner.run(claimed, claimedAt),
    isRecording: (id) => runner.isRecording(id),
    read: (id) => readProgress(t.pool, id),
    claim: (id, { now }) => claimDelivery(t.pool, id, { process: PROCESS, now }),
    assignToWorkflow: (id) => assignToWorkflow(t.pool, id),
    attempted: async (_execution, _deliveryId, summary) => void signalled.push(summary),
    record: attempt.record,
    listDeliveries: () => Promise.resolve([]),
    end: () => Promise.resolve(),
    endByTemporal: () => Promise.resolve([]),
    auditCompleted: () => Promise.resolve(),
    ...{ secrets, log },
  };
});
afterAll(async () => {
  await runner.close();
  await sender.close();
  await t.stop();
});
beforeEach(async () => {
  postgresAway = false;
  receiver = await startReceiver();
  return () => receiver.close();
});

/** A delivery that is ready, to an endpoint of its own. */
async function ready(over: Record<string, unknown> = {}): Promise<string> {
  const tenant = newId('evt');
  await createEndpoint(t, receiver.url, { tenant, ...over });
  return (await postEvent(t, { tenant })).deliveries[0]!.id;
}

interface Run {
  result?: SendAttemptResult;
  failure?: ApplicationFailure;
  trail: Trail;
}

async function run(
  deliveryId: string,
  info: { attempt?: number; trail?: Trail; reset?: true } = {},
  over: Partial<ActivityDeps> = {},
): Promise<Run> {
  const environment = new MockActivityEnvironment({
    attempt: info.attempt ?? 1,
    heartbeatDetails: info.trail,
    scheduledTimestampMs: 1,
    currentAttemptScheduledTimestampMs: info.reset ? 2 : 1,
  });
  let trail: Trail = { attempts: [] };
  environment.on('heartbeat', (details: Trail) => (trail = details));
  const { sendAttempt } = createActivities({ ...deps, ...over });
  try {
    const result: SendAttemptResult = await environment.run(sendAttempt, { deliveryId });
    // The workflow ignores other results.
    expect(isSendAttemptResult(result)).toBe(true);
    return { result, trail };
  } catch (error) {
    if (!(error instanceof ApplicationFailure)) throw error;
    return { failure: error, trail };
  }
}

const recordOutcome = (
  deliveryId: string,
  record: UnrecordedAttempt,
  over: Partial<ActivityDeps> = {},
): Promise<void> =>
  new MockActivityEnvironment().run(createActivities({ ...deps, ...over }).recordOutcome, {
    deliveryId,
    ...record,
  });
const dueAgain = (id: string) =>
  t.pool.query('update open_deliveries set run_at = now() where id = $1', [id]);
const numbered = async (id: string) =>
  (await getDelivery(t, id)).attempts.map(({ number, classification }) => [number, classification]);

test('a 429 with Retry-After fails benignly with the exact delay, and the trail has the attempt', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 429, headers: { 'retry-after': '100' } }));
  const { failure, trail } = await run(id);
  expect(failure).toMatchObject({ type: 'RATE_LIMITED', nonRetryable: false, category: 'BENIGN' });
  const delivery = await getDelivery(t, id);
  expect(delivery).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  // By the clock of Postgres; reading it takes its time.
  expect(Number(failure!.nextRetryDelay)).toBeLessThanOrEqual(100_000);
  expect(Number(failure!.nextRetryDelay)).toBeGreaterThan(90_000);
  expect(trail.attempts).toMatchObject([{ number: 1, retry_after: '100' }]);
  expect(signalled.at(-1)).toMatchObject({ number: 1, classification: 'RATE_LIMITED', http_status: 429 });
});

test('a date in Retry-After is by the clock of the receiver, which may not be ours', async () => {
  const id = await ready();
  const at = (ms: number) => new Date(Date.now() + 120_000 + ms).toUTCString();
  receiver.setBehaviour(() => ({ status: 503, headers: { date: at(0), 'retry-after': at(60_000) } }));
  await run(id);
  const { started_at, next_attempt_at } = (await getDelivery(t, id)).attempts[0]!;
  // Both dates are whole seconds.
  const waitMs = Date.parse(next_attempt_at!) - Date.parse(started_at);
  expect(waitMs).toBeGreaterThanOrEqual(59_000);
  expect(waitMs).toBeLessThan(90_000);
});

test('a 400 that the endpoint wants retried has a type that the retry policy does not stop at', async () => {
  const id = await ready({ retry_on: 'all' });
  receiver.setBehaviour(() => ({ status: 400 }));
  expect((await run(id)).failure).toMatchObject({ type: 'HTTP_4XX_PERMANENT_RETRIED', nonRetryable: false });
});

test('a permanent failure is non-retryable by its type, and its details say how the delivery ended', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 400 }));
  const { failure } = await run(id);
  expect(failure).toMatchObject({ type: 'HTTP_4XX_PERMANENT', nonRetryable: true, category: 'BENIGN' });
  expect(failure!.details).toMatchObject([{ reason: 'HTTP_4XX_PERMANENT', attempts: [{ number: 1 }] }]);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'FAILED' });
});

test('two tries at the same time share one attempt', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 200, afterMs: 300 }));
  const [one, other] = await Promise.all([run(id), run(id)]);
  for (const { result } of [one, other]) expect(result).toMatchObject({ kind: 'ended', status: 'DELIVERED' });
  expect(receiver.requests).toHaveLength(1);
});

test('an attempt that another process makes is waited for', async () => {
  const id = await ready();
  const claimed = (await claimDelivery(t.pool, id, { process: 'prc_other', now: false }))!;
  const running = run(id);
  const lost = lostRecord({ ...claimed });
  const attempt = { ...lost.attempt, classification: 'DELIVERED' as const, next_attempt_at: null };
  await recordAttempt(t.pool, attemptRecord(claimed, attempt, 'delivered'));
  expect((await running).result).toMatchObject({
    kind: 'ended',
    status: 'DELIVERED',
    attempts: [{ number: 1 }],
  });
  expect(receiver.requests).toEqual([]);
});

test('each try makes the next attempt when it is due, and knows the earlier ones', async () => {
  const id = await ready();
  receiver.setBehaviour((_request, index) => ({ status: index < 2 ? 500 : 200 }));
  const first = await run(id);
  await dueAgain(id);
  const second = await run(id, { attempt: 2, trail: first.trail });
  expect(second.trail.attempts.map(({ number }) => number)).toEqual([1, 2]);
  await dueAgain(id);
  const { result } = await run(id, { attempt: 3, trail: second.trail });
  expect(result).toMatchObject({
    ...{ kind: 'ended', status: 'DELIVERED' },
    attempts: [{ number: 1 }, { number: 2 }, { number: 3 }],
  });
  expect(receiver.requests.map(({ headers }) => headers['webhook-attempt'])).toEqual(['1', '2', '3']);
});

test('a try before the next attempt is due makes none, and leaves it to the workflow', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '100' } }));
  await run(id);
  await t.pool.query(`update open_deliveries set run_by = 'queue' where id = $1`, [id]);
  expect((await run(id, { attempt: 2 })).failure).toMatchObject({ type: 'HTTP_5XX_RETRYABLE' });
  expect(receiver.requests).toHaveLength(1);
  expect((await readProgress(t.pool, id))!.open).toMatchObject({ run_by: 'workflow' });
});

test('activity reset makes the next attempt at once, and once', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '100' } }));
  const first = await run(id);
  const second = await run(id, { reset: true, trail: first.trail });
  expect(second.failure).toMatchObject({ type: 'HTTP_5XX_RETRYABLE' });
  expect(receiver.requests).toHaveLength(2);
  // The trail of the first: an attempt has been made since the operator looked.
  await run(id, { reset: true, trail: first.trail });
  expect(receiver.requests).toHaveLength(2);
  // A reset that drops the heartbeat details.
  await run(id, { reset: true });
  expect(await numbered(id)).toEqual([1, 2, 3].map((number) => [number, 'HTTP_5XX_RETRYABLE']));
});

test('activity reset during an attempt of another process makes no further one', async () => {
  const id = await ready();
  const claimed = (await claimDelivery(t.pool, id, { process: 'prc_other', now: false }))!;
  let reads = 0;
  const read: ActivityDeps['read'] = async (delivery) => {
    const progress = await readProgress(t.pool, delivery);
    reads += 1;
    return progress;
  };
  const running = run(id, { reset: true }, { read });
  await eventually(() => Promise.resolve(reads > 0));
  const { attempt } = lostRecord({ ...claimed });
  const next_attempt_at = new Date(Date.now() + 100_000).toISOString();
  await recordAttempt(t.pool, attemptRecord(claimed, { ...attempt, next_attempt_at }, 'retry'));
  expect((await running).failure).toMatchObject({ type: 'WORKER_LOST' });
  expect(receiver.requests).toEqual([]);
});

test('a held delivery is looked at less and less often, and nothing is sent', async () => {
  const id = await ready({ enabled: false });
  let trail: Trail | undefined;
  for (const seconds of [5, 10, 20]) {
    const { failure, trail: next } = await run(id, trail ? { attempt: 9, trail } : {});
    expect(failure).toMatchObject({ type: 'HELD', category: 'BENIGN', nextRetryDelay: seconds * 1_000 });
    trail = next;
  }
  const { failure } = await run(id, { trail: { attempts: [], held: 50 } });
  expect(failure).toMatchObject({ nextRetryDelay: 3_600_000 });
  expect(receiver.requests).toEqual([]);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'HELD', attempt_count: 0 });
});

test('Postgres away before sending: nothing is sent, no attempt is used up', async () => {
  const id = await ready();
  const { failure } = await run(id, {}, { read: () => Promise.reject(new Error('away')) });
  expect(failure).toMatchObject({ type: 'OWN_FAULT', nonRetryable: false, category: 'BENIGN' });
  expect(receiver.requests).toEqual([]);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'PENDING', attempt_count: 0 });
});

test('Postgres away after the answer: the process records it, with the contents, before the workflow does', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 500, headers: { 'x-own': 'their header' }, body: 'their answer' }));
  postgresAway = true;
  const { result, trail } = await run(id);
  expect(result).toMatchObject({ kind: 'unrecorded', attempts: [{ number: 1, http_status: 500 }] });
  if (result?.kind !== 'unrecorded') throw new Error();
  // Contents of answers are not kept in Temporal.
  expect(JSON.stringify([result, trail])).not.toMatch(/their/);
  expect(await getDelivery(t, id)).toMatchObject({ attempt_count: 0, attempts: [] });
  await expect(recordOutcome(id, result.record)).rejects.toMatchObject({ type: 'RECORDING' });
  postgresAway = false;
  await eventually(() =>
    recordOutcome(id, result.record).then(
      () => true,
      () => false,
    ),
  );
  const delivery = await getDelivery(t, id);
  expect(delivery).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  expect(delivery.attempts).toMatchObject([{ http_status: 500, response_body: 'their answer' }]);
  expect(receiver.requests).toHaveLength(1);
});

test('and the workflow alone records it where the process has died, once', async () => {
  const id = await ready();
  postgresAway = true;
  const { result } = await run(id);
  if (result?.kind !== 'unrecorded') throw new Error(JSON.stringify(result));
  // Postgres takes records of other processes only.
  const elsewhere = { isRecording: () => false, record: (one: AttemptRecord) => recordAttempt(t.pool, one) };
  for (let i = 0; i < 2; i++) await recordOutcome(id, result.record, elsewhere);
  const delivery = await getDelivery(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(delivery.attempts).toMatchObject([{ number: 1, http_status: 200 }]);
  postgresAway = false;
  await eventually(() => Promise.resolve(!runner.isRecording(id)));
  expect((await getDelivery(t, id)).attempts).toHaveLength(1);
});

test('a record that somebody made up or changed on the way changes nothing', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '100' } }));
  postgresAway = true;
  const { result } = await run(id);
  if (result?.kind !== 'unrecorded') throw new Error();
  const { record } = result;
  const { attempt } = record;
  for (const made of [
    { ...record, proof: 'x' },
    { ...record, claim: 2 },
    { ...record, attempt: { ...attempt, classification: 'DELIVERED' as const, next_attempt_at: null } },
    { ...record, attempt: { ...attempt, number: 7 } },
    { ...record, attempt: { ...attempt, next_attempt_at: null } },
  ])
    await recordOutcome(id, made, { isRecording: () => false, record: (one) => recordAttempt(t.pool, one) });
  expect(await getDelivery(t, id)).toMatchObject({ attempt_count: 0, attempts: [] });
  // A genuine one belongs to its delivery alone.
  const other = await ready();
  await recordOutcome(other, record, { isRecording: () => false });
  expect(await getDelivery(t, other)).toMatchObject({ attempt_count: 0, attempts: [] });
  postgresAway = false;
  await eventually(async () => (await getDelivery(t, id)).attempt_count === 1);
});

test('the trail has every attempt, and no contents', async () => {
  const id = await ready();
  receiver.setBehaviour(() => ({ status: 503, headers: { 'x-own': 'their header' }, body: 'their answer' }));
  const { trail } = await run(id);
  expect(trail.attempts).toMatchObject([
    { number: 1, classification: 'HTTP_5XX_RETRYABLE', http_status: 503, truncated: true },
  ]);
  expect(JSON.stringify(trail)).not.toMatch(/their/);
  expect((await getDelivery(t, id)).attempts[0]).toMatchObject({ response_body: 'their answer' });
});

test('a delivery that has ended is not sent again', async () => {
  const id = await ready();
  await run(id);
  expect((await run(id)).result).toMatchObject({ kind: 'ended', status: 'DELIVERED' });
  expect(receiver.requests).toHaveLength(1);
  const cancelled = await ready();
  await transaction(t.pool, (db) => cancelDelivery(db, cancelled, actorNamed('ana'), null));
  expect((await run(cancelled)).result).toMatchObject({ kind: 'ended', status: 'CANCELLED' });
  // A newer Temporal than Postgres: the backup does not know the delivery.
  expect((await run(newId('del'))).result).toMatchObject({ status: 'CANCELLED', reason: 'NOT_FOUND' });
  expect(receiver.requests).toHaveLength(1);
});

test('deliveries are loaded together, in the order of their claims', async () => {
  const claims = [];
  for (const id of [await ready(), await ready(), await ready()])
    claims.push((await claimDelivery(t.pool, id, { process: PROCESS, now: false }))!);
  const [one, other, over] = claims;
  const [last, none, first] = await loadAttemptTargets(t.pool, [
    other!,
    { id: over!.id, claim: over!.claim + 1 },
    one!,
  ]);
  expect(none).toBeNull();
  expect([first!.event_id, last!.event_id]).toEqual([one!.event_id, other!.event_id]);
});
