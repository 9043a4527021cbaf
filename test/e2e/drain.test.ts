import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { holdDeliveriesOf } from '../../src/db/deliveries.js';
import { releaseDeliveries, claimWaiting, type ClaimRequest } from '../../src/db/delivery-queue.js';
import { acceptEvents } from '../../src/db/events.js';
import { openWorkflow } from '../../src/db/overdue-deliveries.js';
import { newId } from '../../src/lib/ids.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** First attempts that wait in Postgres, and nobody has begun with. */
let t: TestService;
let receiver: Receiver;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ sweepEveryMs: 200 });
});
afterAll(() => t.stop());
beforeEach(async () => {
  tenant = `tenant_${nth++}_${t.taskQueue}`;
  receiver = await startReceiver();
  return () => receiver.close();
});

const endpointOf = (url = receiver.url) => createEndpoint(t, url, { tenant });
const control = async (verb: 'pause' | 'resume', of: TestService = t) => {
  const answer = await of.call('POST', `/v1/control/${verb}`, { scope: 'all', reason: 'test' });
  expect(answer.status).toBe(200);
};
const post = async (count: number, of: TestService = t) => {
  const events = Array.from({ length: count }, (_, n) => ({ type: 'a.b', tenant, payload: n }));
  expect((await of.call('POST', '/v1/events/batch', { events })).status).toBe(200);
};
interface Row {
  id: string;
  status: string;
  lane: string;
  attempt_count: number;
}
const rows = async (of: TestService = t) =>
  (
    await of.pool.query<Row>(
      'select id, status, lane, attempt_count from deliveries where tenant = $1 order by id',
      [tenant],
    )
  ).rows;
/** All DELIVERED at their first attempt, made without a workflow, with one request each. */
async function allArrive(count: number, of: TestService = t, ms = 20_000): Promise<void> {
  await eventually(async () => (await rows(of)).every(({ status }) => status === 'DELIVERED'), ms);
  expect((await rows(of)).every(({ lane, attempt_count }) => lane === 'direct' && attempt_count === 1)).toBe(
    true,
  );
  expect(await rows(of)).toHaveLength(count);
  const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
  expect(ids).toHaveLength(count);
  expect(new Set(ids).size).toBe(count);
}

test('what was accepted while everything was paused is sent within seconds, gently at first, each once', async () => {
  await endpointOf();
  await control('pause');
  await post(1_000);
  const held = { status: 'HELD', lane: 'any', attempt_count: 0 };
  for (const row of await rows()) expect(row).toMatchObject(held);
  await control('resume');
  const resumed = Date.now();
  // By workflows it takes half a minute.
  await allArrive(1_000, t, 15_000);
  const within = (ms: number) => receiver.requests.filter(({ at }) => at - resumed < ms).length;
  expect(within(900)).toBeLessThan(200);
  expect(within(900)).toBeGreaterThan(20);
}, 60_000);

test('stopped in the middle of it, nothing more is sent, and the others are held again until they may go on', async () => {
  receiver.setBehaviour(() => ({ status: 200, afterMs: 50 }));
  await endpointOf();
  await control('pause');
  await post(1_000);
  await control('resume');
  await receiver.waitFor((requests) => requests.length >= 150);
  await control('pause');
  const answered = Date.now();
  await eventually(
    async () => (await rows()).every(({ status }) => ['HELD', 'DELIVERED'].includes(status)),
    5_000,
  );
  expect(Math.max(...receiver.requests.map(({ at }) => at)) - answered).toBeLessThan(1_000);
  const sent = receiver.requests.length;
  const held = (await rows()).filter(({ status }) => status === 'HELD');
  expect(held).toHaveLength(1_000 - sent);
  for (const row of held) expect(row).toMatchObject({ lane: 'any', attempt_count: 0 });
  await new Promise((resolve) => setTimeout(resolve, 500));
  expect(receiver.requests).toHaveLength(sent);
  await control('resume');
  await allArrive(1_000);
}, 60_000);

