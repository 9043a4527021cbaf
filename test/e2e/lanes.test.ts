import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { acceptEvents } from '../../src/db/events.js';
import { newId } from '../../src/lib/ids.js';
import { createLogger } from '../../src/observability/logger.js';
import { startService } from '../../src/bootstrap/service.js';
import type { DeliveryState } from '../../workflows/contract.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  ADMIN_KEY,
  createDatabase,
  eventually,
  startTestService,
  type TestService,
} from '../support/service.js';

const DIRECT = { lane: 'direct', directAbove: 64, workflowForEnded: true } as const;

let t: TestService;
let receiver: Receiver;
let connection: Connection;
let client: Client;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ lanes: DIRECT, sweepEveryMs: 200 });
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
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

const endpointOf = (url = receiver.url) => createEndpoint(t, url, { tenant });
const post = async () => (await postEvent(t, { tenant })).deliveries[0]!.id;
const workflowOf = (id: string) => client.workflow.getHandle(id);

/** What the query `state` says once the workflow has ended. */
async function endOf(handle: WorkflowHandle): Promise<{ status: string; states: DeliveryState[] }> {
  const status = await eventually(async () => {
    const view = await handle.describe().catch(() => null);
    return view && view.status.name !== 'RUNNING' && view.status.name;
  });
  return { status, states: await handle.query<DeliveryState[]>('state') };
}

test('the process that accepted an event makes its first attempt; its workflow only tells of it, later', async () => {
  await endpointOf();
  const delivery = await deliveryIn(t, await post());
  expect(delivery).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 1 });
  const { status, states } = await endOf(workflowOf(delivery.workflow_id));
  expect(status).toBe('COMPLETED');
  expect(states).toMatchObject([
    { id: delivery.id, status: 'DELIVERED', attempts: [{ number: 1, http_status: 200 }] },
  ]);
  expect(receiver.requests).toHaveLength(1);
});

test('what needs a retry is handed over to its workflow, which knows what has happened, and keeps the time', async () => {
  await endpointOf();
  receiver.setBehaviour((_request, index) =>
    index === 0 ? { status: 429, headers: { 'retry-after': '1' } } : { status: 200 },
  );
  const delivery = await deliveryIn(t, await post());
  expect(delivery).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 2 });
  expect(delivery.attempts.map(({ number, classification }) => [number, classification])).toEqual([
    [1, 'RATE_LIMITED'],
    [2, 'DELIVERED'],
  ]);
  const [first, second] = receiver.requests;
  expect(second!.at - first!.at).toBeGreaterThanOrEqual(1_000);
  const { states } = await endOf(workflowOf(delivery.workflow_id));
  expect(states[0]!.attempts.map(({ number }) => number)).toEqual([1, 2]);
});

test('a failure that no retry mends ends there, and its workflow is one that failed', async () => {
  await endpointOf();
  receiver.setBehaviour(() => ({ status: 404 }));
  const delivery = await deliveryIn(t, await post());
  expect(delivery).toMatchObject({ status: 'FAILED', lane: 'direct', status_reason: 'HTTP_4XX_PERMANENT' });
  expect((await endOf(workflowOf(delivery.workflow_id))).status).toBe('FAILED');
});

test('of one event, the deliveries that need a retry go on, and those that ended stay so', async () => {
  await Promise.all([endpointOf(), endpointOf(`${receiver.url}/fails`)]);
  let failed = false;
  receiver.setBehaviour(({ path }) => {
    if (failed || !path.endsWith('/fails')) return { status: 200 };
    failed = true;
    return { status: 500 };
  });
  const { deliveries } = await postEvent(t, { tenant });
  const ended = await Promise.all(deliveries.map(({ id }) => deliveryIn(t, id)));
  expect(ended.map(({ status, attempt_count }) => `${status} ${attempt_count}`).sort()).toEqual([
    'DELIVERED 1',
    'DELIVERED 2',
  ]);
  expect(receiver.requests).toHaveLength(3);
});

