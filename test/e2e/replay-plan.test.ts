import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { batchCalls } from '../support/batches.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let calls: ReturnType<typeof batchCalls>;
let receiver: Receiver;
let tenant: string;
let endpointId: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
  calls = batchCalls(t);
});
afterAll(() => t.stop());
beforeEach(async () => {
  tenant = `plan_${nth++}`;
  receiver = await startReceiver();
  endpointId = (await createEndpoint(t, receiver.url, { tenant })).id;
  return () => receiver.close();
});

test('an event that was for other endpoints by name is not missed by one that came later', async () => {
  const all = await postEvent(t, { tenant });
  await postEvent(t, { tenant, endpoint_ids: [endpointId] });
  await t.call('POST', '/v1/send', { url: receiver.url, payload: { a: 1 }, type: 'order.created', tenant });
  const late = await createEndpoint(t, receiver.url, { tenant });
  const { plan, id } = await calls.create({ filter: { endpoint_id: late.id, missing: true }, dry_run: true });
  expect(plan).toMatchObject({ total: 1, eligible: 1 });
  expect(await calls.itemsOf(id)).toMatchObject([{ event_id: all.id, source_delivery_id: null }]);
});

test('missed deliveries are found over more than one page', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 5_100 });
  const late = await createEndpoint(t, receiver.url, { tenant });
  const { id } = await calls.create({ filter: { endpoint_id: late.id, missing: true }, dry_run: true });
  const { plan } = await calls.batchIn(id, ['DRY_RUN']);
  expect(plan).toMatchObject({ total: 5_100, eligible: 5_100 });
});

test('ten thousand ids are taken, with one twice across two pages; answers say how many, not which', async () => {
  const seeded = (await seedDeliveries(t.pool, { endpointId, count: 9_999 })).map(({ id }) => id);
  // In their order, the 5,000th and the 5,001st: the last of a page, and the first of the next.
  const delivery_ids = [...seeded, seeded[4_999]!];
  const created = await calls.create({ delivery_ids, dry_run: true, note: 'all of them' });
  const { plan, selection } = await calls.batchIn(created.id, ['DRY_RUN']);
  expect(plan).toMatchObject({ total: 10_000, eligible: 9_999, skipped_by_reason: { duplicate_id: 1 } });
  expect(plan!.skipped).toEqual([{ delivery_id: seeded[4_999], reason: 'duplicate_id' }]);
  expect(selection).toEqual({ include_delivered: false, delivery_id_count: 10_000, tenant: null });
  const { body } = await t.call<object>('GET', '/v1/batches?limit=1');
  expect(JSON.stringify(body).length).toBeLessThan(5_000);
  const audit = await t.call<{ data: object[] }>('GET', `/v1/audit?object=${created.id}`);
  expect(audit.body.data).toMatchObject([{ after: { delivery_id_count: 10_000 } }]);
});

test('two deliveries of one event to one endpoint are planned once, as they are run', async () => {
  const [first] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  const again = await t.call<{ id: string }>('POST', `/v1/deliveries/${first!.id}/retry`);
  await deliveryIn(t, again.body.id, ['DELIVERED']);
  await t.pool.query(`update deliveries set status = 'CANCELLED' where id = $1`, [again.body.id]);
  const batch = await calls.create({ delivery_ids: [first!.id, again.body.id], rate_per_second: 0 });
  expect(batch.plan).toMatchObject({
    eligible: 1,
    skipped: [{ delivery_id: again.body.id, reason: 'duplicate' }],
  });
  expect(await calls.batchIn(batch.id, ['COMPLETED'])).toMatchObject({
    ...{ created_count: 1, skipped_at_turn_count: 0 },
  });
  expect(receiver.requests).toHaveLength(2);
});

test('the rest of a long batch is found wherever in it it is', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 6_000 });
  const created = await calls.create({ filter: { tenant }, dry_run: true });
  await calls.batchIn(created.id, ['DRY_RUN']);
  // As a batch leaves it whose other items have been delivered.
  await t.pool.query(`update batches set status = 'CANCELLED', dry_run = false, taken = 5999 where id = $1`, [
    created.id,
  ]);
  await t.pool.query(`update batch_items set status = 'CREATED' where batch_id = $1 and number <> 5500`, [
    created.id,
  ]);
  const rest = await calls.post(created.id, 'start', { rate_per_second: 0 });
  expect(await calls.batchIn(rest.body.id, ['COMPLETED'])).toMatchObject({
    plan: { total: 1, eligible: 1 },
    delivered_count: 1,
  });
});

