import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { startService } from '../../src/bootstrap/service.js';
import { acceptEvents } from '../../src/db/open-deliveries/index.js';
import { freePort } from '../../src/embedded/ports.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { newId } from '../../src/lib/ids.js';
import { createLogger } from '../../src/observability/logger.js';
import type { DeliveryState } from '../../workflows/contract.js';
import { copyEndpoint } from '../support/copies.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { query } from '../support/query.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import {
  ADMIN_KEY,
  createDatabase,
  eventually,
  startTestService,
  type TestService,
} from '../support/service.js';

/** The first attempt never waits for Temporal, and every event has its workflow in the end. */
let connection: Connection;
let client: Client;
let receiver: Receiver;
let tenant: string;
let nth = 0;
const release: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
});
afterAll(() => connection.close());
beforeEach(async () => {
  tenant = `tenant_${nth++}`;
  receiver = await startReceiver();
  release.push(() => receiver.close());
});
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

async function start(over: Parameters<typeof startTestService>[0] = {}): Promise<TestService> {
  const t = await startTestService({ pollEveryMs: 200, ...over });
  release.push(() => t.stop());
  return t;
}

/** The result of a workflow that may not be started yet. */
const stateOf = async (workflowId: string, of = client): Promise<DeliveryState[]> => {
  const handle = of.workflow.getHandle(workflowId);
  await eventually(() =>
    handle.describe().then(
      () => true,
      () => false,
    ),
  );
  return (await handle.result()) as DeliveryState[];
};
const statusOf = (workflowId: string) =>
  client.workflow
    .getHandle(workflowId)
    .describe()
    .then(
      ({ status }) => status.name,
      () => null,
    );
const waitingStarts = async (url: string) =>
  Number(((await query(url, 'select count(*)::int from workflow_starts'))[0] as { count: number }).count);

