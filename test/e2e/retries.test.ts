import { Client, Connection } from '@temporalio/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { createEndpoint, deliveryIn, getDelivery, postEvent, untilPastDue } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let connection: Connection;
let receiver: Receiver;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  connection = await Connection.connect({ address: inject('temporalAddress') });
});
afterAll(() => connection.close());
beforeEach(async () => {
  tenant = `tenant_${nth++}`;
  receiver = await startReceiver();
  return () => receiver.close();
});

const isInTemporal = (workflowId: string) =>
  new Client({ connection }).workflow
    .getHandle(workflowId)
    .describe()
    .then(
      () => true,
      () => false,
    );
/** The first request is answered with 503 and this `Retry-After`, all others with 200. A second of it lasts 10 ms here. */
const failOnce = (retryAfter: string) =>
  receiver.setBehaviour((_request, index) =>
    index === 0 ? { status: 503, headers: { 'retry-after': retryAfter } } : { status: 200 },
  );
const numbersOf = async (t: TestService, id: string) =>
  (await getDelivery(t, id)).attempts.map(({ number, classification }) => `${number} ${classification}`);

describe.each([
  { workflows: 'none', by: 'the queue' },
  { workflows: 'all', by: 'the activity' },
] as const)('retries by $by', ({ workflows }) => {
  let t: TestService;
  beforeAll(async () => {
    t = await startTestService({ workflows, pollEveryMs: 200 });
  });
  afterAll(() => t.stop());

  const endpointOf = (path = '') => createEndpoint(t, `${receiver.url}${path}`, { tenant });
  const post = async () => (await postEvent(t, { tenant })).deliveries[0]!.id;
  const act = (path: string, body?: unknown) => t.call('POST', `/v1/${path}`, body);
  /** A delivery after its first attempt; the next is due in 864 s. */
  async function waiting(): Promise<string> {
    failOnce('86400');
    const id = await post();
    await deliveryIn(t, id, ['IN_PROGRESS']);
    return id;
  }
  const makeDue = (id: string) =>
    t.pool.query('update open_deliveries set run_at = now() where id = $1', [id]);

  test('a retry is made at its time, once, under the same webhook id', async () => {
    await endpointOf();
    failOnce('300');
    const id = await post();
    const shown = await deliveryIn(t, id, ['IN_PROGRESS']);
    expect(shown).toMatchObject({ attempt_count: 1, last_classification: 'HTTP_5XX_RETRYABLE' });
    expect(shown.next_attempt_at).toEqual(shown.attempts[0]!.next_attempt_at);
    const done = await deliveryIn(t, id);
    expect(done).toMatchObject({ status: 'DELIVERED', attempt_count: 2, next_attempt_at: null });
    expect(await numbersOf(t, id)).toEqual(['1 HTTP_5XX_RETRYABLE', '2 DELIVERED']);
    const [first, second] = receiver.requests;
    expect(second!.at).toBeGreaterThanOrEqual(Date.parse(String(shown.next_attempt_at)) - 5);
    expect(second!.headers['webhook-id']).toBe(first!.headers['webhook-id']);
    expect(receiver.requests).toHaveLength(2);
    expect(await isInTemporal(done.workflow_id)).toBe(workflows === 'all');
  });

  test('a pause of the endpoint holds a retry, and resuming keeps its time', async () => {
    const { id: endpointId } = await endpointOf();
    const id = await waiting();
    const { next_attempt_at } = await getDelivery(t, id);
    await act(`endpoints/${endpointId}/pause`);
    expect(await getDelivery(t, id)).toMatchObject({ status: 'HELD', attempt_count: 1, next_attempt_at });
    await act(`endpoints/${endpointId}/resume`);
    expect(await getDelivery(t, id)).toMatchObject({ status: 'IN_PROGRESS', next_attempt_at });
    expect(receiver.requests).toHaveLength(1);
  });

  test('a retry that comes due during a pause is made when the pause ends', async () => {
    const { id: endpointId } = await endpointOf();
    failOnce('300');
    const id = await post();
    const waiting = await deliveryIn(t, id, ['IN_PROGRESS']);
    await act(`endpoints/${endpointId}/pause`);
    await untilPastDue(waiting);
    expect(await getDelivery(t, id)).toMatchObject({ status: 'HELD', attempt_count: 1 });
    await act(`endpoints/${endpointId}/resume`);
    expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
    expect(receiver.requests).toHaveLength(2);
  });

  test('a pause that another process made without a notification holds what comes due', async () => {
    await endpointOf();
    failOnce('300');
    const id = await post();
    const waiting = await deliveryIn(t, id, ['IN_PROGRESS']);
    await t.pool.query(
      `insert into control (scope, reason, paused_by) values ('tenant:' || $1, 'unpaid', 'x')`,
      [tenant],
    );
    await untilPastDue(waiting);
    expect(await getDelivery(t, id)).toMatchObject({
      status: 'HELD',
      status_reason: 'tenant paused: unpaid',
    });
    expect(receiver.requests).toHaveLength(1);
    await act('control/resume', { scope: 'tenant', tenant });
    expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
    expect(receiver.requests).toHaveLength(2);
  });

  test('retry-now makes the next attempt of this delivery, and not of another of its event', async () => {
    const [first, second] = [await endpointOf('/first'), await endpointOf('/second')];
    const failed = new Set<string>();
    receiver.setBehaviour(({ path }) => {
      if (failed.has(path)) return { status: 200 };
      failed.add(path);
      return { status: 503, headers: { 'retry-after': '86400' } };
    });
    const { deliveries } = await postEvent(t, { tenant });
    const of = ({ id }: { id: string }) => deliveries.find((d) => d.endpoint_id === id)!.id;
    for (const { id } of deliveries) await deliveryIn(t, id, ['IN_PROGRESS']);
    expect((await act(`deliveries/${of(second)}/retry`)).status).toBe(202);
    expect(await deliveryIn(t, of(second))).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
    expect(await getDelivery(t, of(first))).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
    expect((await act(`deliveries/${of(first)}/retry`)).status).toBe(202);
    expect(await deliveryIn(t, of(first))).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
    expect(receiver.requests).toHaveLength(4);
  });

  test('a cancelled delivery is not attempted again', async () => {
    await endpointOf();
    const id = await waiting();
    expect((await act(`deliveries/${id}/cancel`)).status).toBe(200);
    await makeDue(id);
    await sleep(500);
    expect(await getDelivery(t, id)).toMatchObject({ status: 'CANCELLED', attempt_count: 1 });
    expect(receiver.requests).toHaveLength(1);
  });

  test('an attempt that Postgres refuses is recorded later, and nothing is sent again for it', async () => {
    await endpointOf();
    await t.pool.query(`create function no_room() returns trigger language plpgsql as
      $$ begin raise exception 'No space left' using errcode = 'disk_full'; end $$`);
    await t.pool.query(
      'create trigger no_room before insert on attempts for each row execute function no_room()',
    );
    try {
      failOnce('100');
      const id = await post();
      await receiver.waitFor((requests) => requests.length === 1);
      await sleep(1_500);
      expect(await getDelivery(t, id)).toMatchObject({ status: 'PENDING', attempt_count: 0 });
      expect(receiver.requests).toHaveLength(1);
      await t.pool.query('drop trigger no_room on attempts');
      expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
      expect(await numbersOf(t, id)).toEqual(['1 HTTP_5XX_RETRYABLE', '2 DELIVERED']);
      expect(receiver.requests).toHaveLength(2);
    } finally {
      await t.pool.query('drop function no_room cascade');
    }
  });
});

