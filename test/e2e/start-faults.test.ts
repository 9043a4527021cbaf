import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import type { Readiness } from '../../src/observability/readiness.js';
import { copyEndpoint } from '../support/copies.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, temporalAt, type TestService } from '../support/service.js';

const run = promisify(execFile);
let binary: string;
let connection: Connection;
let receiver: Receiver;
const release: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  binary = await findTemporal({ progress: console.log, env: process.env });
  connection = await Connection.connect({ address: inject('temporalAddress') });
});
afterAll(() => connection.close());
beforeEach(async () => {
  receiver = await startReceiver();
  release.push(() => receiver.close());
});
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

/** A namespace of its own, as on a Temporal server that is shared. */
async function createNamespace(
  attributes: Record<string, string>,
  namespace = `ns-${Math.random().toString(36).slice(2)}`,
): Promise<string> {
  const cli = (...args: string[]) =>
    run(binary, ['operator', ...args, '--address', inject('temporalAddress')]);
  await cli('namespace', 'create', '--namespace', namespace);
  const pairs = Object.entries(attributes).flatMap(([name, type]) => ['--name', name, '--type', type]);
  // A new namespace is not known everywhere at once.
  if (pairs.length === 0) return namespace;
  await eventually(() =>
    cli('search-attribute', 'create', '--namespace', namespace, ...pairs).then(
      () => true,
      () => false,
    ),
  );
  return namespace;
}

async function start(over: Parameters<typeof startTestService>[0]): Promise<TestService> {
  const t = await startTestService({ pollEveryMs: 200, ...over });
  release.push(() => t.stop());
  return t;
}

const at = (namespace: string, address = inject('temporalAddress')) => ({
  temporal: temporalAt(address, namespace),
});

const readyz = async (t: TestService) =>
  (await t.call<Readiness & { status: string }>('GET', '/readyz')).body;
/** Starts that were refused are put off: they are tried again now. */
const startNow = (t: TestService) => t.pool.query('update workflow_starts set start_at = now()');
const described = (namespace: string, workflowId: string) =>
  new Client({ connection, namespace }).workflow.getHandle(workflowId).describe();

test('a search attribute of another type in the namespace is left out, and said so', async () => {
  const namespace = await createNamespace({ Tenant: 'Int' });
  const t = await start(at(namespace));
  const { id: endpointId } = await createEndpoint(t, receiver.url);
  const { deliveries } = await postEvent(t);
  const { workflow_id } = await deliveryIn(t, deliveries[0]!.id);
  const { searchAttributes } = await described(namespace, workflow_id);
  expect(searchAttributes).toMatchObject({ EventType: ['order.created'], EndpointIds: [endpointId] });
  expect(searchAttributes).not.toHaveProperty('Tenant');
  expect(await readyz(t)).toMatchObject({
    status: 'ok',
    temporal: { ok: true, reason: 'search attributes left out: Tenant (it is Int, not Keyword)' },
  });
}, 120_000);