test('the process that accepted an event attempts it at once; the workflow returns the attempt', async () => {
  const t = await start();
  await createEndpoint(t, receiver.url, { tenant });
  const { deliveries } = await postEvent(t, { tenant });
  const delivery = await deliveryIn(t, deliveries[0]!.id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(await stateOf(delivery.workflow_id)).toMatchObject([
    { id: delivery.id, status: 'DELIVERED', attempts: [{ number: 1, http_status: 200 }] },
  ]);
  expect(receiver.requests).toHaveLength(1);
});

test('deliveries of an event that need a retry continue in its workflow, and those that ended stay so', async () => {
  const t = await start();
  await Promise.all(['', '/fails'].map((path) => createEndpoint(t, receiver.url + path, { tenant })));
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
  const states = await stateOf(ended[0]!.workflow_id);
  expect(states.map(({ attempts }) => attempts.length).sort()).toEqual([1, 2]);
  expect(receiver.requests).toHaveLength(3);
});

test('with Temporal away, events are delivered and retried, and their workflows follow after a restart', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-later-'));
  release.push(() => rm(dir, { recursive: true, force: true }));
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const taskQueue = `later_${Date.now()}`;
  const databaseUrl = await createDatabase(taskQueue);
  const options = {
    ...{ host: '127.0.0.1', port: 0, databaseUrl, taskQueue, pollEveryMs: 200 },
    temporal: { address, namespace: 'default', tls: false, apiKey: null, uiUrl: 'http://ui' },
    ...{ adminKey: ADMIN_KEY, encryptionKeys: [Buffer.alloc(32, 1).toString('base64')] },
    ...{ allowNetworks: ['127.0.0.0/8'], retryScale: 0.01, log: createLogger('silent') },
  };
  const first = await startService(options);
  const call = async <T>(url: string, path: string, body?: unknown): Promise<T> => {
    const answer = await fetch(`${url}/v1/${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return (await answer.json()) as T;
  };
  await call(first.url!, 'endpoints', { url: receiver.url, event_types: ['*'] });
  receiver.setBehaviour((_request, index) => ({ status: index === 0 ? 500 : 200 }));
  for (const payload of [1, 2, 3]) await call(first.url!, 'events', { type: 'a.b', payload });
  await receiver.waitFor((requests) => requests.length === 4);
  type Rows = { data: { status: string; workflow_id: string; workflow_url: string | null }[] };
  await eventually(async () =>
    (await call<Rows>(first.url!, 'deliveries')).data.every(
      ({ status, workflow_url }) => status === 'DELIVERED' && workflow_url === null,
    ),
  );
  await first.stop();

  const binary = await findTemporal({ progress: console.log, env: process.env });
  const temporal = await startTemporal({ binary, dir, inMemory: true, uiPort: null, port });
  release.push(() => temporal.stop());
  const second = await startService(options);
  release.push(() => second.stop());
  const { data } = await eventually(async () => {
    const rows = await call<Rows>(second.url!, 'deliveries');
    return rows.data.every(({ workflow_url }) => workflow_url !== null) && rows;
  });
  const own = await Connection.connect({ address });
  release.push(() => own.close());
  const attempts = await Promise.all(
    data.map(
      async ({ workflow_id }) => (await stateOf(workflow_id, new Client({ connection: own })))[0]!.attempts,
    ),
  );
  expect(attempts.map(({ length }) => length).sort()).toEqual([1, 1, 2]);
  expect(receiver.requests).toHaveLength(4);
}, 120_000);

test('a process that dies between commit and start: another one starts the workflows of its events', async () => {
  const t = await start();
  await createEndpoint(t, receiver.url, { tenant });
  // Another process, as it is just after a commit; it never shows that it lives again.
  const dead = newId('prc');
  await t.pool.query(
    `insert into processes (id, makes_attempts, started_at, steady_since) values ($1, true, now(), now())`,
    [dead],
  );
  const workflowId = `deliver:${tenant}:lost`;
  const event = {
    ...{ id: newId('evt'), tenant, type: 'a.b', payload: '{}', idempotencyKey: 'lost', endpointIds: null },
    ...{ requestHash: '00', workflowId, maxAttempts: 12, createdAt: new Date() },
  };
  const [accepted] = await acceptEvents(t.pool, [event], { claimedBy: dead, workflow: 'now' });
  if (accepted!.kind !== 'accepted') throw new Error(accepted!.kind);
  const { id } = accepted!.made[0]!;
  const delivery = await deliveryIn(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(delivery.attempts.map(({ classification }) => classification)).toEqual(['WORKER_LOST', 'DELIVERED']);
  await eventually(async () => (await statusOf(workflowId)) === 'COMPLETED');
  expect(await stateOf(workflowId)).toMatchObject([{ attempts: [{ number: 1 }, { number: 2 }] }]);
  expect(receiver.requests).toHaveLength(1);
});

test('none: events are delivered and retried without a workflow', async () => {
  const t = await start({ workflows: 'none' });
  await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour((_request, index) => ({ status: index < 2 ? 500 : 200 }));
  const { deliveries } = await postEvent(t, { tenant });
  const delivery = await deliveryIn(t, deliveries[0]!.id);
  expect(delivery.attempts.map(({ number, http_status }) => [number, http_status])).toEqual([
    [1, 500],
    [2, 500],
    [3, 200],
  ]);
  expect(await waitingStarts(t.databaseUrl)).toBe(0);
  expect(await statusOf(delivery.workflow_id)).toBeNull();
});

test('open: an event gets its workflow when its first attempt leaves a delivery open', async () => {
  const t = await start({ workflows: 'open' });
  await createEndpoint(t, receiver.url, { tenant });
  const done = await deliveryIn(t, (await postEvent(t, { tenant })).deliveries[0]!.id);
  receiver.setBehaviour((_request, index) => ({
    status: index === 1 ? 500 : 200,
    headers: { 'retry-after': '5' },
  }));
  await createEndpoint(t, `${receiver.url}/other`, { tenant });
  const { deliveries } = await postEvent(t, { tenant });
  const [one, other] = await Promise.all(deliveries.map(({ id }) => deliveryIn(t, id)));
  expect([one!.attempt_count, other!.attempt_count].sort()).toEqual([1, 2]);
  const states = await stateOf(one!.workflow_id);
  expect(states.map(({ attempts }) => attempts.length).sort()).toEqual([1, 2]);
  expect(await statusOf(done.workflow_id)).toBeNull();
});

test('open: of a wide event, only parts with an open delivery have a workflow', async () => {
  const t = await start({ workflows: 'open' });
  await manyEndpoints(t, 120);
  const seen = new Set<string>();
  receiver.setBehaviour(({ headers }) => {
    // The endpoints have one URL: the first request of all fails.
    const isFirst = seen.size === 0;
    seen.add(String(headers['webhook-id']));
    return { status: isFirst ? 500 : 200, headers: { 'retry-after': '3' } };
  });
  const event = await postEvent(t, { tenant });
  await receiver.waitFor((requests) => requests.length === 121);
  // An attempt is recorded after its request: the part with a retry is known when all are.
  const rows = await eventually(async () => {
    const parts = await t.pool.query<{ workflow_id: string; n: number }>(
      `select workflow_id, sum(attempt_count)::int - count(*)::int as n from deliveries where event_id = $1 group by 1 order by 2, 1`,
      [event.id],
    );
    return parts.rows.length === 3 && parts.rows[2]!.n === 1 && parts.rows;
  });
  const retried = rows[2]!.workflow_id;
  expect(await eventually(async () => (await statusOf(retried)) === 'COMPLETED')).toBe(true);
  expect(await stateOf(retried)).toHaveLength(retried.endsWith('~p3') ? 20 : 50);
  const others = [rows[0]!.workflow_id, rows[1]!.workflow_id, retried.replace(/~p\d+$/, '')];
  for (const workflowId of others) expect(await statusOf(workflowId)).toBeNull();
});

/** Copies of one endpoint, all to the receiver. */
async function manyEndpoints(t: TestService, count: number): Promise<void> {
  const { id } = await createEndpoint(t, receiver.url, { tenant });
  await copyEndpoint(t.pool, id, count - 1);
}

test('an event to 300 endpoints has a workflow with a small input, and one for each part', async () => {
  const t = await start();
  await manyEndpoints(t, 300);
  const event = await postEvent(t, { tenant });
  const workflowId = `deliver:${tenant}:${event.idempotency_key}`;
  await receiver.waitFor((requests) => requests.length === 300);
  await eventually(async () => (await statusOf(workflowId)) === 'COMPLETED');
  const parts = [1, 2, 3, 4, 5, 6].map((n) => ({ workflow_id: `${workflowId}~p${n}`, status: 'COMPLETED' }));
  expect(await client.workflow.getHandle(workflowId).result()).toEqual(parts);
  const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
  const size = Buffer.byteLength(JSON.stringify(events![0]));
  expect(size).toBeLessThan(4_096);
  const states = await Promise.all(parts.map(({ workflow_id }) => stateOf(workflow_id)));
  expect(states.flat()).toHaveLength(300);
  for (const state of states.flat())
    expect(state).toMatchObject({ status: 'DELIVERED', attempts: [{ number: 1 }] });
}, 120_000);

test('cancelling the workflow of a wide event cancels its deliveries in all parts, also those not started', async () => {
  const t = await start({ retryScale: 1 });
  await manyEndpoints(t, 400);
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '86400' } }));
  const event = await postEvent(t, { tenant });
  const handle = client.workflow.getHandle(`deliver:${tenant}:${event.idempotency_key}`);
  await receiver.waitFor((requests) => requests.length === 400);
  await eventually(() =>
    handle.describe().then(
      () => true,
      () => false,
    ),
  );
  await handle.cancel();
  await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
  const { rows } = await t.pool.query(
    'select status, count(*)::int from all_deliveries where event_id = $1 group by 1',
    [event.id],
  );
  expect(rows).toEqual([{ status: 'CANCELLED', count: 400 }]);
  const parts = await handle.query<{ status: string }[]>('state');
  expect(parts.map(({ status }) => status)).toEqual(Array(8).fill('CANCELLED'));
}, 120_000);

test('two backfills of one database start each workflow once', async () => {
  const t = await start();
  await start({ databaseUrl: t.databaseUrl, taskQueue: t.taskQueue });
  await createEndpoint(t, receiver.url, { tenant });
  const events = Array.from({ length: 60 }, (_, n) => ({
    ...{ id: newId('evt'), tenant, type: 'a.b', payload: '{}', idempotencyKey: `k${n}`, endpointIds: null },
    ...{ requestHash: '00', workflowId: `deliver:${tenant}:k${n}`, maxAttempts: 12, createdAt: new Date() },
  }));
  await acceptEvents(t.pool, events, { claimedBy: null, workflow: 'later' });
  await receiver.waitFor((requests) => requests.length === 60);
  await eventually(async () => (await waitingStarts(t.databaseUrl)) === 0);
  for (const { workflowId } of events)
    await eventually(async () => (await statusOf(workflowId)) === 'COMPLETED');
  expect((await getDelivery(t, (await allIds(t))[0]!)).attempt_count).toBe(1);
  expect(receiver.requests).toHaveLength(60);
}, 120_000);

const allIds = async (t: TestService) =>
  (await t.pool.query<{ id: string }>('select id from all_deliveries where tenant = $1', [tenant])).rows.map(
    ({ id }) => id,
  );
