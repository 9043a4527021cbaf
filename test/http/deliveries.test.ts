import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { endDeliveriesOf, releaseClaims } from '../../src/db/open-deliveries/index.js';
import { createEndpoint, getDelivery, postEvent } from '../support/path.js';
import { seedDeliveries, seedOpen } from '../support/seed.js';
import { startTestService, type TestService } from '../support/service.js';

const UI = 'https://temporal.example.com';
let t: TestService;
let tenant: string;
let endpointId: string;
let nth = 0;
beforeAll(async () => {
  // No attempts are made: the states are those of these tests.
  t = await startTestService({ role: 'api', attempts: false, workflows: 'none' });
});
afterAll(() => t.stop());
beforeEach(async () => {
  tenant = `deliveries_${nth++}`;
  endpointId = (await createEndpoint(t, 'http://127.0.0.1:9/', { tenant })).id;
});

const act = (id: string, verb: 'retry' | 'cancel', body?: object) =>
  t.call<Record<string, unknown>>('POST', `/v1/deliveries/${id}/${verb}`, body);
const list = async (query: string) =>
  (await t.call<{ data: { id: string; status: string }[] }>('GET', `/v1/deliveries?${query}`)).body.data;

/** Each has an event of its own, and a workflow of its own. */
async function oneOpen(attempts = 1): Promise<string> {
  const [delivery] = await seedOpen(t.pool, { endpointId, count: 1, attempts, type: `type_${nth++}` });
  return delivery!.id;
}

/** As if a process were making its next attempt. */
const claim = (id: string) =>
  t.pool.query(
    `update open_deliveries set claimed_by = 'prc_test', claim_until = now() + interval '1 hour', claim = 1 where id = $1`,
    [id],
  );
const release = (id: string) =>
  releaseClaims(t.pool, [{ id, claim: 1, inMs: null, reason: null, backOff: false }]);

test('retrying an open delivery makes it due now, and is audited', async () => {
  const id = await oneOpen();
  const answer = await act(id, 'retry', { reason: 'it is fixed' });
  expect(answer).toMatchObject({ status: 202, body: { id, status: 'IN_PROGRESS', attempt_count: 1 } });
  expect(Date.parse(String(answer.body.next_attempt_at))).toBeLessThanOrEqual(Date.now() + 1_000);
  const { rows } = await t.pool.query(
    'select run_by, run_at <= now() as due from open_deliveries where id = $1',
    [id],
  );
  expect(rows).toEqual([{ run_by: 'queue', due: true }]);
  expect((await t.call('GET', `/v1/audit?object=${id}`)).body).toMatchObject({
    data: [{ action: 'delivery.retry', reason: 'it is fixed' }],
  });
});

test('retrying a delivery during an attempt changes nothing about that attempt', async () => {
  const id = await oneOpen();
  await claim(id);
  expect(await act(id, 'retry')).toMatchObject({ status: 202, body: { id, status: 'IN_PROGRESS' } });
  const { rows } = await t.pool.query('select claimed_by, claim from open_deliveries where id = $1', [id]);
  expect(rows).toEqual([{ claimed_by: 'prc_test', claim: 1 }]);
});

test('retrying a held delivery is refused with what holds it', async () => {
  const id = await oneOpen();
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  expect(await act(id, 'retry')).toMatchObject({
    status: 409,
    body: { code: 'delivery_held', detail: 'It is held (endpoint paused (manual)): resume that instead.' },
  });
});

test('pausing an endpoint holds its ready deliveries at once, and not the claimed one', async () => {
  const [ready, claimed] = [await oneOpen(), await oneOpen(0)];
  await claim(claimed);
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  expect(await getDelivery(t, ready)).toMatchObject({
    ...{ status: 'HELD', status_reason: 'endpoint paused (manual)' },
  });
  expect(await getDelivery(t, claimed)).toMatchObject({ status: 'PENDING', status_reason: null });
  expect(await list(`tenant=${tenant}&status=HELD`)).toMatchObject([{ id: ready, status: 'HELD' }]);
  expect(await list(`tenant=${tenant}&status=PENDING`)).toMatchObject([{ id: claimed, status: 'PENDING' }]);
  await t.call('POST', `/v1/endpoints/${endpointId}/resume`);
  expect(await getDelivery(t, ready)).toMatchObject({ status: 'IN_PROGRESS', status_reason: null });
  expect(await list(`endpoint_id=${endpointId}&status=HELD`)).toEqual([]);
});