test('where the namespace has no room for search attributes, everything goes on without: parts and batches, too', async () => {
  const names = (count: number, name: string, type: string) =>
    Array.from({ length: count }, (_, i) => [`${name}${i}`, type]);
  const namespace = await createNamespace(
    Object.fromEntries([...names(10, 'K', 'Keyword'), ...names(3, 'L', 'KeywordList')]) as Record<
      string,
      string
    >,
  );
  const t = await start(at(namespace));
  expect(await readyz(t)).toMatchObject({
    status: 'ok',
    temporal: {
      reason: expect.stringMatching(/^search attributes left out: Tenant \(.*EndpointIds \(/) as string,
    },
  });
  const { id: endpointId } = await createEndpoint(t, receiver.url);
  await copyEndpoint(t.pool, endpointId, 50);
  receiver.setBehaviour(() => ({ status: 404 }));
  const { deliveries } = await postEvent(t);
  expect(deliveries).toHaveLength(51);
  for (const { id } of deliveries) await deliveryIn(t, id, ['FAILED']);
  const batch = await t.call<{ id: string }>('POST', '/v1/batches', { filter: { endpoint_id: endpointId } });
  expect(batch.status).toBe(201);
  await eventually(async () => {
    const { body } = await t.call<{ status: string }>('GET', `/v1/batches/${batch.body.id}`);
    return body.status === 'COMPLETED';
  });
  expect(receiver.requests).toHaveLength(52);
}, 120_000);

const failures = async (t: TestService, fault: string) => {
  const { body } = await t.call<string>('GET', '/metrics');
  return Number(
    new RegExp(`surehook_workflow_start_failures_total{fault="${fault}"} (\\d+)`).exec(body)?.[1] ?? 0,
  );
};

test('workflows that are refused show in the metrics and in readiness, and keep nothing from being delivered', async () => {
  const namespace = `late-${Math.random().toString(36).slice(2)}`;
  const t = await start({ ...at(namespace), role: 'api' });
  await createEndpoint(t, receiver.url);
  const { deliveries } = await postEvent(t);
  const { id } = deliveries[0]!;
  const delivery = await deliveryIn(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', status_reason: null, attempt_count: 1 });
  await eventually(async () => (await failures(t, 'refused')) > 0);
  expect(await readyz(t)).toMatchObject({
    status: 'degraded',
    postgres: { ok: true },
    temporal: {
      ok: false,
      reason: 'workflows cannot be started: Temporal does not know the namespace.',
    },
  });

  await createNamespace({}, namespace);
  const worker = await start({
    ...at(namespace),
    role: 'worker',
    databaseUrl: t.databaseUrl,
    taskQueue: t.taskQueue,
  });
  await eventually(async () => {
    await startNow(t);
    return described(namespace, delivery.workflow_id).then(
      ({ status }) => status.name === 'COMPLETED',
      () => false,
    );
  });
  // Temporal may have refused a start of the worker, too, which the other process then made.
  await eventually(async () => (await worker.service.readiness()).temporal.ok, 90_000);
  await postEvent(t);
  await eventually(async () => (await readyz(t)).temporal.ok);
}, 240_000);

test('a Temporal that is away shows in the same places, and its workflows are started when it is back', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-away-'));
  release.push(() => rm(dir, { recursive: true, force: true }));
  const port = await freePort();
  const own = () => startTemporal({ binary, dir, inMemory: true, uiPort: null, port });
  const first = await own();
  const t = await start({ ...at('default', first.address) });
  await createEndpoint(t, receiver.url);
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '86400' } }));
  const { deliveries } = await postEvent(t);
  const retrying = await deliveryIn(t, deliveries[0]!.id, ['IN_PROGRESS']);
  receiver.setBehaviour(() => ({ status: 200 }));
  await first.stop();
  // A retry that its workflow should have made 31 s ago.
  await t.pool.query(
    `update open_deliveries set run_by = 'workflow', run_at = now() - interval '31 seconds'`,
  );
  expect(await deliveryIn(t, retrying.id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  receiver.requests.length = 0;
  for (let i = 0; i < 20; i++) await deliveryIn(t, (await postEvent(t)).deliveries[0]!.id);
  expect(receiver.requests).toHaveLength(20);
  await eventually(async () => (await failures(t, 'away')) > 0);
  expect((await readyz(t)).temporal).toMatchObject({ ok: false, reason: 'Temporal does not answer.' });
  const waiting = async () =>
    (await t.pool.query<{ n: number }>('select count(*)::int as n from workflow_starts')).rows[0]!.n;
  // The first retry above may have been recorded before its workflow was started.
  await eventually(async () => (await waiting()) >= 20);

  const second = await own();
  release.push(() => second.stop());
  await eventually(async () => (await readyz(t)).temporal.ok);
  await eventually(async () => (await waiting()) === 0);
  const { rows } = await t.pool.query<{ workflow_id: string }>(
    'select workflow_id from deliveries where attempt_count = 1',
  );
  const back = await Connection.connect({ address: second.address });
  release.push(() => back.close());
  for (const { workflow_id } of rows)
    expect(await new Client({ connection: back }).workflow.getHandle(workflow_id).result()).toMatchObject([
      { status: 'DELIVERED', attempts: [{ number: 1 }] },
    ]);
  expect(receiver.requests).toHaveLength(20);
}, 120_000);
