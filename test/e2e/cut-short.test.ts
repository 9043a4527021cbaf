import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** A cancellation, or a Postgres that is away, while an attempt is under way. */
let t: TestService;
let receiver: Receiver;
let connection: Connection;
let client: Client;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService();
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

/** A delivery whose first attempt is at the receiver, and waited for by its activity. */
async function underWay(): Promise<{
  id: string;
  handle: WorkflowHandle;
  answer: (status: number) => void;
}> {
  let answer!: (status: number) => void;
  const status = new Promise<number>((resolve) => (answer = resolve));
  receiver.setBehaviour(async () => ({ status: await status, headers: { 'retry-after': '86400' } }));
  await createEndpoint(t, receiver.url, { tenant, timeout_ms: 30_000 });
  const { deliveries, idempotency_key } = await postEvent(t, { tenant });
  await receiver.waitFor((requests) => requests.length === 1);
  const handle = client.workflow.getHandle(`deliver:${tenant}:${idempotency_key}`);
  await eventually(() =>
    handle.describe().then(
      ({ raw }) => raw.pendingActivities?.some(({ lastStartedTime }) => lastStartedTime),
      () => false,
    ),
  );
  return { id: deliveries[0]!.id, handle, answer };
}

test('a workflow cancelled during an attempt that then fails ends its delivery as cancelled, at once', async () => {
  const { id, handle, answer } = await underWay();
  await handle.cancel();
  answer(500);
  const delivery = await deliveryIn(t, id, ['CANCELLED']);
  expect(delivery).toMatchObject({ status_reason: 'workflow cancelled', attempt_count: 1 });
  expect(delivery.attempts).toMatchObject([{ number: 1, classification: 'HTTP_5XX_RETRYABLE' }]);
  await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
});

test('cancelled during an attempt that ends it, the delivery has failed, and the workflow says so', async () => {
  const { id, handle, answer } = await underWay();
  await handle.cancel();
  answer(404);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'FAILED', status_reason: 'HTTP_4XX_PERMANENT' });
  await expect(handle.result()).rejects.toMatchObject({ cause: { type: 'DELIVERY_FAILED' } });
});

test.each([
  [500, 'CANCELLED'],
  [404, 'CANCELLED'],
  [200, 'DELIVERED'],
])(
  'a delivery cancelled during an attempt that ends with %i is %s in its row and for its workflow',
  async (status, end) => {
    const { id, handle, answer } = await underWay();
    expect((await t.call('POST', `/v1/deliveries/${id}/cancel`)).status).toBe(200);
    answer(status);
    expect(await handle.result()).toMatchObject([{ status: end, attempts: [{ number: 1 }] }]);
    expect(await getDelivery(t, id)).toMatchObject({ status: end, attempt_count: 1 });
  },
);

test('an attempt that Postgres did not take is recorded with its contents as soon as it does, long before the next', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  await t.pool.query(`create function no_room() returns trigger language plpgsql as
    $$ begin raise exception 'could not extend file: No space left on device' using errcode = 'disk_full'; end $$`);
  await t.pool.query(
    `create trigger no_room before insert on attempts for each row execute function no_room()`,
  );
  receiver.setBehaviour((_request, index) => ({
    status: index === 0 ? 503 : 200,
    headers: { 'retry-after': '86400' },
    body: 'their answer',
  }));
  const { deliveries } = await postEvent(t, { tenant });
  const { id, workflow_id } = await getDelivery(t, deliveries[0]!.id);
  await receiver.waitFor((requests) => requests.length === 1);
  const handle = client.workflow.getHandle(workflow_id);
  await eventually(() =>
    handle.describe().then(
      ({ raw }) => raw.pendingActivities?.some((one) => one.activityType?.name === 'recordOutcome'),
      () => null,
    ),
  );
  expect(await getDelivery(t, id)).toMatchObject({ status: 'PENDING', attempts: [] });
  // Not dropped: that would lock the tables, and be in the way of the record.
  await t.pool.query(
    'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
  );
  const delivery = await deliveryIn(t, id, ['IN_PROGRESS']);
  expect(delivery.attempts).toMatchObject([{ number: 1, http_status: 503, response_body: 'their answer' }]);
  expect(Date.parse(delivery.attempts[0]!.next_attempt_at!)).toBeGreaterThan(Date.now() + 60_000);
  expect(receiver.requests).toHaveLength(1);

  expect((await t.call('POST', `/v1/deliveries/${id}/retry`, { reason: 'they are back' })).status).toBe(202);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  const { body } = await t.call('GET', `/v1/audit?object=${id}`);
  expect(body.data).toMatchObject([{ action: 'delivery.retry', reason: 'they are back' }]);
});
