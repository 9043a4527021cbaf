import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { acceptEvents } from '../../src/db/events.js';
import { newId } from '../../src/lib/ids.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
let connection: Connection;
let client: Client;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ sweepEveryMs: 200 });
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

/** The sweeper looks at it as if its time had come. */
const due = (id: string) => t.pool.query('update deliveries set due_at = now() where id = $1', [id]);

/** A delivery of an endpoint of its own, whose retry is far away. */
async function retrying(): Promise<{ id: string; workflowId: string; endpointId: string }> {
  const { id: endpointId } = await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '86400' } }));
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id } = await deliveryIn(t, deliveries[0]!.id, ['IN_PROGRESS']);
  return { id, workflowId: workflow_id, endpointId };
}

const remove = async (workflowId: string) => {
  await client.workflowService.deleteWorkflowExecution({
    namespace: 'default',
    workflowExecution: { workflowId },
  });
  const handle = client.workflow.getHandle(workflowId);
  await eventually(() =>
    handle.describe().then(
      () => false,
      () => true,
    ),
  );
};

test('a delivery whose workflow was terminated ends as cancelled, with the reason', async () => {
  const { id, workflowId } = await retrying();
  await client.workflow.getHandle(workflowId).terminate();
  await due(id);
  expect(await deliveryIn(t, id)).toMatchObject({
    status: 'CANCELLED',
    status_reason: 'workflow terminated',
  });
});

test('a delivery whose workflow is lost goes on with the attempts that are left, not before its time', async () => {
  const { id, workflowId } = await retrying();
  await remove(workflowId);
  receiver.setBehaviour(() => ({ status: 200 }));
  const dueAt = new Date(Date.now() + 1_500);
  await t.pool.query('update deliveries set next_attempt_at = $2, due_at = now() where id = $1', [id, dueAt]);
  const delivery = await deliveryIn(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 2, workflow_id: workflowId });
  expect(delivery.attempts.map(({ number, classification }) => [number, classification])).toEqual([
    [1, 'HTTP_5XX_RETRYABLE'],
    [2, 'DELIVERED'],
  ]);
  expect(receiver.requests[1]!.at).toBeGreaterThanOrEqual(dueAt.getTime() - 50);
});

test('a retry asked for of a delivery whose workflow is lost is made at once, however far away its time was', async () => {
  const { id, workflowId } = await retrying();
  await remove(workflowId);
  receiver.setBehaviour(() => ({ status: 200 }));
  expect((await t.call('POST', `/v1/deliveries/${id}/retry`)).status).toBe(202);
  expect(await deliveryIn(t, id, undefined, 10_000)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
});

test('an outcome that Postgres lost is read back from the workflow, and nothing is sent again', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id } = await deliveryIn(t, deliveries[0]!.id);
  await client.workflow.getHandle(workflow_id).result();
  // As an older backup would have it.
  await t.pool.query(
    `with gone as (delete from attempts where delivery_id = $1)
     update deliveries set status = 'IN_PROGRESS', attempt_count = 0, last_classification = null, completed_at = null,
       due_at = now() where id = $1`,
    [id],
  );
  const delivery = await deliveryIn(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(delivery.attempts).toMatchObject([{ number: 1, classification: 'DELIVERED', http_status: 200 }]);
  expect(receiver.requests).toHaveLength(1);
});

test('so is a failure', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour(() => ({ status: 404 }));
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id } = await deliveryIn(t, deliveries[0]!.id);
  await client.workflow
    .getHandle(workflow_id)
    .result()
    .catch(() => undefined);
  await t.pool.query(
    `update deliveries set status = 'IN_PROGRESS', completed_at = null, due_at = now() where id = $1`,
    [id],
  );
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'FAILED', status_reason: 'HTTP_4XX_PERMANENT' });
  expect(receiver.requests).toHaveLength(1);
});

