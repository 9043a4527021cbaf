import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { Client, Connection } from '@temporalio/client';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { batchCalls } from '../support/batches.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
beforeAll(async () => {
  t = await startTestService();
  receiver = await startReceiver();
});
afterAll(async () => {
  await t.stop();
  await receiver.close();
});

const TYPES = ['orders/create', 'order-created', 'order:created', 'acme.Order.V1', `it's-odd<{|}>~,$%`];
const TENANTS = ['acme.com', 'org:1', 'auth0|1', 'https://idp.example/u?a=1&b=%41', `o'neil"\\,{}+`];

interface List {
  data: { id: string; tenant: string; event_type: string; object: string }[];
}
const list = async (path: string, query: Record<string, string>) =>
  (await t.call<List>('GET', `${path}?${new URLSearchParams(query).toString()}`)).body.data;

test('an event of any valid type and tenant is delivered, listed, and found in Temporal', async () => {
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const client = new Client({ connection });
  try {
    for (const [i, tenant] of TENANTS.entries()) {
      const type = TYPES[i]!;
      const endpoint = await createEndpoint(t, receiver.url, { tenant, event_types: [type] });
      const event = await postEvent(t, { tenant, type, idempotency_key: `a:${i}` });
      const [stub] = event.deliveries;
      const delivery = await deliveryIn(t, stub!.id);
      expect(delivery).toMatchObject({ status: 'DELIVERED', tenant, event_type: type });
      const request = receiver.requests.find(({ headers }) => headers['webhook-id'] === event.id)!;
      expect(request.headers['webhook-event-type']).toBe(type);
      expect((await list('/v1/events', { tenant, type })).map(({ id }) => id)).toEqual([event.id]);
      expect((await list('/v1/endpoints', { tenant, event_type: type })).map(({ id }) => id)).toEqual([
        endpoint.id,
      ]);
      expect((await list('/v1/deliveries', { tenant, event_type: type })).map(({ id }) => id)).toEqual([
        stub!.id,
      ]);
      // Temporal's query language finds no value with a double quote or a backslash, however it is quoted.
      const query = /["\\]/.test(tenant)
        ? `EventType="${type}"`
        : `Tenant="${tenant}" AND EventType="${type}"`;
      const found = await eventually(async () => {
        const ids: string[] = [];
        for await (const { workflowId } of client.workflow.list({ query })) ids.push(workflowId);
        return ids.length > 0 && ids;
      });
      expect(found).toContain(delivery.workflow_id);
    }
  } finally {
    await connection.close();
  }
});

test('pairs of tenant and key that join to the same text are two events with two workflows', async () => {
  const ids: string[] = [];
  for (const [tenant, key] of [
    ['cut', 'b:c'],
    ['cut:b', 'c'],
  ] as const) {
    await createEndpoint(t, receiver.url, { tenant });
    const event = await postEvent(t, { tenant, idempotency_key: key });
    const delivery = await deliveryIn(t, event.deliveries[0]!.id);
    expect(delivery.status).toBe('DELIVERED');
    ids.push(delivery.workflow_id);
  }
  expect(new Set(ids).size).toBe(2);
});

test('a tenant with any valid name can be paused, resumed and found in the audit', async () => {
  for (const tenant of [...TENANTS, '!'.repeat(128)]) {
    const scope = { scope: 'tenant', tenant };
    const paused = await t.call('POST', '/v1/control/pause', { ...scope, reason: 'named' });
    expect(paused).toMatchObject({ status: 200, body: { pauses: [{ scope: 'tenant', tenant }] } });
    await createEndpoint(t, receiver.url, { tenant });
    const held = await postEvent(t, { tenant, type: 'held.one' });
    expect(held.deliveries.at(-1)!.status).toBe('HELD');
    expect(await t.call('POST', '/v1/control/resume', scope)).toMatchObject({ status: 200 });
    expect(await deliveryIn(t, held.deliveries.at(-1)!.id)).toMatchObject({ status: 'DELIVERED' });
    const actions = await list('/v1/audit', { object: `tenant:${tenant}` });
    expect(actions).toHaveLength(2);
  }
});

test('a wildcard matches as the last segment, after any separator', async () => {
  const tenant = 'wild';
  const endpoint = async (pattern: string) =>
    [(await createEndpoint(t, receiver.url, { tenant, event_types: [pattern] })).id, pattern] as const;
  const patterns = new Map([
    await endpoint('order.*'),
    await endpoint('order/*'),
    await endpoint('order:*'),
    await endpoint('order.item/*'),
    await endpoint('*'),
  ]);
  const to = async (type: string) =>
    (await postEvent(t, { tenant, type })).deliveries.map((d) => patterns.get(d.endpoint_id)).sort();
  expect(await to('order.created')).toEqual(['*', 'order.*']);
  expect(await to('order.item.added')).toEqual(['*', 'order.*']);
  expect(await to('order.item/added')).toEqual(['*', 'order.*', 'order.item/*']);
  expect(await to('order/created')).toEqual(['*', 'order/*']);
  expect(await to('order:created')).toEqual(['*', 'order:*']);
  expect(await to('order-created')).toEqual(['*']);
});

test('a replay of missing events selects them by the wildcards of the endpoint', async () => {
  const tenant = 'late:1';
  for (const type of ['orders/create', 'orders.create', 'orders/item/add', 'order/create'])
    await postEvent(t, { tenant, type });
  const { id } = await createEndpoint(t, receiver.url, { tenant, event_types: ['orders/*'] });
  const { create } = batchCalls(t);
  const batch = await create({ filter: { endpoint_id: id, missing: true }, dry_run: true });
  expect(batch.plan!.by_event_type.map(({ event_type }) => event_type).sort()).toEqual([
    'orders/create',
    'orders/item/add',
  ]);
});