test('the process stopped in the middle of it, another goes on; none is lost and none sent twice', async () => {
  receiver.setBehaviour(() => ({ status: 200, afterMs: 300 }));
  const first = await startTestService({ sweepEveryMs: 200 });
  const { databaseUrl, taskQueue } = first;
  await createEndpoint(first, receiver.url, { tenant });
  await control('pause', first);
  await post(1_000, first);
  await control('resume', first);
  await receiver.waitFor((requests) => requests.length >= 150);
  await first.stop();
  const second = await startTestService({ sweepEveryMs: 200, databaseUrl, taskQueue });
  try {
    await allArrive(1_000, second);
  } finally {
    await second.stop();
  }
}, 90_000);

test('of an event, its workflow carries what is not held; what is held needs none when it goes on', async () => {
  const [open, paused] = [await endpointOf(), await endpointOf(`${receiver.url}/paused`)];
  await t.call('POST', `/v1/endpoints/${paused.id}/pause`, { reason: 'test' });
  const event = await postEvent(t, { tenant });
  const of = (endpoint: { id: string }) => event.deliveries.find((d) => d.endpoint_id === endpoint.id)!.id;
  const delivered = await deliveryIn(t, of(open));
  expect(delivered).toMatchObject({ status: 'DELIVERED', lane: 'workflow' });
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  try {
    const workflow = new Client({ connection }).workflow.getHandle(delivered.workflow_id);
    expect(await workflow.result()).toMatchObject([{ id: of(open), status: 'DELIVERED' }]);
    // Nor would one be given it that is started again.
    const workflow_id = delivered.workflow_id;
    expect(await openWorkflow(t.pool, { event_id: event.id, workflow_id })).toBeNull();
    expect(await getDelivery(t, of(paused))).toMatchObject({ status: 'HELD', lane: 'any' });
    await t.call('POST', `/v1/endpoints/${paused.id}/resume`);
    expect(await deliveryIn(t, of(paused))).toMatchObject({ status: 'DELIVERED', lane: 'direct' });
  } finally {
    await connection.close();
  }
  expect(receiver.requests).toHaveLength(2);
});

test('what goes on and needs a retry is handed over, also where the event has a workflow that has ended', async () => {
  const [open, paused] = [await endpointOf(), await endpointOf(`${receiver.url}/paused`)];
  await t.call('POST', `/v1/endpoints/${paused.id}/pause`, { reason: 'test' });
  const event = await postEvent(t, { tenant });
  const of = (endpoint: { id: string }) => event.deliveries.find((d) => d.endpoint_id === endpoint.id)!.id;
  await deliveryIn(t, of(open));
  let failed = false;
  receiver.setBehaviour(() => {
    const status = failed ? 200 : 503;
    failed = true;
    return { status };
  });
  await t.call('POST', `/v1/endpoints/${paused.id}/resume`);
  const done = await deliveryIn(t, of(paused));
  expect(done).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 2 });
  expect(receiver.requests).toHaveLength(3);
});

/** Accepted by a process that had no room for it, and is not to be asked again. */
async function accepted(inMs: number) {
  const id = newId('evt');
  const event = {
    ...{ id, tenant, type: 'a.b', payload: '{}', idempotencyKey: id, endpointIds: null, maxAttempts: 12 },
    ...{ requestHash: '00', workflowId: `deliver:${tenant}:${id}`, createdAt: new Date() },
  };
  const [stored] = await acceptEvents(t.pool, [event], { lane: 'any', heldLane: 'any', dueInMs: inMs });
  if (stored!.kind !== 'accepted') throw new Error(stored!.kind);
  return stored!.event.deliveries[0]!.id;
}

test('what no lane had room for is sent without a workflow once there is room', async () => {
  await endpointOf();
  const delivery = await deliveryIn(t, await accepted(0));
  expect(delivery).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
});

