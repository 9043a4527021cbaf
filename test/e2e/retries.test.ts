import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { recordAttempts } from '../../src/db/attempts.js';
import { releaseDeliveries, claimWaiting, type ClaimRequest } from '../../src/db/delivery-queue.js';
import { claimDue, claimLost, countOpenDeliveries, openWorkflow } from '../../src/db/overdue-deliveries.js';
import { attemptRecord, lostAttempt } from '../../src/delivery/attempt.js';
import type { Attempt } from '../../src/domain/delivery.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Retries that wait in Postgres, because Temporal has enough to do: here, always. */
const KEEPS = { lane: 'direct', directAbove: 0, workflowForEnded: false } as const;

let t: TestService;
let receiver: Receiver;
let connection: Connection;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ lanes: KEEPS, sweepEveryMs: 200 });
  connection = await Connection.connect({ address: inject('temporalAddress') });
});
afterAll(async () => {
  await t.stop();
  await connection.close();
});
beforeEach(async () => {
  tenant = `tenant_${nth++}_${t.taskQueue}`;
  receiver = await startReceiver();
  return () => receiver.close();
});

/** The first request is answered with 503 and this `Retry-After`, all others with 200. A second of it lasts 10 ms here. */
const failOnce = (retryAfter = '0') =>
  receiver.setBehaviour((_request, index) =>
    index === 0 ? { status: 503, headers: { 'retry-after': retryAfter } } : { status: 200 },
  );
const endpointOf = (of: TestService = t, path = '') =>
  createEndpoint(of, `${receiver.url}${path}`, { tenant });
const post = async (of: TestService = t) => (await postEvent(of, { tenant })).deliveries[0]!.id;
/** After its first attempt, with the next far away. */
async function waiting(of: TestService = t): Promise<string> {
  failOnce('86400');
  const id = await post(of);
  await deliveryIn(of, id, ['IN_PROGRESS']);
  return id;
}
const rowOf = async (id: string, of: TestService = t) => {
  const { rows } = await of.pool.query<Record<string, unknown>>(
    'select status, lane, in_hand, attempt_count, status_reason, due_at = next_attempt_at as in_time from deliveries where id = $1',
    [id],
  );
  return rows[0];
};
const comeDue = (id: string, of: TestService = t) =>
  of.pool.query('update deliveries set due_at = now(), next_attempt_at = now() where id = $1', [id]);
const classes = async (id: string, of: TestService = t) =>
  (await getDelivery(of, id)).attempts.map(({ number, classification }) => `${number} ${classification}`);
const isInTemporal = (workflowId: string) =>
  new Client({ connection }).workflow
    .getHandle(workflowId)
    .describe()
    .then(
      () => true,
      () => false,
    );

test('a retry waits in Postgres, keeps its time, and needs no workflow', async () => {
  await endpointOf();
  failOnce('100');
  const id = await post();
  const shown = await deliveryIn(t, id, ['IN_PROGRESS']);
  expect(shown).toMatchObject({
    lane: 'direct',
    attempt_count: 1,
    last_classification: 'HTTP_5XX_RETRYABLE',
  });
  expect(await rowOf(id)).toMatchObject({ lane: 'any', in_hand: false, in_time: true });
  const done = await deliveryIn(t, id);
  expect(done).toMatchObject({
    status: 'DELIVERED',
    lane: 'direct',
    attempt_count: 2,
    next_attempt_at: null,
  });
  expect(await classes(id)).toEqual(['1 HTTP_5XX_RETRYABLE', '2 DELIVERED']);
  const [first, second] = receiver.requests;
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(1_000);
  expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
  expect(await isInTemporal(done.workflow_id)).toBe(false);
});

