import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { batchCalls } from '../support/batches.js';
import { faultsOf, openApi } from '../support/conformance.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, verified, type Receiver, type Recorded } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
/** The operator has one, and a customer the other. */
let operator: Receiver;
let customer: Receiver;
let secret: string;
let operatorId: string;
let nth = 0;
let tenant: string;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
  operator = await startReceiver();
  ({ id: operatorId, secret } = await createEndpoint(t, operator.url, { tenant: 'surehook' }));
});
afterAll(async () => {
  await t.stop();
  await operator.close();
});
beforeEach(async () => {
  tenant = `told_${nth++}`;
  operator.requests.length = 0;
  operator.setBehaviour(() => ({ status: 200 }));
  customer = await startReceiver();
  return () => customer.close();
});

interface Told {
  type: string;
  timestamp: string;
  data: Record<string, unknown>;
}
/** The next webhook of a type, verified by an independent library, and as the OpenAPI document describes it. */
async function told(type: string): Promise<Told> {
  const isOf = ({ headers }: Recorded) => headers['webhook-event-type'] === type;
  const requests = await operator.waitFor((all) => all.some(isOf));
  const body = verified(secret, requests.find(isOf)!) as Told;
  expect(faultsOf(openApi.webhooks[type]!.post.requestBody!.content['application/json']!.schema, body)).toBe(
    '',
  );
  return body;
}

test('a receiver that is gone is announced, with the delivery that failed', async () => {
  customer.setBehaviour(() => ({ status: 410 }));
  const { id } = await createEndpoint(t, `${customer.url}?token=canary-told`, { tenant });
  const event = await postEvent(t, { tenant, payload: { card: 'canary-told' } });
  const disabled = await told('endpoint.disabled');
  expect(disabled).toEqual({
    type: 'endpoint.disabled',
    timestamp: expect.stringMatching(/^20.*Z$/) as string,
    data: {
      endpoint_id: id,
      tenant,
      reason: 'gone',
      failing_since: expect.stringMatching(/^20.*Z$/) as string,
      disabled_at: expect.stringMatching(/^20.*Z$/) as string,
    },
  });
  expect(await told('delivery.failed')).toMatchObject({
    data: {
      delivery_id: event.deliveries[0]!.id,
      event_id: event.id,
      endpoint_id: id,
      tenant,
      reason: 'GONE',
    },
  });
  expect(operator.requests.map(({ body }) => body).join()).not.toMatch(/canary-told|whsec_/);
});

test('an event whose key was taken before it was reserved arrives under another key', async () => {
  customer.setBehaviour(() => ({ status: 404 }));
  const { id } = await createEndpoint(t, customer.url, { tenant });
  await t.call('POST', `/v1/endpoints/${id}/pause`);
  const event = await postEvent(t, { tenant });
  const deliveryId = event.deliveries[0]!.id;
  await t.pool.query(
    `insert into idempotency_keys (tenant, key, event_id, request_hash) values ('surehook', $1, $2, '\\x00')`,
    [`delivery.failed/${deliveryId}`, event.id],
  );
  await t.call('POST', `/v1/endpoints/${id}/resume`);
  expect((await told('delivery.failed')).data).toMatchObject({ delivery_id: deliveryId });
});

test('an endpoint that fails for a day is announced, and again when it has recovered', async () => {
  const { id } = await createEndpoint(t, customer.url, { tenant });
  await t.pool.query(`update endpoints set failing_since = now() - interval '25 hours' where id = $1`, [id]);
  customer.setBehaviour((_request, index) => ({ status: index === 0 ? 500 : 200 }));
  const { deliveries } = await postEvent(t, { tenant });
  await deliveryIn(t, deliveries[0]!.id, ['DELIVERED']);
  expect((await told('endpoint.failing')).data).toMatchObject({
    endpoint_id: id,
    tenant,
    is_last_warning: false,
  });
  expect((await told('endpoint.recovered')).data).toMatchObject({ endpoint_id: id, tenant });
  expect(operator.requests).toHaveLength(2);
});

test('an endpoint that an operator disables, a pause and the end of a batch are announced', async () => {
  const { id } = await createEndpoint(t, customer.url, { tenant });
  await seedDeliveries(t.pool, { endpointId: id, count: 3 });
  const batches = batchCalls(t);
  const batch = await batches.create({ filter: { endpoint_id: id }, rate_per_second: 0 });
  await batches.ended(batch.id);
  expect((await told('batch.ended')).data).toMatchObject({
    ...{ batch_id: batch.id, status: 'COMPLETED', created_by: 'admin', created_count: 3, delivered_count: 3 },
    tenant,
  });

  await t.call('POST', `/v1/endpoints/${id}/disable`, { reason: 'asked for it' });
  expect((await told('endpoint.disabled')).data).toMatchObject({ endpoint_id: id, tenant, reason: 'manual' });

  await t.call('POST', '/v1/control/pause', { scope: 'tenant', tenant, reason: 'too much' });
  expect((await told('control.paused')).data).toMatchObject({
    ...{ scope: 'tenant', tenant, reason: 'too much', paused_by: 'admin' },
  });
  await t.call('POST', '/v1/control/resume', { scope: 'tenant', tenant });
  // Each was announced once, and its event is in the operator's tenant.
  const { body } = await t.call<{ data: { type: string; idempotency_key: string }[] }>(
    'GET',
    '/v1/events?tenant=surehook&type=batch.ended',
  );
  expect(body.data).toHaveLength(1);
  expect(body.data[0]!.idempotency_key).toMatch(new RegExp(`^batch.ended/${batch.id}/20.*Z$`));
});

