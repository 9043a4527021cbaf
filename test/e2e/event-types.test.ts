import { afterEach, beforeEach, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, verified, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let receiver: Receiver;
const release: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(async () => {
  for (const step of release.splice(0).reverse()) await step();
  await receiver.close();
});

async function start(over: Parameters<typeof startTestService>[0] = {}): Promise<TestService> {
  const t = await startTestService({ pollEveryMs: 200, workflows: 'none', ...over });
  release.push(() => t.stop());
  return t;
}

const order = (price: unknown, plan: string) => ({ customer: { plan }, items: [{ price: 1 }, { price }] });
const DOCUMENT = {
  openapi: '3.1.0',
  info: { title: 'Shop', version: '1' },
  webhooks: {
    'order.created': {
      post: {
        requestBody: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } },
      },
    },
  },
  components: {
    schemas: {
      Order: {
        type: 'object',
        required: ['customer', 'items'],
        properties: { items: { type: 'array', items: { $ref: '#/components/schemas/Item' } } },
      },
      Item: { type: 'object', properties: { price: { type: 'number' } } },
    },
  },
};

test('a receiver gets the events that its filter lets pass, of those that their schema allows', async () => {
  const t = await start();
  const imported = await t.call('POST', '/v1/event-types/import/openapi', { openapi: DOCUMENT });
  expect(imported.body).toMatchObject({ created: ['order.created'], refused: [] });
  const filter = { 'customer.plan': { $in: ['pro', 'team'] }, 'items.price': { $gte: 100 } };
  const filtered = await createEndpoint(t, `${receiver.url}/filtered`, { event_types: ['order.*'], filter });
  const all = await createEndpoint(t, `${receiver.url}/all`);

  expect(
    (await t.call('POST', '/v1/events', { type: 'order.created', payload: order('100', 'pro') })).body,
  ).toMatchObject({
    code: 'schema_violation',
    errors: [{ path: 'payload.items[1].price' }],
  });
  const payloads = [order(100, 'pro'), order(100, 'free'), order(99, 'pro'), order(250, 'team')];
  for (const payload of payloads) {
    const { deliveries } = await postEvent(t, { payload });
    for (const { id } of deliveries) expect((await deliveryIn(t, id)).status).toBe('DELIVERED');
  }
  const at = (path: string) => receiver.requests.filter((request) => request.path.endsWith(path));
  expect(at('/filtered').map((request) => verified(filtered.secret, request))).toEqual([
    payloads[0],
    payloads[3],
  ]);
  expect(at('/all').map((request) => verified(all.secret, request))).toEqual(payloads);
});

test('a changed schema is in force in every process', async () => {
  const first = await start();
  const { databaseUrl, taskQueue } = first;
  const second = await start({ databaseUrl, taskQueue });
  const status = async (payload: unknown) =>
    (await second.call('POST', '/v1/events', { type: 'order.created', payload })).status;
  const inForce = (payload: unknown, wanted: number) =>
    eventually(async () => (await status(payload)) === wanted, 10_000);
  const path = '/v1/event-types/order.created';

  expect(await status(5)).toBe(202);
  await first.call('POST', '/v1/event-types', { name: 'order.created', schema: { type: 'string' } });
  await inForce(5, 422);
  await first.call('PATCH', path, { schema: { type: 'number' } });
  await inForce(5, 202);
  expect(await status('x')).toBe(422);

  // A notification that is sent while nobody listens is lost.
  await first.pool.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
     where application_name = 'surehook control' and datname = current_database()`,
  );
  await first.call('PATCH', path, { schema: { type: 'boolean' } });
  await inForce(5, 422);
  await first.call('DELETE', path);
  await inForce(5, 202);
});