test('all attempts may be made so, up to the last, after which it is FAILED', async () => {
  await endpointOf();
  receiver.setBehaviour(() => ({ status: 500 }));
  const id = await post();
  await eventually(async () => {
    await t.pool.query(
      `update deliveries set due_at = now(), next_attempt_at = now() where id = $1 and lane = 'any' and status = 'IN_PROGRESS'`,
      [id],
    );
    return (await getDelivery(t, id)).status === 'FAILED';
  });
  const failed = await getDelivery(t, id);
  expect(failed).toMatchObject({ status_reason: 'ATTEMPTS_EXHAUSTED', attempt_count: 12, lane: 'direct' });
  expect(failed.attempts.map(({ number }) => number)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
  expect(receiver.requests).toHaveLength(12);
  expect(await isInTemporal(failed.workflow_id)).toBe(false);
}, 120_000);

test('once Temporal has time again, a retry that fails again goes on in a workflow', async () => {
  await endpointOf();
  const id = await waiting();
  receiver.setBehaviour((_request, index) => ({ status: index < 2 ? 503 : 200 }));
  const { databaseUrl, taskQueue } = t;
  // Another process takes it over.
  await t.stop();
  t = await startTestService({
    ...{ databaseUrl, taskQueue, sweepEveryMs: 200 },
    lanes: { ...KEEPS, directAbove: 64 },
  });
  try {
    await comeDue(id);
    const done = await deliveryIn(t, id);
    expect(done).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 3 });
    expect(await isInTemporal(done.workflow_id)).toBe(true);
    expect(receiver.requests).toHaveLength(3);
  } finally {
    await t.stop();
    t = await startTestService({ databaseUrl, taskQueue, sweepEveryMs: 200, lanes: KEEPS });
  }
});

test('stopped while it waits, it is held, and goes on at its time, once', async () => {
  const endpoint = await endpointOf();
  const id = await waiting();
  await t.call('POST', `/v1/endpoints/${endpoint.id}/pause`, { reason: 'test' });
  expect(await rowOf(id)).toMatchObject({ status: 'HELD', lane: 'any', attempt_count: 1 });
  await t.call('POST', `/v1/endpoints/${endpoint.id}/resume`);
  await deliveryIn(t, id, ['IN_PROGRESS']);
  expect(await rowOf(id)).toMatchObject({ lane: 'any', in_hand: false, in_time: true });
  expect(receiver.requests).toHaveLength(1);
  // Due while it is held, it goes on when it may.
  await t.call('POST', `/v1/endpoints/${endpoint.id}/pause`, { reason: 'test' });
  await comeDue(id);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(receiver.requests).toHaveLength(1);
  await t.call('POST', `/v1/endpoints/${endpoint.id}/resume`);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(receiver.requests).toHaveLength(2);
});