test('the end of a batch that executes a plan names its tenant', async () => {
  const { id } = await createEndpoint(t, customer.url, { tenant });
  await seedDeliveries(t.pool, { endpointId: id, count: 1 });
  const batches = batchCalls(t);
  const plan = await batches.create({ filter: { tenant, status: 'FAILED' }, dry_run: true });
  await batches.batchIn(plan.id, ['DRY_RUN']);
  const { body } = await batches.post(plan.id, 'start', { rate_per_second: 0 });
  expect((await told('batch.ended')).data).toMatchObject({ batch_id: body.id, tenant });
});

test('a pause of everything is announced when it has ended', async () => {
  await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'their WAF' });
  const { body } = await eventually(async () => {
    const answer = await t.call<{ data: { id: string; status: string }[] }>(
      'GET',
      '/v1/deliveries?tenant=surehook&event_type=control.paused&status=HELD',
    );
    return answer.body.data.length > 0 && answer;
  });
  expect(body.data).toMatchObject([{ status: 'HELD' }]);
  expect(operator.requests).toEqual([]);
  await t.call('POST', '/v1/control/resume', { scope: 'all' });
  expect((await told('control.paused')).data).toMatchObject({
    scope: 'all',
    tenant: null,
    reason: 'their WAF',
  });
});

test('a failed operational event announces nothing', async () => {
  operator.setBehaviour(() => ({ status: 404 }));
  customer.setBehaviour(() => ({ status: 404 }));
  await createEndpoint(t, customer.url, { tenant });
  const { deliveries } = await postEvent(t, { tenant });
  await deliveryIn(t, deliveries[0]!.id, ['FAILED']);
  const failed = async () =>
    (
      await t.call<{ data: { id: string; status: string }[] }>(
        'GET',
        `/v1/deliveries?endpoint_id=${operatorId}&status=FAILED`,
      )
    ).body.data;
  // The operational event has failed in turn, and that is not announced.
  await eventually(async () => (await failed()).length > 0);
  const { rows } = await t.pool.query(
    `select from operational_events union all select from events where tenant = 'surehook'
       and payload::json->'data'->>'tenant' = 'surehook'`,
  );
  expect(rows).toEqual([]);
});

test('nobody else publishes the operational types, or uses their keys', async () => {
  const event = { type: 'endpoint.disabled', payload: 1, tenant: 'surehook' };
  const refused = { status: 422, body: { code: 'reserved_type', errors: [{ path: 'type' }] } };
  expect(await t.call('POST', '/v1/events', event)).toMatchObject(refused);
  expect(await t.call('POST', '/v1/send', { ...event, url: customer.url })).toMatchObject(refused);
  const batch = await t.call<{ results: unknown[] }>('POST', '/v1/events/batch', { events: [event] });
  expect(batch.body.results).toMatchObject([{ status: 422, error: { code: 'reserved_type' } }]);
  // A key that an event of Surehook may have: that event would be a conflict.
  const taken = { type: 'deploy.done', payload: 1, tenant: 'surehook', idempotency_key: 'delivery.failed/1' };
  const refusedKey = { status: 422, body: { code: 'reserved_key', errors: [{ path: 'idempotency_key' }] } };
  expect(await t.call('POST', '/v1/events', taken)).toMatchObject(refusedKey);
  expect(await t.call('POST', '/v1/send', { ...taken, url: customer.url })).toMatchObject(refusedKey);
  const byHeader = await t.call<{ results: unknown[] }>(
    ...(['POST', '/v1/events/batch', { events: [{ ...taken, idempotency_key: undefined }] }] as const),
    { 'idempotency-key': 'delivery.failed' },
  );
  expect(byHeader.body.results).toMatchObject([{ status: 422, error: { code: 'reserved_key' } }]);
  expect((await t.call('POST', '/v1/events', { ...taken, tenant })).status).toBe(202);
  // Another type of that tenant, and this type of another tenant, are everybody's.
  expect((await t.call('POST', '/v1/events', { ...event, type: 'deploy.done' })).status).toBe(202);
  expect((await t.call('POST', '/v1/events', { ...event, tenant })).status).toBe(202);
});