test('parts of a wide event that need a retry are carried each by its own workflow', async () => {
  const ids = await Promise.all(Array.from({ length: 51 }, (_, i) => endpointOf(`${receiver.url}/${i}`)));
  const seen = new Set<string>();
  receiver.setBehaviour(({ path }) => {
    const again = seen.has(path);
    seen.add(path);
    return { status: again ? 200 : 500 };
  });
  const { deliveries } = await postEvent(t, { tenant });
  const ended = await Promise.all(deliveries.map(({ id }) => deliveryIn(t, id)));
  expect(ended.every(({ status, attempt_count }) => status === 'DELIVERED' && attempt_count === 2)).toBe(
    true,
  );
  const workflows = new Set(ended.map(({ workflow_id }) => workflow_id));
  expect(workflows.size).toBe(2);
  for (const id of workflows) expect((await endOf(workflowOf(id))).status).toBe('COMPLETED');
  expect(receiver.requests).toHaveLength(2 * ids.length);
});

test('what is held waits in its row; resumed, its first attempt needs no workflow', async () => {
  const endpoint = await endpointOf();
  await deliveryIn(t, await post());
  await t.call('POST', `/v1/endpoints/${endpoint.id}/pause`, { reason: 'test' });
  const id = await post();
  expect(await getDelivery(t, id)).toMatchObject({ status: 'HELD', lane: 'any', attempt_count: 0 });
  await t.call('POST', `/v1/endpoints/${endpoint.id}/resume`);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 1 });
});

test('paused and resumed while the first attempt is being made, it is made once', async () => {
  const endpoint = await endpointOf();
  receiver.setBehaviour(() => ({ status: 200, afterMs: 2_000 }));
  const id = await post();
  await receiver.waitFor((requests) => requests.length === 1);
  await t.call('POST', `/v1/endpoints/${endpoint.id}/pause`, { reason: 'test' });
  await t.call('POST', `/v1/endpoints/${endpoint.id}/resume`);
  // What is released after it has been released before it.
  await t.call('POST', `/v1/endpoints/${endpoint.id}/pause`, { reason: 'test' });
  const later = await post();
  expect(await getDelivery(t, later)).toMatchObject({ status: 'HELD' });
  await t.call('POST', `/v1/endpoints/${endpoint.id}/resume`);
  expect(await deliveryIn(t, later)).toMatchObject({ status: 'DELIVERED' });
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 1 });
  expect(receiver.requests).toHaveLength(2);
});

test('a thousand events posted together are recognised when they are posted again', async () => {
  const endpoint = await endpointOf();
  const events = Array.from({ length: 1_000 }, (_, n) => ({
    ...{ type: 'a.b', tenant, payload: n, idempotency_key: `k${n}` },
    ...(n % 2 ? { endpoint_ids: [endpoint.id] } : {}),
  }));
  const batch = () =>
    t.call<{ results: { status: number; id: string }[] }>('POST', '/v1/events/batch', { events });
  const first = await batch();
  const again = await batch();
  expect(new Set(first.body.results.map(({ status }) => status))).toEqual(new Set([202]));
  expect(new Set(again.body.results.map(({ status }) => status))).toEqual(new Set([200]));
  expect(again.body.results.map(({ id }) => id)).toEqual(first.body.results.map(({ id }) => id));
  await receiver.waitFor((requests) => requests.length === 1_000, 60_000);
});

test('a changed endpoint counts for what is posted a second later', async () => {
  const endpoint = await endpointOf();
  await deliveryIn(t, await post());
  await t.call('PATCH', `/v1/endpoints/${endpoint.id}`, { url: `${receiver.url}/new` });
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  await deliveryIn(t, await post());
  expect(receiver.requests.map(({ path }) => path)).toEqual(['/hook', '/hook/new']);
});