test('everything stopped when it comes due: it is held by who has it in hand, and goes on', async () => {
  await endpointOf();
  const id = await waiting();
  // As one that another process put there, which this one has not heard of.
  await t.pool.query(
    `insert into control (scope, reason, paused_by) values ('tenant:' || $1, 'unpaid', 'x')`,
    [tenant],
  );
  await comeDue(id);
  await deliveryIn(t, id, ['HELD']);
  expect(await rowOf(id)).toMatchObject({ lane: 'any', in_hand: false, attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
  await t.call('POST', '/v1/control/resume', { scope: 'tenant', tenant });
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(receiver.requests).toHaveLength(2);
});

test('its next attempt can be asked for at once, also where a workflow carries another of its event', async () => {
  const [first, second] = [await endpointOf(t, '/first'), await endpointOf(t, '/second')];
  const failed = new Set<string>();
  receiver.setBehaviour(({ path }) => {
    if (failed.has(path)) return { status: 200 };
    failed.add(path);
    return { status: 503, headers: { 'retry-after': '86400' } };
  });
  const event = await postEvent(t, { tenant });
  const of = ({ id }: { id: string }) => event.deliveries.find((d) => d.endpoint_id === id)!.id;
  for (const { id } of event.deliveries) await deliveryIn(t, id, ['IN_PROGRESS']);
  // One of them goes on in a workflow.
  await t.pool.query(`update deliveries set lane = 'direct', due_at = now() where id = $1`, [of(first)]);
  const { workflow_id } = await getDelivery(t, of(first));
  await eventually(() => isInTemporal(workflow_id));
  expect((await openWorkflow(t.pool, { event_id: event.id, workflow_id }))!.deliveries).toMatchObject([
    { id: of(first) },
  ]);
  expect((await t.call('POST', `/v1/deliveries/${of(second)}/retry`, { reason: 'x' })).status).toBe(202);
  expect(await deliveryIn(t, of(second), ['DELIVERED'], 20_000)).toMatchObject({ attempt_count: 2 });
  expect(await getDelivery(t, of(first))).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  expect((await t.call('POST', `/v1/deliveries/${of(first)}/retry`, { reason: 'x' })).status).toBe(202);
  expect(await deliveryIn(t, of(first))).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(receiver.requests).toHaveLength(4);
});

test('cancelled while it waits, it is not made', async () => {
  await endpointOf();
  const id = await waiting();
  expect((await t.call('POST', `/v1/deliveries/${id}/cancel`)).status).toBe(200);
  await comeDue(id);
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(await getDelivery(t, id)).toMatchObject({ status: 'CANCELLED', attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
});

test('one that Postgres did not take is written later, and comes back once', async () => {
  await endpointOf();
  await t.pool.query(`create function no_room() returns trigger language plpgsql as
    $$ begin raise exception 'No space left' using errcode = 'disk_full'; end $$`);
  await t.pool.query(
    'create trigger no_room before insert on attempts for each row execute function no_room()',
  );
  failOnce('100');
  const id = await post();
  await receiver.waitFor((requests) => requests.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await rowOf(id)).toMatchObject({ status: 'PENDING', in_hand: true, attempt_count: 0 });
  await t.pool.query(
    'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
  );
  const done = await deliveryIn(t, id);
  expect(done).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(await classes(id)).toEqual(['1 HTTP_5XX_RETRYABLE', '2 DELIVERED']);
  expect(receiver.requests).toHaveLength(2);
  expect(await isInTemporal(done.workflow_id)).toBe(false);
});

test('many that failed together come back gently, each once, also from a process that stops in the middle', async () => {
  const first = await startTestService({ lanes: KEEPS, sweepEveryMs: 200 });
  const { databaseUrl, taskQueue } = first;
  const seen = new Set<unknown>();
  receiver.setBehaviour(({ headers }) => {
    const again = seen.has(headers['webhook-id']);
    seen.add(headers['webhook-id']);
    return again ? { status: 200, afterMs: 200 } : { status: 503, headers: { 'retry-after': '86400' } };
  });
  await endpointOf(first);
  const events = Array.from({ length: 400 }, (_, n) => ({ type: 'a.b', tenant, payload: n }));
  expect((await first.call('POST', '/v1/events/batch', { events })).status).toBe(200);
  await receiver.waitFor((requests) => requests.length === 400);
  const count = async (where: string, of: TestService) =>
    (await of.pool.query(`select from deliveries where ${where}`)).rowCount;
  await eventually(async () => (await count(`lane = 'any' and attempt_count = 1`, first)) === 400);
  await first.pool.query('update deliveries set due_at = now(), next_attempt_at = now()');
  const due = Date.now();
  await receiver.waitFor((requests) => requests.length >= 450);
  expect(receiver.requests.filter(({ at }) => at - due < 900).length).toBeLessThan(400 + 200);
  await first.stop();
  const second = await startTestService({ lanes: KEEPS, sweepEveryMs: 200, databaseUrl, taskQueue });
  try {
    await eventually(async () => (await count(`status = 'DELIVERED'`, second)) === 400);
    expect(await count('attempt_count <> 2', second)).toBe(0);
    expect(receiver.requests).toHaveLength(800);
  } finally {
    await second.stop();
  }
}, 90_000);

test('in a process that only knows workflows, they go on by these', async () => {
  const keeps = await startTestService({ lanes: KEEPS, sweepEveryMs: 200 });
  const { databaseUrl, taskQueue } = keeps;
  await endpointOf(keeps);
  const id = await waiting(keeps);
  await keeps.stop();
  const lanes = { ...KEEPS, lane: 'workflow' } as const;
  const only = await startTestService({ lanes, sweepEveryMs: 200, databaseUrl, taskQueue });
  try {
    await eventually(async () => (await rowOf(id, only))!.lane === 'direct');
    await comeDue(id, only);
    const done = await deliveryIn(only, id);
    expect(done).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 2 });
    expect(await isInTemporal(done.workflow_id)).toBe(true);
    expect(receiver.requests).toHaveLength(2);
  } finally {
    await only.stop();
  }
});

/** Nobody drains or sweeps here but the test; one retry is due. */
async function alone(work: (of: TestService, id: string) => Promise<void>): Promise<void> {
  const of = await startTestService({ role: 'api', lanes: KEEPS, sweepEveryMs: 3_600_000 });
  try {
    await endpointOf(of);
    const id = await waiting(of);
    await comeDue(id, of);
    await work(of, id);
  } finally {
    await of.stop();
  }
}
const TAKE: ClaimRequest = { status: 'IN_PROGRESS', limit: 10, except: [], byFile: true, dueInMs: 60_000 };
const next = () => new Date(Date.now() + 60_000).toISOString();
const failed = (): Attempt => ({
  ...lostAttempt(2, null),
  ...{ classification: 'HTTP_5XX_RETRYABLE', http_status: 503, next_attempt_at: next() },
});
const lost = ({ id, attempt_count }: { id: string; attempt_count: number }) =>
  attemptRecord(id, lostAttempt(attempt_count + 1, new Date()), 'retry');

test('of two that take at once, one gets it; nobody else has it carried meanwhile', () =>
  alone(async (of, id) => {
    const both = await Promise.all([claimWaiting(of.pool, TAKE), claimWaiting(of.pool, TAKE)]);
    expect(both.flat()).toMatchObject([{ id, attempt_count: 1, max_attempts: 12 }]);
    expect(await rowOf(id, of)).toMatchObject({ status: 'IN_PROGRESS', lane: 'direct', in_hand: true });
    expect(await claimDue(of.pool, 10)).toEqual([]);
    expect(await claimLost(of.pool, 10, lost)).toEqual([]);
    const { event_id, workflow_id } = both.flat()[0]!;
    expect(await openWorkflow(of.pool, { event_id, workflow_id })).toBeNull();
  }));

/** Retries of an endpoint of its own, due so many seconds from now. */
async function wait(of: TestService, count: number, seconds: number): Promise<string> {
  const { id } = await createEndpoint(of, `${receiver.url}/${nth++}`, { tenant: `of_${nth++}` });
  await of.pool.query(
    `insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at, status,
       attempt_count, lane, due_at, next_attempt_at)
     select new_id('del', now()), d.event_id, $1, d.tenant, d.event_type, 12, d.workflow_id, now(), 'IN_PROGRESS', 1, 'any', at, at
     from (select * from deliveries limit 1) d, generate_series(1, $2), (select now() + $3 * interval '1 second' as at) due`,
    [id, count, seconds],
  );
  return id;
}

test('every endpoint has its turn, and those whose retries are not due take none of it', () =>
  alone(async (of) => {
    const first = await claimWaiting(of.pool, TAKE);
    expect(first).toHaveLength(1);
    const many = await wait(of, 1_100, -60);
    for (let i = 0; i < 20; i++) await wait(of, 1, 3_600);
    const few = await wait(of, 2, -1);
    const of10 = (await claimWaiting(of.pool, TAKE)).map(({ endpoint_id }) => endpoint_id);
    expect(of10).toHaveLength(7);
    expect(of10.filter((id) => id === few)).toHaveLength(2);
    // One that has enough takes nobody's place.
    const last = await wait(of, 5, -1);
    const others = await claimWaiting(of.pool, { ...TAKE, except: [many] });
    expect(others.map(({ endpoint_id }) => endpoint_id)).toEqual(Array(5).fill(last));
    expect((await countOpenDeliveries(of.pool)).overdue).toBe(1_100 - 5);
  }));

test('held retries that are not due go on to wait together', async () => {
  const first = await endpointOf();
  const id = await waiting();
  const { rows } = await t.pool.query(
    `insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at, status,
       attempt_count, lane, due_at, next_attempt_at)
     select new_id('del', now()), event_id, endpoint_id, tenant, event_type, 12, workflow_id, now(), 'IN_PROGRESS', 1, 'any',
       due_at, next_attempt_at from deliveries, generate_series(1, 300) where id = $1 returning id`,
    [id],
  );
  expect(rows).toHaveLength(300);
  await t.call('POST', `/v1/endpoints/${first.id}/pause`, { reason: 'test' });
  const count = async (status: string) =>
    (await t.pool.query('select from deliveries where endpoint_id = $1 and status = $2', [first.id, status]))
      .rowCount;
  expect(await count('HELD')).toBe(301);
  await t.call('POST', `/v1/endpoints/${first.id}/resume`);
  await eventually(async () => (await count('IN_PROGRESS')) === 301, 20_000);
  await t.call('DELETE', `/v1/endpoints/${first.id}`);
  expect(await count('FAILED')).toBe(301);
  expect(receiver.requests).toHaveLength(1);
});

test('a process that slept too long has it no more: what it records or leaves changes nothing', () =>
  alone(async (of, id) => {
    const [taken] = await claimWaiting(of.pool, TAKE);
    await of.pool.query('update deliveries set due_at = now() where id = $1', [id]);
    const dueAt = (
      await of.pool.query<{ due_at: string }>('select due_at::text from deliveries where id = $1', [id])
    ).rows[0]!.due_at;
    expect(await claimLost(of.pool, 10, lost)).toMatchObject([{ id }]);
    const after = await rowOf(id, of);
    expect(after).toMatchObject({ status: 'IN_PROGRESS', lane: 'direct', in_hand: false, attempt_count: 2 });
    expect(await classes(id, of)).toEqual(['1 HTTP_5XX_RETRYABLE', '2 WORKER_LOST']);
    // It is a workflow's from now on.
    const { event_id, workflow_id } = taken!;
    expect((await openWorkflow(of.pool, { event_id, workflow_id }))!.deliveries).toMatchObject([{ id }]);

    await releaseDeliveries(of.pool, [{ id, dueAt, lane: 'any', inMs: 0 }]);
    await recordAttempts(of.pool, [{ ...attemptRecord(id, failed(), 'retry'), keep: true }]);
    expect(await rowOf(id, of)).toEqual(after);
    // What it saw takes the place of what was supposed.
    expect(await classes(id, of)).toEqual(['1 HTTP_5XX_RETRYABLE', '2 HTTP_5XX_RETRYABLE']);
    expect(await claimWaiting(of.pool, TAKE)).toEqual([]);
  }));

test('what a workflow carries is not kept in Postgres, whoever records', () =>
  alone(async (of, id) => {
    await of.pool.query(`update deliveries set lane = 'direct' where id = $1`, [id]);
    await recordAttempts(of.pool, [{ ...attemptRecord(id, failed(), 'retry'), keep: true }]);
    expect(await rowOf(id, of)).toMatchObject({ lane: 'direct', attempt_count: 2, in_time: false });
    expect(await claimWaiting(of.pool, TAKE)).toEqual([]);
  }));

test('the last attempt, lost with its process, ends the delivery', () =>
  alone(async (of, id) => {
    await claimWaiting(of.pool, TAKE);
    await of.pool.query('update deliveries set due_at = now(), max_attempts = 2 where id = $1', [id]);
    await claimLost(of.pool, 10, ({ id, attempt_count }) =>
      attemptRecord(id, lostAttempt(attempt_count + 1, null), 'retry'),
    );
    expect(await getDelivery(of, id)).toMatchObject({ status: 'FAILED', status_reason: 'WORKER_LOST' });
  }));

test('a process that dies with it in hand: that is an attempt, shown, and a workflow makes the next', async () => {
  await endpointOf();
  const id = await waiting();
  await t.pool.query(
    `update deliveries set lane = 'direct', in_hand = true, due_at = now(), next_attempt_at = now() where id = $1`,
    [id],
  );
  const done = await deliveryIn(t, id);
  expect(await classes(id)).toEqual(['1 HTTP_5XX_RETRYABLE', '2 WORKER_LOST', '3 DELIVERED']);
  expect(await isInTemporal(done.workflow_id)).toBe(true);
  expect(receiver.requests).toHaveLength(2);
});
