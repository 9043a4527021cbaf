import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { CancelReport } from '../../src/delivery/cancel-open.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries, seedOpen } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
});
afterAll(() => t.stop());
beforeEach(async () => {
  tenant = `cancel_${nth++}`;
  receiver = await startReceiver({ behave: () => ({ status: 500 }) });
  return () => receiver.close();
});

const cancel = (filter: object, over: object = {}) =>
  t.call<CancelReport>('POST', '/v1/deliveries/cancel', { filter, ...over });
const entries = async (object: string) =>
  (
    await t.call<{ data: { action: string; reason: string | null; after: unknown }[] }>(
      'GET',
      `/v1/audit?object=${object}&action=deliveries.cancel`,
    )
  ).body.data;
const post = async (over: object = {}) => (await postEvent(t, { tenant, ...over })).deliveries;

test('held, retrying and pending deliveries of an endpoint are cancelled, another endpoint’s are not', async () => {
  const { id: endpoint_id } = await createEndpoint(t, receiver.url, { tenant, timeout_ms: 1_000 });
  const other = await startReceiver({ behave: () => ({ status: 500 }) });
  const { id: otherId } = await createEndpoint(t, other.url, { tenant });
  const of = (deliveries: { id: string; endpoint_id: string }[], id: string) =>
    deliveries.find((delivery) => delivery.endpoint_id === id)!.id;
  const retrying = await post();
  await deliveryIn(t, of(retrying, endpoint_id), ['IN_PROGRESS']);
  // The first request gets no answer.
  receiver.setBehaviour(({ body }) => (body.includes('hang') ? { hang: true } : { status: 500 }));
  const pending = await post({ payload: 'hang' });
  await receiver.waitFor((requests) => requests.some(({ body }) => body.includes('hang')));
  await eventually(async () => (await getDelivery(t, of(pending, endpoint_id))).status === 'PENDING');
  // By SQL: the API would hold the other two, which are to be PENDING and IN_PROGRESS.
  await t.pool.query(`update endpoints set status = 'paused', status_reason = 'manual' where id = $1`, [
    endpoint_id,
  ]);
  await seedOpen(t.pool, { endpointId: endpoint_id, count: 4 });
  await seedDeliveries(t.pool, { endpointId: endpoint_id, count: 3, status: 'DELIVERED' });
  const ids = [of(retrying, endpoint_id), of(pending, endpoint_id)];
  const statuses = async () => Promise.all(ids.map(async (id) => (await getDelivery(t, id)).status));
  const before = await statuses();

  const dry = await cancel({ endpoint_id }, { dry_run: true });
  expect(dry).toMatchObject({
    status: 200,
    body: {
      ...{ dry_run: true, matched: 6, cancelled: 0, complete: true },
      by_endpoint: [{ endpoint_id, count: 6 }],
      by_event_type: [{ event_type: 'order.created', count: 6 }],
    },
  });
  expect(dry.body.sample).toEqual(expect.arrayContaining(ids));
  expect(before.every((status) => ['PENDING', 'IN_PROGRESS', 'HELD'].includes(status))).toBe(true);
  expect(await entries(endpoint_id)).toEqual([]);

  const done = await cancel({ endpoint_id }, { reason: 'wrong data' });
  expect(done.body).toMatchObject({ dry_run: false, matched: 6, cancelled: 6, complete: true });
  for (const id of ids) {
    expect(await getDelivery(t, id)).toMatchObject({ status: 'CANCELLED', status_reason: 'wrong data' });
  }
  expect(await entries(endpoint_id)).toMatchObject([
    { reason: 'wrong data', after: { filter: { endpoint_id }, cancelled: 6 } },
  ]);
  // Again: nothing is left, and nothing is told of it.
  expect((await cancel({ endpoint_id })).body).toMatchObject({ matched: 0, cancelled: 0, complete: true });
  expect(await entries(endpoint_id)).toHaveLength(1);

  // The endpoint goes on with what is new: nothing more of what was cancelled is sent to it.
  receiver.setBehaviour(() => ({ status: 200 }));
  const mark = receiver.requests.length;
  await t.call('POST', `/v1/endpoints/${endpoint_id}/resume`);
  const fresh = await post({ payload: 'new' });
  await deliveryIn(t, of(fresh, endpoint_id), ['DELIVERED']);
  other.setBehaviour(() => ({ status: 200 }));
  for (const deliveries of [retrying, pending, fresh]) {
    await deliveryIn(t, of(deliveries, otherId), ['DELIVERED']);
  }
  expect(receiver.requests.slice(mark).map(({ body }) => body)).toEqual(['"new"']);
  expect(await statuses()).toEqual(['CANCELLED', 'CANCELLED']);
  await other.close();
});