test('a released delivery whose workflow never heard of it is told again', async () => {
  const endpoint = await createEndpoint(t, receiver.url, { tenant });
  const open = await createEndpoint(t, `${receiver.url}?open`, { tenant });
  await t.call('POST', `/v1/endpoints/${endpoint.id}/pause`);
  const { deliveries } = await postEvent(t, { tenant });
  const id = deliveries.find((d) => d.endpoint_id === endpoint.id)!.id;
  await deliveryIn(t, deliveries.find((d) => d.endpoint_id === open.id)!.id);
  // The process died after it had released the delivery, before it told the workflow.
  await t.pool.query(`update endpoints set status = 'enabled' where id = $1`, [endpoint.id]);
  await t.pool.query(
    `update deliveries set status = 'PENDING', status_reason = 'RESUMED', due_at = now() where id = $1`,
    [id],
  );
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
});

test('an event in parts that was never started gets its workflow and its children', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  await t.pool.query(
    `with copies as (
       insert into endpoints (id, tenant, url, event_types, timeout_ms)
       select new_id('ep', now()), tenant, url, event_types, timeout_ms from endpoints, generate_series(1, 50)
       where tenant = $1 returning id
     ) insert into endpoint_secrets (id, endpoint_id, sealed)
       select new_id('sec', now()), copies.id, sealed from copies,
         (select sealed from endpoint_secrets limit 1) secret`,
    [tenant],
  );
  // As a process leaves it that dies between the commit and the start.
  const workflowId = `deliver:${tenant}:parts`;
  const event = {
    id: newId('evt'),
    tenant,
    type: 'a.b',
    payload: '{}',
    idempotencyKey: 'parts',
    requestHash: '00',
    workflowId,
    maxAttempts: 12,
    createdAt: new Date(),
    endpointIds: null,
  };
  const [accepted] = await acceptEvents(t.pool, [event], {
    ...{ lane: 'workflow', heldLane: 'workflow', dueInMs: 60_000 },
  });
  await t.pool.query('update deliveries set due_at = now() where tenant = $1', [tenant]);
  await receiver.waitFor((requests) => requests.length === 51, 20_000);
  expect(accepted!.kind).toBe('accepted');
  expect(await client.workflow.getHandle(workflowId).result()).toEqual([
    { workflow_id: `${workflowId}~p1`, deliveries: 50, status: 'COMPLETED' },
    { workflow_id: `${workflowId}~p2`, deliveries: 1, status: 'COMPLETED' },
  ]);
  expect(receiver.requests).toHaveLength(51);
});

test('a delivery that only waits its turn is left alone, and looked at ever later', async () => {
  const { id } = await retrying();
  await due(id);
  const pushed = await eventually(async () => {
    const { rows } = await t.pool.query<{ ms: number }>(
      'select extract(epoch from due_at - now()) * 1000 as ms from deliveries where id = $1',
      [id],
    );
    return Number(rows[0]!.ms) > 30_000 && Number(rows[0]!.ms);
  });
  expect(pushed).toBeLessThan(120_000);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'IN_PROGRESS', attempt_count: 1 });
  expect(receiver.requests).toHaveLength(1);
});

test('two sweepers share the work: each overdue event is started once', async () => {
  const other = await startTestService({
    databaseUrl: t.databaseUrl,
    taskQueue: t.taskQueue,
    sweepEveryMs: 100,
  });
  try {
    await createEndpoint(t, receiver.url, { tenant });
    const ids = await t.pool.query<{ id: string }>(
      `with event as (
         insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at)
         select new_id('evt', now()), $1, 'a.b', '{}', 'k' || n, 'deliver:' || $1 || ':k' || n, now()
         from generate_series(1, 60) n returning id, workflow_id
       ) insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at, due_at)
       select new_id('del', now()), event.id, ep.id, $1, 'a.b', 12, event.workflow_id, now(), now()
       from event, endpoints ep where ep.tenant = $1 returning id`,
      [tenant],
    );
    await receiver.waitFor((requests) => requests.length === 60, 20_000);
    for (const { id } of ids.rows) await deliveryIn(t, id, ['DELIVERED']);
    expect(receiver.requests).toHaveLength(60);
  } finally {
    await other.stop();
  }
});