test('a delivery cancelled during an attempt is CANCELLED from then on, and can be retried after that attempt', async () => {
  const id = await oneOpen();
  await claim(id);
  expect(await act(id, 'cancel', { reason: 'wrong' })).toMatchObject({
    status: 200,
    body: { status: 'CANCELLED', status_reason: 'wrong', completed_at: null, next_attempt_at: null },
  });
  expect(await list(`endpoint_id=${endpointId}&status=CANCELLED`)).toMatchObject([{ id }]);
  expect(await list(`endpoint_id=${endpointId}&status=IN_PROGRESS`)).toEqual([]);
  expect(await act(id, 'cancel', { reason: 'again' })).toMatchObject({
    status: 200,
    body: { status: 'CANCELLED', status_reason: 'wrong' },
  });
  const audit = await t.call<{ data: object[] }>('GET', `/v1/audit?object=${id}`);
  expect(audit.body.data).toMatchObject([{ action: 'delivery.cancel', reason: 'wrong' }]);
  expect(await act(id, 'retry')).toMatchObject({ status: 409, body: { code: 'delivery_ending' } });
  await release(id);
  const ended = await getDelivery(t, id);
  expect(ended).toMatchObject({ status: 'CANCELLED', status_reason: 'wrong', attempt_count: 1 });
  expect(ended.completed_at).not.toBeNull();
  const again = await act(id, 'retry');
  expect(again).toMatchObject({ status: 202, body: { status: 'PENDING', source_delivery_id: id } });
  // The open re-delivery is the answer to another retry of its source.
  expect(await act(id, 'retry')).toMatchObject({ status: 202, body: { id: again.body.id } });
});

test('retrying with only_open retries an open delivery, and refuses an ended one', async () => {
  const id = await oneOpen();
  expect(await act(id, 'retry', { only_open: true })).toMatchObject({ status: 202, body: { id } });
  await act(id, 'cancel');
  expect(await act(id, 'retry', { only_open: true })).toMatchObject({
    status: 409,
    body: { code: 'delivery_ended', detail: 'It has ended: CANCELLED.' },
  });
  expect(await list(`tenant=${tenant}`)).toMatchObject([{ id, status: 'CANCELLED' }]);
  expect(await act(id, 'retry', { only_open: false })).toMatchObject({
    status: 202,
    body: { source_delivery_id: id },
  });
});

test('deleting an endpoint ends its open deliveries before the answer, and the claimed ones with their attempt', async () => {
  const claimed = await oneOpen();
  await claim(claimed);
  await seedOpen(t.pool, { endpointId, count: 4_500, type: 'many' });
  expect(await t.call('DELETE', `/v1/endpoints/${endpointId}`)).toMatchObject({ status: 204 });
  // The deletion takes 2 s at most; on a slow machine the poller ends the rest.
  while ((await endDeliveriesOf(t.pool, endpointId, 2_000)) > 0);
  const { rows } = await t.pool.query(
    `select status, status_reason, last_classification, completed_at is not null as ended, count(*)::int
     from all_deliveries where endpoint_id = $1 group by 1, 2, 3, 4 order by 5`,
    [endpointId],
  );
  const end = { status: 'FAILED', status_reason: 'ENDPOINT_DELETED' };
  expect(rows).toEqual([
    { ...end, last_classification: 'TIMEOUT', ended: false, count: 1 },
    { ...end, last_classification: 'ENDPOINT_DELETED', ended: true, count: 4_500 },
  ]);
  await release(claimed);
  const ended = await getDelivery(t, claimed);
  expect(ended).toMatchObject({ ...end, last_classification: 'ENDPOINT_DELETED' });
  expect(ended.completed_at).not.toBeNull();
  expect(await act(claimed, 'retry')).toMatchObject({ status: 409, body: { code: 'endpoint_deleted' } });
});

