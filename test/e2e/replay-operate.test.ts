import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { BatchProgress } from '../../src/domain/batch.js';
import { batchCalls, type Batch } from '../support/batches.js';
import { createEndpoint } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let calls: ReturnType<typeof batchCalls>;
let receiver: Receiver;
let connection: Connection;
let client: Client;
let tenant: string;
let endpointId: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
  calls = batchCalls(t);
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await t.stop();
});
beforeEach(async () => {
  tenant = `operate_${nth++}`;
  receiver = await startReceiver();
  endpointId = (await createEndpoint(t, receiver.url, { tenant })).id;
  return () => receiver.close();
});

const handleOf = (batch: Batch) => client.workflow.getHandle(batch.workflow_id);
const setRate = (batch: Batch, rate: number) =>
  t.call('PATCH', `/v1/batches/${batch.id}`, { rate_per_second: rate });

/** Items made by one step, at one time; they stand for the time since the step before. */
interface Step {
  at: number;
  made: number;
}

/** A batch makes up for missed time, but for no more than this after a stall of the machine. */
const MADE_UP_MS = 2_500;

/** Deliveries made per second from the first to the last of these steps, without what the first has made. */
function rateOf(steps: Step[]): number {
  const later = steps.slice(1).map(({ at, made }, i) => ({ made, ms: at - steps[i]!.at }));
  const sum = (of: (step: { made: number; ms: number }) => number) =>
    later.reduce((total, step) => total + of(step), 0);
  const ms = sum((step) => Math.min(step.ms, MADE_UP_MS));
  expect(ms, 'time without stalls').toBeGreaterThan(sum((step) => step.ms) / 2);
  return (sum((step) => step.made) / ms) * 1_000;
}

test('each change of the rate holds from then on, within a tenth, also from one run of the workflow to the next', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 730 });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 20 });
  const made = (count: number) => eventually(async () => (await calls.get(batch.id)).created_count >= count);
  await made(310);
  await setRate(batch, 5);
  await made(420);
  await setRate(batch, 20);
  await calls.batchIn(batch.id, ['COMPLETED']);

  const { rows: steps } = await t.pool.query<Step>(
    `select extract(epoch from created_at)::float8 * 1000 as at, count(*)::int as made
     from deliveries where batch_id = $1 group by created_at order by 1`,
    [batch.id],
  );
  const { rows: changes } = await t.pool.query<{ at: number }>(
    `select extract(epoch from at)::float8 * 1000 as at from audit where object = $1 and action = 'batch.rate' order by 1`,
    [batch.id],
  );
  // The last step makes what is left, not what is due.
  const moments = [steps[0]!, ...changes, steps.at(-1)!].map(({ at }) => at);
  for (const [i, rate] of [20, 5, 20].entries()) {
    const under = steps.filter(({ at }) => at >= moments[i]! && at < moments[i + 1]!);
    // One step was under way as the rate changed, the next one begins its pace.
    const kept = rateOf(under.slice(2));
    expect(Math.abs(kept - rate), `${kept.toFixed(2)}/s at ${rate}/s`).toBeLessThan(rate / 10);
  }
  expect(receiver.requests).toHaveLength(730);
}, 120_000);

test('from no limit to a rate, it is held at once', async () => {
  // Slower than the batch, which waits for room for most of its items.
  receiver.setBehaviour(() => ({ status: 200, afterMs: 1_000 }));
  await seedDeliveries(t.pool, { endpointId, count: 4_000 });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 0 });
  await receiver.waitFor((requests) => requests.length > 20);
  await setRate(batch, 5);
  await eventually(
    async () => (await handleOf(batch).query<BatchProgress>('progress')).rate_per_second === 5,
  );
  const { created_count } = await calls.get(batch.id);
  const began = Date.now();
  await eventually(async () => (await calls.get(batch.id)).created_count >= created_count + 15);
  // Not at once what would have been due in the two seconds before.
  expect(Date.now() - began).toBeGreaterThan(1_900);
  await calls.post(batch.id, 'cancel', { running: true });
});

test('signals take effect in the order they came in, with who sent them and why', async () => {
  // Each change of the rate may let one item through.
  await seedDeliveries(t.pool, { endpointId, count: 50 });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 0.01 });
  const handle = handleOf(batch);
  const rates = Array.from({ length: 12 }, (_, i) => (i + 1) / 100);
  for (const rate of rates)
    await handle.signal('setRate', rate, { actor: 'ana', reason: `${rate} a second` });
  await handle.signal('pause', { actor: 'bo', reason: 'lunch' });
  await calls.batchIn(batch.id, ['PAUSED']);
  expect((await calls.actionsOn(batch.id)).slice(1)).toEqual([
    ...rates.map((rate) => ['batch.rate', 'ana', `${rate} a second`]),
    ['batch.pause', 'bo', 'lunch'],
  ]);
  expect(await calls.get(batch.id)).toMatchObject({ rate_per_second: 0.12, status_reason: 'lunch' });
  await calls.post(batch.id, 'cancel');
});