test('without workflows, the queue makes all attempts up to the last', async () => {
  const t = await startTestService({ workflows: 'none', retryScale: 1e-7, pollEveryMs: 200 });
  try {
    await createEndpoint(t, receiver.url);
    receiver.setBehaviour(() => ({ status: 500 }));
    const { deliveries } = await postEvent(t);
    const failed = await deliveryIn(t, deliveries[0]!.id);
    expect(failed).toMatchObject({
      status: 'FAILED',
      status_reason: 'ATTEMPTS_EXHAUSTED',
      attempt_count: 12,
    });
    expect(failed.attempts.map(({ number }) => number)).toEqual(Array.from({ length: 12 }, (_, n) => n + 1));
    expect(receiver.requests).toHaveLength(12);
  } finally {
    await t.stop();
  }
});

test('many that failed together are retried at a growing rate, each once, also when their process stops meanwhile', async () => {
  const first = await startTestService({ workflows: 'none', pollEveryMs: 200 });
  const { databaseUrl, taskQueue } = first;
  const seen = new Set<unknown>();
  receiver.setBehaviour(({ headers }) => {
    const again = seen.has(headers['webhook-id']);
    seen.add(headers['webhook-id']);
    return again ? { status: 200, afterMs: 200 } : { status: 503, headers: { 'retry-after': '86400' } };
  });
  await createEndpoint(first, receiver.url);
  const events = Array.from({ length: 400 }, (_, n) => ({ type: 'a.b', payload: n }));
  expect((await first.call('POST', '/v1/events/batch', { events })).status).toBe(200);
  const count = async (where: string, t: TestService) =>
    (await t.pool.query(`select from all_deliveries where ${where}`)).rowCount;
  await eventually(async () => (await count('attempt_count = 1', first)) === 400);
  // Overdue for long, as after an outage.
  await first.pool.query(`update open_deliveries set run_at = now() - interval '1 minute'`);
  await receiver.waitFor((requests) => requests.length >= 450);
  const times = receiver.requests.slice(400).map(({ at }) => at);
  expect(times.filter((at) => at - times[0]! < 500).length).toBeLessThan(200);
  await first.stop();
  const second = await startTestService({ workflows: 'none', pollEveryMs: 200, databaseUrl, taskQueue });
  try {
    await eventually(async () => (await count(`status = 'DELIVERED'`, second)) === 400);
    expect(await count('attempt_count <> 2', second)).toBe(0);
    expect(receiver.requests).toHaveLength(800);
  } finally {
    await second.stop();
  }
});