test('a first attempt that was lost with its process is shown, and made again by the workflow', async () => {
  await endpointOf();
  const event = {
    ...{ id: newId('evt'), tenant, type: 'a.b', payload: '{}', idempotencyKey: 'lost', endpointIds: null },
    ...{ requestHash: '00', workflowId: `deliver:${tenant}:lost`, maxAttempts: 12 },
    createdAt: new Date(),
  };
  const [accepted] = await acceptEvents(t.pool, [event], {
    ...{ lane: 'direct', heldLane: 'any', dueInMs: 0 },
  });
  if (accepted!.kind !== 'accepted') throw new Error(accepted!.kind);
  const delivery = await deliveryIn(t, accepted!.event.deliveries[0]!.id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', lane: 'direct', attempt_count: 2 });
  expect(delivery.attempts.map(({ classification }) => classification)).toEqual(['WORKER_LOST', 'DELIVERED']);
  expect(receiver.requests).toHaveLength(1);
});

test('with Temporal away, what needs no retry is delivered all the same', async () => {
  const taskQueue = `${t.taskQueue}_away`;
  const databaseUrl = await createDatabase(taskQueue);
  const service = await startService({
    ...{ role: 'api', host: '127.0.0.1', port: 0, databaseUrl, taskQueue, lanes: DIRECT },
    temporal: { address: '127.0.0.1:9', namespace: 'default', tls: false, apiKey: null, uiUrl: null },
    ...{ adminKey: ADMIN_KEY, encryptionKey: Buffer.alloc(32, 1).toString('base64') },
    ...{ allowNetworks: ['127.0.0.0/8'], retryScale: 1, log: createLogger('silent') },
  });
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
  try {
    const call = (path: string, body: unknown) =>
      fetch(`${service.url}/v1/${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
        body: JSON.stringify(body),
      });
    expect((await call('endpoints', { url: receiver.url, event_types: ['*'] })).status).toBe(201);
    expect((await call('events', { type: 'a.b', payload: 1 })).status).toBe(202);
    await receiver.waitFor((requests) => requests.length === 1);

    // With Postgres full, too, its outcome is told nowhere; Postgres takes it first.
    await pool.query('create sequence tries');
    await pool.query(`create function no_room() returns trigger language plpgsql as
      $$ begin perform nextval('tries'); raise exception 'No space left' using errcode = 'disk_full'; end $$`);
    await pool.query(
      'create trigger no_room before insert on attempts for each row execute function no_room()',
    );
    expect((await call('events', { type: 'a.b', payload: 2 })).status).toBe(202);
    await receiver.waitFor((requests) => requests.length === 2);
    const statuses = async () => {
      const { rows } = await pool.query<{ status: string; attempt_count: number }>(
        'select status, attempt_count from deliveries order by id',
      );
      return rows;
    };
    await eventually(async () => (await pool.query('select from tries where is_called')).rowCount);
    expect((await statuses())[1]).toMatchObject({ status: 'PENDING' });
    // Not dropped: that would lock the tables, and be in the way of what is being recorded.
    await pool.query(
      'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
    );
    await eventually(async () => (await statuses()).every(({ status }) => status === 'DELIVERED'), 20_000);
    expect(await statuses()).toEqual(Array(2).fill({ status: 'DELIVERED', attempt_count: 1 }));
    expect(receiver.requests).toHaveLength(2);
  } finally {
    await pool.end();
    await service.stop();
  }
});

test('auto: by workflow, directly in a burst, and by workflow again after it; everything arrives once', async () => {
  const auto = await startTestService({ lanes: { ...DIRECT, lane: 'auto', directAbove: 8 } });
  try {
    await createEndpoint(auto, receiver.url);
    const first = await postEvent(auto);
    expect(await deliveryIn(auto, first.deliveries[0]!.id)).toMatchObject({ lane: 'workflow' });
    await Promise.all(Array.from({ length: 200 }, () => postEvent(auto)));
    await receiver.waitFor((requests) => requests.length === 201, 60_000);
    const lanes = await auto.pool.query<{ lane: string; count: number }>(
      'select lane, count(*)::int from deliveries group by lane order by lane',
    );
    expect(lanes.rows.map(({ lane }) => lane)).toEqual(['direct', 'workflow']);
    // Ten a second: less than Temporal manages anywhere.
    await eventually(async () => {
      await new Promise((resolve) => setTimeout(resolve, 80));
      const { deliveries } = await postEvent(auto);
      return (await deliveryIn(auto, deliveries[0]!.id)).lane === 'workflow';
    });
    const ids = receiver.requests.map(({ headers }) => headers['webhook-id']);
    expect(new Set(ids).size).toBe(ids.length);
  } finally {
    await auto.stop();
  }
});
