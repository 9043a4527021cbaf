import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, temporalAt, type TestService } from '../support/service.js';

/** Temporal's limit of one history, 51,200 events, made small. */
const settings = ['limit.historyCount.error=150'];

let address: string;
let client: Client;
let receiver: Receiver;
let t: TestService;
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
  t = await startTestService({ temporal: temporalAt(address), pollEveryMs: 200 });
  release.push(() => t.stop());
}, 60_000);
afterAll(async () => {
  for (const step of release.splice(0).reverse()) await step();
});

test('a delivery whose workflow Temporal itself has ended goes on: nobody cancelled it', async () => {
  await createEndpoint(t, receiver.url);
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '86400' } }));
  const { deliveries } = await postEvent(t);
  const { id, workflow_id } = await deliveryIn(t, deliveries[0]!.id, ['IN_PROGRESS']);
  const handle = client.workflow.getHandle(workflow_id);
  const status = () =>
    handle.describe().then(
      (described) => described.status.name,
      () => null,
    );
  await eventually(async () => (await status()) === 'RUNNING');
  for (let i = 0; i < 200; i++) await handle.signal('cancelDeliveries', ['none']).catch(() => {});
  expect(await status()).toBe('TERMINATED');
  receiver.setBehaviour(() => ({ status: 200 }));
  await t.pool.query(`update open_deliveries set run_at = now() - interval '31 seconds'`);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
}, 60_000);

test('tries that a fault of ours puts off are no part of a history', async () => {
  const tenant = 'faulty';
  const { id: endpointId } = await createEndpoint(t, receiver.url, { tenant });
  // The secret of the endpoint cannot be opened: every attempt is put off.
  const { rows } = await t.pool.query<{ sealed: Buffer }>(
    `with before as (select id, sealed from endpoint_secrets where endpoint_id = $1)
     update endpoint_secrets s set sealed = substr(s.sealed, 1, 33) || '\\x00' from before where s.id = before.id returning before.sealed`,
    [endpointId],
  );
  const { deliveries, idempotency_key } = await postEvent(t, { tenant });
  const handle = client.workflow.getHandle(`deliver:${tenant}:${idempotency_key}`);
  await eventually(() =>
    handle.describe().then(
      ({ raw }) => (raw.pendingActivities?.[0]?.attempt ?? 0) >= 4,
      () => false,
    ),
  );
  expect((await handle.fetchHistory()).events!.length).toBeLessThan(10);
  expect(await getDelivery(t, deliveries[0]!.id)).toMatchObject({ status: 'PENDING', attempt_count: 0 });
  await t.pool.query('update endpoint_secrets set sealed = $2 where endpoint_id = $1', [
    endpointId,
    rows[0]!.sealed,
  ]);
  expect(await deliveryIn(t, deliveries[0]!.id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(await handle.result()).toMatchObject([{ status: 'DELIVERED', attempts: [{ number: 1 }] }]);
}, 60_000);