test('an event shows its first 100 deliveries, and counts them all once they are made', async () => {
  const { rows } = await t.pool.query<{ id: string }>(
    `insert into endpoints (id, tenant, url, event_types, timeout_ms)
     select new_id('ep', now()), $1, 'http://127.0.0.1:9/', '{wide}', 15000 from generate_series(1, 119) returning id`,
    [tenant],
  );
  type Event = { id: string; deliveries: { endpoint_id: string }[]; delivery_count: number | null };
  const post = async (body: object) =>
    (await t.call<Event>('POST', '/v1/events', { tenant, payload: 1, ...body })).body;
  const get = async (id: string) => (await t.call<Event>('GET', `/v1/events/${id}`)).body;

  const few = await post({ type: 'few' });
  expect(few).toMatchObject({ delivery_count: 1, deliveries: [{ endpoint_id: endpointId }] });
  expect(await post({ type: 'none', tenant: `${tenant}_none` })).toMatchObject({
    ...{ delivery_count: 0, deliveries: [] },
  });

  const wide = await post({ type: 'wide', idempotency_key: 'wide' });
  expect(wide.delivery_count).toBeNull();
  const first = [endpointId, ...rows.map(({ id }) => id)].sort().slice(0, 100);
  expect(wide.deliveries.map(({ endpoint_id }) => endpoint_id)).toEqual(first);
  await expect.poll(async () => (await get(wide.id)).delivery_count, { timeout: 30_000 }).toBe(120);
  expect((await get(wide.id)).deliveries).toEqual(wide.deliveries);
  expect(await post({ type: 'wide', idempotency_key: 'wide' })).toMatchObject({
    ...{ id: wide.id, duplicate: true, delivery_count: 120, deliveries: wide.deliveries },
  });
  expect(await list(`event_id=${wide.id}&limit=250`)).toHaveLength(120);

  const named = await post({ type: 'named', endpoint_ids: rows.map(({ id }) => id) });
  expect(named).toMatchObject({ delivery_count: 119 });
  expect(named.deliveries).toHaveLength(100);
  const { data } = (await t.call<{ data: Event[] }>('GET', `/v1/events?tenant=${tenant}`)).body;
  expect(data.map(({ delivery_count }) => delivery_count)).toEqual([119, 120, 1]);
});

test('a key used again after its window finds both events', async () => {
  const post = () => postEvent(t, { tenant, idempotency_key: 'used twice' });
  const first = await post();
  await t.pool.query(
    `update idempotency_keys set accepted_at = now() - interval '73 hours' where tenant = $1`,
    [tenant],
  );
  const second = await post();
  expect(second.id).not.toBe(first.id);
  const find = async (query: string) =>
    (await t.call<{ data: { id: string }[] }>('GET', `/v1/events?idempotency_key=used%20twice${query}`)).body
      .data;
  for (const query of ['', `&tenant=${tenant}`])
    expect((await find(query)).map(({ id }) => id)).toEqual([second.id, first.id]);
  expect(await find('&tenant=nobody')).toEqual([]);
  expect((await find('&limit=1')).map(({ id }) => id)).toEqual([second.id]);
});

test('a delivery links to its workflow once that is started, if its events get one', async () => {
  const [ready, waiting] = [await oneOpen(1), await oneOpen(2)];
  const [once] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  const { workflow_id } = await getDelivery(t, waiting);
  await t.pool.query(
    `insert into workflow_starts (workflow_id, event_id, start_at) values ($1, 'evt_none', now() + interval '1 hour')`,
    [workflow_id],
  );
  const part = await oneOpen(3);
  await t.pool.query('update open_deliveries set workflow_id = $2 where id = $1', [
    part,
    `${workflow_id}~p2`,
  ]);
  const ids = [await oneOpen(0), ready, waiting, part, once!.id];
  const linkedBy = async (service: TestService) => {
    const deliveries = await Promise.all(ids.map((id) => getDelivery(service, id)));
    for (const delivery of deliveries) {
      expect(delivery).not.toHaveProperty('workflow_started');
      expect(delivery).not.toHaveProperty('lane');
    }
    return deliveries.map(
      (delivery) => (delivery as unknown as { workflow_url: string | null }).workflow_url !== null,
    );
  };
  expect(await linkedBy(t)).toEqual([false, false, false, false, false]);
  const temporal = {
    address: inject('temporalAddress'),
    namespace: 'default',
    tls: false,
    apiKey: null,
    uiUrl: UI,
  };
  for (const [workflows, linked] of [
    ['all', [true, true, false, false, true]],
    ['open', [false, true, false, false, false]],
    ['none', [false, false, false, false, false]],
  ] as const) {
    const { databaseUrl } = t;
    const other = await startTestService({ role: 'api', attempts: false, databaseUrl, workflows, temporal });
    try {
      expect(await linkedBy(other), workflows).toEqual(linked);
    } finally {
      await other.stop();
    }
  }
});
