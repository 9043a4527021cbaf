import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import type { DeliveryState, Trail } from '../../workflows/contract.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** Temporal and Postgres disagree: one of them was restored from a backup, or was away. Postgres decides. */
let t: TestService;
let receiver: Receiver;
let connection: Connection;
let client: Client;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
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

/** Makes the next attempt due 31 s ago: the poller makes it in place of the workflow. */
const overdue = (id: string, seconds = 31) =>
  t.pool.query(`update open_deliveries set run_at = now() - $2 * interval '1 second' where id = $1`, [
    id,
    seconds,
  ]);

/** A delivery of an endpoint of its own, whose retry is far away; its activity waits for it. */
async function retrying(): Promise<{ id: string; workflowId: string; endpointId: string }> {
  const { id: endpointId } = await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '86400' } }));
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id: workflowId } = await deliveryIn(t, deliveries[0]!.id, ['IN_PROGRESS']);
  const handle = client.workflow.getHandle(workflowId);
  await eventually(() =>
    handle.describe().then(
      ({ raw }) => raw.pendingActivities?.some(({ lastFailure }) => lastFailure),
      () => false,
    ),
  );
  return { id, workflowId, endpointId };
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
  await overdue(id);
  expect(await deliveryIn(t, id)).toMatchObject({
    status: 'CANCELLED',
    status_reason: 'workflow terminated',
  });
});

test('a delivery whose workflow is lost goes on after the grace, and gets its workflow again', async () => {
  const { id, workflowId } = await retrying();
  await remove(workflowId);
  receiver.setBehaviour((_request, index) =>
    index === 1 ? { status: 503, headers: { 'retry-after': '2' } } : { status: 200 },
  );
  // Not before its time, and not before the workflow had its chance.
  await overdue(id, 20);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  expect(await getDelivery(t, id)).toMatchObject({ attempt_count: 1 });
  await overdue(id);
  const delivery = await deliveryIn(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 3, workflow_id: workflowId });
  expect(delivery.attempts.map(({ number }) => number)).toEqual([1, 2, 3]);
  const again = await eventually(() =>
    client.workflow
      .getHandle(workflowId)
      .result()
      .then(
        (states) => states as DeliveryState[],
        () => null,
      ),
  );
  expect(again).toMatchObject([
    { status: 'DELIVERED', attempts: [{ number: 1 }, { number: 2 }, { number: 3 }] },
  ]);
});

test('a retry asked for of a delivery whose workflow is lost is made at once', async () => {
  const { id, workflowId } = await retrying();
  await remove(workflowId);
  receiver.setBehaviour(() => ({ status: 200 }));
  expect((await t.call('POST', `/v1/deliveries/${id}/retry`)).status).toBe(202);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
});

test('a delivery that Postgres has as open is attempted again, whatever Temporal says, with the next number', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id } = await deliveryIn(t, deliveries[0]!.id);
  await client.workflow.getHandle(workflow_id).result();
  // As an older backup of Postgres has it.
  await t.pool.query(
    `with gone as (delete from attempts where delivery_id = $1),
       history as (delete from deliveries where id = $1 returning *)
     insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, run_at, run_by,
       workflow_id, created_at)
     select id, event_id, endpoint_id, tenant, event_type, max_attempts, now() - interval '31 seconds', 'workflow',
       workflow_id, created_at from history`,
    [id],
  );
  const delivery = await deliveryIn(t, id);
  expect(delivery).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(delivery.attempts).toMatchObject([{ number: 1, http_status: 200 }]);
  expect(receiver.requests).toHaveLength(2);
});

test('a workflow whose Temporal is older than Postgres makes no attempt that was made, and leaves no gap', async () => {
  const { id, workflowId } = await retrying();
  // Attempts 2 and 3 are made without it; its heartbeat details know of one.
  receiver.setBehaviour((_request, index) => ({
    status: index < 3 ? 503 : 200,
    headers: { 'retry-after': index < 2 ? '0' : '86400' },
  }));
  await t.pool.query(`update open_deliveries set run_at = now(), run_by = 'queue' where id = $1`, [id]);
  await eventually(async () => (await getDelivery(t, id)).attempt_count === 3);
  await client.workflowService.resetActivity({
    namespace: 'default',
    execution: { workflowId },
    id,
  });
  await eventually(async () => {
    const { raw } = await client.workflow.getHandle(workflowId).describe();
    const details = raw.pendingActivities![0]!.heartbeatDetails?.payloads?.[0]?.data;
    const trail = JSON.parse(Buffer.from(details ?? []).toString() || '{"attempts":[]}') as Trail;
    return trail.attempts.length === 3;
  });
  expect(receiver.requests).toHaveLength(3);
  await t.call('POST', `/v1/deliveries/${id}/retry`);
  const delivery = await deliveryIn(t, id);
  expect(delivery.attempts.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
  expect(await client.workflow.getHandle(workflowId).result()).toMatchObject([{ status: 'DELIVERED' }]);
});

test('a delivery that Postgres does not know ends its workflow, and nothing is sent', async () => {
  const workflowId = `deliver:${tenant}:unknown`;
  await client.workflow.start('deliverWebhook', {
    ...{ workflowId, taskQueue: t.taskQueue },
    args: [{ eventId: 'evt', tenant, deliveries: [{ id: 'del_unknown', endpointId: 'ep' }], parts: 0 }],
  });
  expect(await client.workflow.getHandle(workflowId).result()).toMatchObject([
    { status: 'CANCELLED', reason: 'NOT_FOUND', attempts: [] },
  ]);
});

test('a held delivery that is resumed is sent at once, and its workflow ends soon after', async () => {
  const { id: endpoint } = await createEndpoint(t, receiver.url, { tenant });
  await t.call('POST', `/v1/endpoints/${endpoint}/pause`);
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id } = await getDelivery(t, deliveries[0]!.id);
  const handle = client.workflow.getHandle(workflow_id);
  await eventually(() =>
    handle.describe().then(
      ({ raw }) => raw.pendingActivities?.some(({ lastFailure }) => lastFailure?.message?.includes('paused')),
      () => false,
    ),
  );
  await t.call('POST', `/v1/endpoints/${endpoint}/resume`);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  expect(await handle.result()).toMatchObject([{ status: 'DELIVERED', attempts: [{ number: 1 }] }]);
}, 60_000);