test('a filter narrows by type, tenant, status, event and time, and the whole of it has to match', async () => {
  const { id: endpoint_id } = await createEndpoint(t, receiver.url, { tenant, enabled: false });
  const [first] = await seedOpen(t.pool, { endpointId: endpoint_id, count: 3 });
  await seedOpen(t.pool, { endpointId: endpoint_id, count: 2, type: 'b' });
  const count = async (filter: object) => (await cancel(filter, { dry_run: true })).body.matched;
  expect(await count({ tenant })).toBe(5);
  expect(await count({ tenant, event_type: 'b' })).toBe(2);
  expect(await count({ tenant, event_type: 'b', status: 'PENDING' })).toBe(0);
  expect(await count({ tenant, status: ['PENDING', 'HELD'] })).toBe(5);
  expect(await count({ tenant, event_id: first!.event_id })).toBe(1);
  expect(await count({ tenant, classification: 'TIMEOUT' })).toBe(0);
  expect(await count({ tenant, from: new Date().toISOString() })).toBe(0);
  expect(await count({ tenant, to: new Date().toISOString() })).toBe(5);
  expect(await count({ tenant: `${tenant}_other`, endpoint_id })).toBe(0);
  expect((await cancel({ tenant, event_type: 'b' })).body.cancelled).toBe(2);
  expect(await entries(`tenant:${tenant}`)).toMatchObject([{ after: { cancelled: 2 } }]);
  expect(await count({ tenant })).toBe(3);
});

test('thousands are cancelled in pages, each with its entry in the audit', async () => {
  const { id: endpoint_id } = await createEndpoint(t, receiver.url, { tenant, enabled: false });
  await seedOpen(t.pool, { endpointId: endpoint_id, count: 4_500 });
  const answers = await Promise.all([cancel({ endpoint_id }), cancel({ endpoint_id })]);
  expect(answers.map(({ status }) => status)).toEqual([200, 200]);
  expect(answers[0].body.cancelled + answers[1].body.cancelled).toBe(4_500);
  const told = (await entries(endpoint_id)).map(({ after }) => (after as { cancelled: number }).cancelled);
  expect(told.length).toBeGreaterThanOrEqual(3);
  expect(told.reduce((sum, n) => sum + n, 0)).toBe(4_500);
});

test.each([
  ['an empty filter', { filter: {} }, 'filter'],
  ['no filter', {}, 'filter'],
  ['a state that is final', { filter: { status: 'FAILED' } }, 'filter.status'],
  ['a field that is not known', { filter: { tenant: 'a', endpoint: 'x' } }, 'filter.endpoint'],
])('%s is refused', async (_name, body, path) => {
  expect(await t.call('POST', '/v1/deliveries/cancel', body)).toMatchObject({
    status: 400,
    body: { errors: [{ path }] },
  });
});

test('an accepted delivery is sent, also when its endpoint no longer subscribes to the type', async () => {
  const { id } = await createEndpoint(t, receiver.url, { tenant, event_types: ['order.*'] });
  const [retrying] = await post();
  await deliveryIn(t, retrying!.id, ['IN_PROGRESS']);
  await t.call('POST', `/v1/endpoints/${id}/pause`);
  const [held] = await post();
  await t.call('PATCH', `/v1/endpoints/${id}`, { event_types: ['invoice.*'] });
  expect(await post()).toEqual([]);
  receiver.setBehaviour(() => ({ status: 200 }));
  await t.call('POST', `/v1/endpoints/${id}/resume`);
  for (const delivery of [retrying!, held!]) await deliveryIn(t, delivery.id, ['DELIVERED']);
});