test('an item that changed since the plan is skipped at its turn, with the reason, and uses up no rate', async () => {
  const endpoints = await Promise.all(
    ['disabled', 'expired', 'ending'].map(() => createEndpoint(t, receiver.url, { tenant })),
  );
  const [disabled, expired, ending] = endpoints.map(({ id }) => id) as [string, string, string];
  for (const endpoint of [disabled, expired, ending])
    await seedDeliveries(t.pool, { endpointId: endpoint, count: 40 });
  await seedDeliveries(t.pool, { endpointId, count: 2 });
  const dryRun = await calls.create({ filter: { tenant }, dry_run: true, rate_per_second: 2 });
  expect(dryRun.plan).toMatchObject({ eligible: 122 });

  await t.call('POST', `/v1/endpoints/${disabled}/disable`);
  await t.pool.query(
    'delete from events where id in (select event_id from deliveries where endpoint_id = $1)',
    [expired],
  );
  // Made again and then cancelled, with an attempt under way.
  await t.pool.query(
    `insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
       source_delivery_id, run_at, run_by, claimed_by, claim_until, end_status)
     select new_id('del', now()), event_id, endpoint_id, tenant, event_type, 12, 'none:' || id, now(), id, now(), 'queue',
       'another process', now() + interval '1 hour', 'CANCELLED' from deliveries where endpoint_id = $1`,
    [ending],
  );
  const began = Date.now();
  const started = await calls.post(dryRun.id, 'start');
  const done = await calls.batchIn(started.body.id, ['COMPLETED']);
  expect(done).toMatchObject({ skipped_at_turn_count: 120, created_count: 2, delivered_count: 2 });
  // At two a second all 122 would take a minute.
  expect(Date.now() - began).toBeLessThan(30_000);
  const reasons = (await calls.itemsOf(started.body.id, '&status=SKIPPED')).map(
    (item) => `${item.endpoint_id} ${item.reason}`,
  );
  expect(new Set(reasons)).toEqual(
    new Set([`${disabled} endpoint_disabled`, `${expired} payload_expired`, `${ending} in_progress`]),
  );
});

test('a retry by hand answers what a batch has open of the same event and endpoint', async () => {
  receiver.setBehaviour(() => ({ status: 400 }));
  const [first] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  const again = await t.call<{ id: string }>('POST', `/v1/deliveries/${first!.id}/retry`);
  await deliveryIn(t, again.body.id, ['FAILED']);
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  const batch = await calls.create({ delivery_ids: [again.body.id], rate_per_second: 0 });
  await eventually(async () => (await calls.get(batch.id)).open_count === 1);
  const [item] = await calls.itemsOf(batch.id);
  for (const id of [first!.id, again.body.id]) {
    expect(await t.call('POST', `/v1/deliveries/${id}/retry`)).toMatchObject({
      body: { id: item!.delivery_id, batch_id: batch.id },
    });
  }
});

test("a batch counts right where the API's clock is ahead", async () => {
  await seedDeliveries(t.pool, { endpointId, count: 3 });
  const now = Date.now.bind(Date);
  const ahead = vi.spyOn(Date, 'now').mockImplementation(() => now() + 3_600_000);
  const batch = await calls
    .create({ filter: { tenant }, rate_per_second: 0 })
    .finally(() => ahead.mockRestore());
  expect(await calls.batchIn(batch.id, ['COMPLETED'])).toMatchObject({
    ...{ created_count: 3, delivered_count: 3 },
  });
});

test('a filter that is used again chooses no replays: three equal batches send each delivery once', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 5 });
  const body = { filter: { tenant }, include_delivered: true, rate_per_second: 0 };
  for (const eligible of [5, 0, 0]) {
    const { id } = await calls.create(body);
    expect(await calls.batchIn(id, ['COMPLETED'])).toMatchObject({ plan: { total: 5, eligible } });
  }
  expect(receiver.requests).toHaveLength(5);
});

test('replays that failed are chosen by their batch, and by their ids', async () => {
  receiver.setBehaviour(() => ({ status: 400 }));
  await seedDeliveries(t.pool, { endpointId, count: 2 });
  const first = await calls.create({ filter: { tenant }, rate_per_second: 0 });
  await calls.batchIn(first.id, ['COMPLETED']);
  const ids = (await calls.itemsOf(first.id)).map((item) => item.delivery_id);
  const byId = await calls.create({ delivery_ids: ids, dry_run: true });
  expect(byId.plan).toMatchObject({ total: 2, eligible: 2 });
  const byBatch = { filter: { batch_id: first.id }, rate_per_second: 0 };
  receiver.setBehaviour(() => ({ status: 200 }));
  const second = await calls.create(byBatch);
  expect(await calls.batchIn(second.id, ['COMPLETED'])).toMatchObject({ delivered_count: 2 });
  expect((await calls.itemsOf(second.id)).map((item) => item.source_delivery_id)).toEqual(ids.toSorted());
  // Nor do these multiply.
  const third = await calls.create(byBatch);
  expect(third.plan).toMatchObject({ eligible: 0, skipped_by_reason: { already_replayed: 2 } });
  expect(receiver.requests).toHaveLength(4);
});