test('where its tenant is paused meanwhile it is held, and says why', async () => {
  await endpointOf();
  await t.call('POST', '/v1/control/pause', { scope: 'tenant', tenant, reason: 'unpaid' });
  const id = await accepted(300);
  await t.pool.query(`update deliveries set status = 'PENDING', status_reason = null where id = $1`, [id]);
  expect(await deliveryIn(t, id, ['HELD'])).toMatchObject({
    lane: 'any',
    status_reason: 'tenant paused: unpaid',
  });
  await t.call('POST', '/v1/control/resume', { scope: 'tenant', tenant, reason: 'paid' });
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', lane: 'direct' });
  expect(receiver.requests).toHaveLength(1);
});

test('two that take at once never take the same, and who has it no more leaves nothing', async () => {
  // In a database where nobody else takes any.
  const alone = await startTestService({ role: 'api', sweepEveryMs: 3_600_000 });
  try {
    await createEndpoint(alone, receiver.url, { tenant });
    await control('pause', alone);
    await post(300, alone);
    await alone.pool.query('delete from control');
    const held: ClaimRequest = { status: 'HELD', limit: 100, except: [], byFile: true, dueInMs: 60_000 };
    const both = await Promise.all([claimWaiting(alone.pool, held), claimWaiting(alone.pool, held)]);
    const ids = both.flat().map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(both[0].map(({ id }) => id)).toEqual((await rows(alone)).slice(0, 100).map(({ id }) => id));

    const [one] = both[0];
    const { id, due_at: dueAt } = one!;
    const stateOf = async () => (await rows(alone)).find((row) => row.id === id)!;
    await releaseDeliveries(alone.pool, [{ id, dueAt, lane: 'any', inMs: 0 }]);
    expect(await stateOf()).toMatchObject({ status: 'PENDING', lane: 'any' });
    const again = await claimWaiting(alone.pool, { ...held, status: 'PENDING' });
    expect(again.map((each) => each.id)).toEqual([id]);
    // As one whose answer was lost would do again.
    await releaseDeliveries(alone.pool, [{ id, dueAt, lane: 'any', inMs: 0 }]);
    expect(await stateOf()).toMatchObject({ status: 'PENDING', lane: 'direct' });
    expect(await claimWaiting(alone.pool, { ...held, status: 'PENDING' })).toEqual([]);
  } finally {
    await alone.stop();
  }
});

test('what is being taken while its endpoint is paused stays with who takes it', async () => {
  const alone = await startTestService({ role: 'api', sweepEveryMs: 3_600_000 });
  const taker = await alone.pool.connect();
  try {
    const endpoint = await createEndpoint(alone, receiver.url, { tenant });
    await control('pause', alone);
    await post(1, alone);
    await alone.pool.query(`delete from control`);
    await alone.pool.query(`update deliveries set status = 'PENDING', due_at = now()`);
    await taker.query('begin');
    const open: ClaimRequest = { status: 'PENDING', limit: 1, except: [], byFile: true, dueInMs: 60_000 };
    expect(await claimWaiting(taker, open)).toHaveLength(1);
    const holding = holdDeliveriesOf(alone.pool, endpoint.id);
    await eventually(async () => {
      const { rowCount } = await alone.pool.query(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      );
      return rowCount === 1;
    });
    await taker.query('commit');
    await holding;
    expect(await rows(alone)).toMatchObject([{ status: 'PENDING', lane: 'direct' }]);
  } finally {
    taker.release();
    await alone.stop();
  }
});

test('in lane workflow what was held goes on by its workflow', async () => {
  const lanes = { lane: 'workflow', directAbove: 64, workflowForEnded: true } as const;
  const only = await startTestService({ sweepEveryMs: 200, lanes });
  try {
    await createEndpoint(only, receiver.url, { tenant });
    await control('pause', only);
    await post(3, only);
    // Also what another process accepted that is in no such lane.
    await only.pool.query(`update deliveries set lane = 'any' where id = (select min(id) from deliveries)`);
    await control('resume', only);
    await eventually(async () => (await rows(only)).every(({ status }) => status === 'DELIVERED'));
    expect(new Set((await rows(only)).map(({ lane }) => lane))).toEqual(new Set(['workflow']));
    expect(receiver.requests).toHaveLength(3);
  } finally {
    await only.stop();
  }
});