test('whatever a signal is sent with, the batch goes on', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 3 });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 0.01 });
  const handle = handleOf(batch);
  await handle.signal('setRate', 'fast');
  await handle.signal('setRate', -1);
  await handle.signal('setRate', null);
  await handle.signal('setRate');
  await handle.signal('pause', { actor: null, reason: 'a\0b' });
  await calls.batchIn(batch.id, ['PAUSED']);
  await handle.signal('resume', 'x');
  await calls.batchIn(batch.id, ['RUNNING']);
  await handle.signal('pause', { actor: { name: 'ana' }, reason: 7 });
  await calls.batchIn(batch.id, ['PAUSED']);
  await handle.signal('resume', null);
  await handle.signal('setRate', 0, { actor: ' ', reason: 'x'.repeat(10_000) });
  expect(await calls.batchIn(batch.id, ['COMPLETED'])).toMatchObject({ delivered_count: 3 });
  expect((await calls.actionsOn(batch.id)).slice(1)).toEqual([
    ['batch.pause', 'temporal', 'ab'],
    ['batch.resume', 'temporal', null],
    ['batch.pause', 'temporal', null],
    ['batch.resume', 'temporal', null],
    ['batch.rate', 'temporal', 'x'.repeat(500)],
  ]);
});

test('a signal that a cancellation follows at once is still heard', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 20 });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 1 });
  await receiver.waitFor((requests) => requests.length > 0);
  await handleOf(batch).signal('pause', { reason: 'first' });
  await handleOf(batch).cancel();
  await calls.batchIn(batch.id, ['CANCELLED']);
  await calls.ended(batch.id);
  expect((await calls.actionsOn(batch.id)).slice(1)).toEqual([
    ['batch.pause', 'temporal', 'first'],
    ['batch.cancel', 'temporal', null],
  ]);
});

test.each([
  ['pause', 'POST', '/pause', undefined],
  ['change of its rate', 'PATCH', '', { rate_per_second: 1 }],
] as const)(
  'terminated in Temporal it is CANCELLED, also where a %s comes before the reconciler',
  async (_, method, path, body) => {
    await seedDeliveries(t.pool, { endpointId, count: 50 });
    const batch = await calls.create({ filter: { tenant }, rate_per_second: 5 });
    await receiver.waitFor((requests) => requests.length > 1);
    await handleOf(batch).terminate('by hand');
    expect(await t.call(method, `/v1/batches/${batch.id}${path}`, body)).toMatchObject({
      ...{ status: 200, body: { status: 'CANCELLED', status_reason: 'workflow terminated' } },
    });
    const { created_count } = await calls.ended(batch.id);
    expect(receiver.requests.length).toBeLessThanOrEqual(created_count);
  },
);

test('terminated while it is paused it stays stopped: a resume does not start it again, nor is it forgotten', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 50 });
  const paused = async () => {
    const batch = await calls.create({ filter: { tenant }, rate_per_second: 1 });
    await calls.post(batch.id, 'pause');
    await handleOf(batch).terminate('by hand');
    return batch;
  };
  const resumed = await paused();
  expect(await calls.post(resumed.id, 'resume')).toMatchObject({ body: { status: 'CANCELLED' } });
  await calls.ended(resumed.id);

  const left = await paused();
  const { rows } = await t.pool.query<{ seconds: number }>(
    'select extract(epoch from due_at - now())::float8 as seconds from batches where id = $1',
    [left.id],
  );
  expect(rows[0]!.seconds).toBeGreaterThan(200);
  await t.pool.query('update batches set due_at = now() where id = $1', [left.id]);
  expect(await calls.batchIn(left.id, ['CANCELLED'])).toMatchObject({ status_reason: 'workflow terminated' });
});

test('everything paused holds its items as any delivery', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 5 });
  await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'stop' });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 0 });
  await eventually(async () => (await calls.get(batch.id)).open_count === 5);
  expect(await t.call('GET', `/v1/deliveries?batch_id=${batch.id}&status=HELD`)).toMatchObject({
    body: { data: Array(5).fill({ status: 'HELD', status_reason: 'everything paused: stop' }) },
  });
  expect(receiver.requests).toHaveLength(0);
  await t.call('POST', '/v1/control/resume', { scope: 'all', reason: 'go' });
  expect(await calls.batchIn(batch.id, ['COMPLETED'])).toMatchObject({ delivered_count: 5 });
});
