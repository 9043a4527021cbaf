import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Temporal's limits of one history, 4,096 events before it suggests another and 51,200 in all, made small. */
const settings = ['limit.historyCount.suggestContinueAsNew=40', 'limit.historyCount.error=150'];

let address: string;
let client: Client;
let receiver: Receiver;
const release: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-limits-'));
  release.push(() => rm(dir, { recursive: true, force: true }));
  const binary = await findTemporal({ progress: console.log, env: process.env });
  const temporal = await startTemporal({ binary, dir, inMemory: true, uiPort: null, settings });
  release.push(() => temporal.stop());
  address = temporal.address;
  const connection = await Connection.connect({ address });
  release.push(() => connection.close());
  client = new Client({ connection });
  receiver = await startReceiver();
  release.push(() => receiver.close());
}, 60_000);
afterAll(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

async function start(over: Parameters<typeof startTestService>[0] = {}): Promise<TestService> {
  const temporal = { address, namespace: 'default', tls: false, apiKey: null, uiUrl: null };
  const t = await startTestService({ temporal, sweepEveryMs: 200, ...over });
  release.push(() => t.stop());
  return t;
}

test('deliveries that a fault of ours puts off go on in another run before their history is full', async () => {
  const t = await start();
  const broken = await createEndpoint(t, receiver.url, { tenant: 'faulty' });
  const waiting = await createEndpoint(t, `${receiver.url}/waiting`, { tenant: 'faulty' });
  receiver.setBehaviour(({ path }) => ({
    status: path.endsWith('/waiting') ? 503 : 200,
    headers: { 'retry-after': '86400' },
  }));
  // Its secret cannot be opened: every attempt is put off.
  const { rows } = await t.pool.query<{ sealed: Buffer }>(
    `with before as (select id, sealed from endpoint_secrets where endpoint_id = $1)
     update endpoint_secrets s set sealed = '\\x00' from before where s.id = before.id returning before.sealed`,
    [broken.id],
  );
  const { deliveries, idempotency_key } = await postEvent(t, { tenant: 'faulty' });
  const of = (endpoint: { id: string }) => deliveries.find((d) => d.endpoint_id === endpoint.id)!.id;
  await deliveryIn(t, of(waiting), ['IN_PROGRESS']);
  const handle = client.workflow.getHandle(`deliver:faulty:${idempotency_key}`);
  const { runId } = await handle.describe();
  const now = await eventually(async () => {
    const described = await handle.describe();
    return described.runId !== runId && described;
  });
  expect(now.status.name).toBe('RUNNING');
  expect(now.searchAttributes).toMatchObject({ Tenant: ['faulty'] });
  expect(await getDelivery(t, of(broken))).toMatchObject({ attempt_count: 0 });

  await t.pool.query('update endpoint_secrets set sealed = $2 where endpoint_id = $1', [
    broken.id,
    rows[0]!.sealed,
  ]);
  expect(await deliveryIn(t, of(broken))).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  // The other waits on for its retry, and can be told to make it now.
  expect(await getDelivery(t, of(waiting))).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  receiver.setBehaviour(() => ({ status: 200 }));
  await t.call('POST', `/v1/deliveries/${of(waiting)}/retry`);
  expect(await deliveryIn(t, of(waiting))).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(await handle.result()).toMatchObject([
    {
      status: 'DELIVERED',
      attempts: expect.arrayContaining([expect.objectContaining({ number: 1 })]) as unknown,
    },
    { status: 'DELIVERED' },
  ]);
}, 60_000);

test('a workflow that Temporal itself has ended is started again: nobody cancelled its deliveries', async () => {
  const t = await start({ role: 'api' });
  await createEndpoint(t, receiver.url);
  receiver.setBehaviour(() => ({ status: 200 }));
  const { deliveries } = await postEvent(t);
  const { id, workflow_id } = await getDelivery(t, deliveries[0]!.id);
  const handle = client.workflow.getHandle(workflow_id);
  await eventually(() =>
    handle.describe().then(
      () => true,
      () => t.pool.query('update deliveries set due_at = now()').then(() => false),
    ),
  );
  for (let i = 0; i < 200; i++) await handle.signal('resume', ['none']).catch(() => {});
  expect((await handle.describe()).status.name).toBe('TERMINATED');
  await start({ role: 'worker', databaseUrl: t.databaseUrl, taskQueue: t.taskQueue });
  await t.pool.query('update deliveries set due_at = now()');
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
}, 60_000);
