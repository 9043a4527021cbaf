import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import {
  createEndpoint,
  deliveryIn,
  getDelivery,
  postEvent,
  untilPastDue,
  type Delivery,
} from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
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
  tenant = `tenant_${nth++}`;
  receiver = await startReceiver();
  return () => receiver.close();
});

const endpointOf = (url = receiver.url) => createEndpoint(t, url, { tenant });
const post = async (type = 'order.created') => (await postEvent(t, { tenant, type })).deliveries[0]!.id;
const act = (path: string, body?: unknown) => t.call<Delivery>('POST', `/v1/${path}`, body);

test('a paused endpoint gets nothing, delays nobody, and is sent everything when it is resumed, oldest first', async () => {
  const slow = await endpointOf();
  expect(await act(`endpoints/${slow.id}/pause`, { reason: 'they asked' })).toMatchObject({
    status: 200,
    body: { status: 'paused', status_reason: 'manual' },
  });
  const ids: string[] = [];
  for (let i = 0; i < 300; i++) ids.push(await post());
  const other = await startReceiver();
  try {
    await createEndpoint(t, other.url, { tenant: `${tenant}_other` });
    const posted = Date.now();
    await postEvent(t, { tenant: `${tenant}_other` });
    const [request] = await other.waitFor((requests) => requests.length === 1);
    expect(request!.at - posted).toBeLessThan(1_000);
  } finally {
    await other.close();
  }
  expect(receiver.requests).toHaveLength(0);
  expect(await getDelivery(t, ids[0]!)).toMatchObject({
    status: 'HELD',
    status_reason: 'endpoint paused (manual)',
    attempt_count: 0,
  });

  expect(await act(`endpoints/${slow.id}/resume`)).toMatchObject({
    body: { status: 'enabled', status_reason: null },
  });
  await receiver.waitFor((requests) => requests.length === 300, 60_000);
  const order = receiver.requests.map((request) => request.headers['webhook-id'] as string);
  // Attempts run side by side: begun in order, not necessarily received in it.
  const third = order.length / 3;
  const average = (list: string[]) =>
    list.map((id) => sorted.indexOf(id)).reduce((a, b) => a + b) / list.length;
  const sorted = [...order].sort();
  expect(average(order.slice(0, third))).toBeLessThan(average(order.slice(-third)));
  await eventually(async () => (await getDelivery(t, ids.at(-1)!)).status === 'DELIVERED');
}, 90_000);

test('a pause also holds what waits for its retry; resumed, the retry keeps its own time and number', async () => {
  const endpoint = await endpointOf();
  receiver.setBehaviour((_request, index) => ({
    status: index === 0 ? 500 : 200,
    headers: { 'retry-after': '300' },
  }));
  const id = await post();
  // Scaled by 0.01: the retry is due after 3 s.
  const waiting = await deliveryIn(t, id, ['IN_PROGRESS']);
  await act(`endpoints/${endpoint.id}/pause`);
  const held = await getDelivery(t, id);
  expect(held).toMatchObject({ status: 'HELD', attempt_count: 1, next_attempt_at: waiting.next_attempt_at });
  await act(`endpoints/${endpoint.id}/resume`);
  await deliveryIn(t, id, ['IN_PROGRESS']);
  expect(receiver.requests).toHaveLength(1);
  const done = await deliveryIn(t, id);
  expect(done).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(receiver.requests[1]!.at).toBeGreaterThanOrEqual(Date.parse(String(waiting.next_attempt_at)) - 50);
});

test('a retry that comes due during a pause is made when the endpoint is enabled again', async () => {
  const endpoint = await endpointOf();
  receiver.setBehaviour((_request, index) => ({
    status: index === 0 ? 500 : 200,
    headers: { 'retry-after': '300' },
  }));
  const id = await post();
  const waiting = await deliveryIn(t, id, ['IN_PROGRESS']);
  await act(`endpoints/${endpoint.id}/pause`);
  await untilPastDue(waiting);
  expect(await getDelivery(t, id)).toMatchObject({ status: 'HELD', attempt_count: 1 });
  await act(`endpoints/${endpoint.id}/enable`);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
});

test('a disabled endpoint holds too, is not paused on top, and what a deleted one held ends', async () => {
  const endpoint = await endpointOf();
  expect(await act(`endpoints/${endpoint.id}/disable`)).toMatchObject({ body: { status: 'disabled' } });
  const id = await post();
  expect(await getDelivery(t, id)).toMatchObject({
    status: 'HELD',
    status_reason: 'endpoint disabled (manual)',
  });
  expect(await act(`endpoints/${endpoint.id}/pause`)).toMatchObject({
    status: 409,
    body: { code: 'endpoint_disabled' },
  });
  expect((await t.call('DELETE', `/v1/endpoints/${endpoint.id}`)).status).toBe(204);
  expect(await deliveryIn(t, id)).toMatchObject({ status: 'FAILED', status_reason: 'ENDPOINT_DELETED' });
  const audit = await t.call<{ data: { action: string }[] }>('GET', `/v1/audit?object=${endpoint.id}`);
  expect(audit.body.data.map((entry) => entry.action)).toEqual([
    'endpoint.delete',
    'endpoint.disable',
    'endpoint.create',
  ]);
});

test('a deleted endpoint ends what waits for its retry at once, not at that retry', async () => {
  const endpoint = await endpointOf();
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '999999' } }));
  const id = await post();
  await deliveryIn(t, id, ['IN_PROGRESS']);
  expect((await t.call('DELETE', `/v1/endpoints/${endpoint.id}`)).status).toBe(204);
  expect(await getDelivery(t, id)).toMatchObject({
    status: 'FAILED',
    status_reason: 'ENDPOINT_DELETED',
    attempt_count: 1,
    next_attempt_at: null,
  });
});

test('a delivery is cancelled alone, once, and never out of an end', async () => {
  const [first, second] = [await endpointOf(), await endpointOf(`${receiver.url}/other`)];
  receiver.setBehaviour(({ path }) => ({
    status: path.endsWith('/other') ? 200 : 500,
    headers: { 'retry-after': '9999' },
  }));
  const { deliveries } = await postEvent(t, { tenant });
  const of = (endpoint: { id: string }) => deliveries.find((d) => d.endpoint_id === endpoint.id)!.id;
  await deliveryIn(t, of(first), ['IN_PROGRESS']);
  await deliveryIn(t, of(second), ['DELIVERED']);
  const both = await Promise.all([
    act(`deliveries/${of(first)}/cancel`, { reason: 'wrong customer' }),
    act(`deliveries/${of(first)}/cancel`, { reason: 'wrong customer' }),
  ]);
  const cancelled = { status: 'CANCELLED', status_reason: 'wrong customer' };
  expect(both).toMatchObject([
    { status: 200, body: cancelled },
    { status: 200, body: cancelled },
  ]);
  const audit = await t.call<{ data: object[] }>('GET', `/v1/audit?object=${of(first)}`);
  expect(audit.body.data).toMatchObject([{ action: 'delivery.cancel' }]);
  expect(await act(`deliveries/${of(second)}/cancel`)).toMatchObject({
    status: 409,
    body: { code: 'delivery_ended' },
  });
  expect((await getDelivery(t, of(second))).status).toBe('DELIVERED');
});

test('retry makes the next attempt now, and a new delivery of one that has ended', async () => {
  await endpointOf();
  receiver.setBehaviour((_request, index) => ({
    status: index === 0 ? 503 : 200,
    headers: { 'retry-after': '86400' },
  }));
  const id = await post();
  await deliveryIn(t, id, ['IN_PROGRESS']);
  expect((await act(`deliveries/${id}/retry`)).status).toBe(202);
  const done = await deliveryIn(t, id);
  expect(done).toMatchObject({ status: 'DELIVERED', attempt_count: 2 });
  expect(done.attempts.map((attempt) => attempt.number)).toEqual([1, 2]);

  const again = await Promise.all([act(`deliveries/${id}/retry`), act(`deliveries/${id}/retry`)]);
  const made = again[0].body.id;
  expect(made).not.toBe(id);
  // Two at once make one, unless the first had ended by then.
  expect(again[1].body.source_delivery_id).toBe(id);
  expect(await deliveryIn(t, made)).toMatchObject({
    status: 'DELIVERED',
    source_delivery_id: id,
    attempt_count: 1,
    workflow_id: `redeliver:${made}`,
  });
  const ids = receiver.requests.map((request) => request.headers['webhook-id']);
  expect(new Set(ids).size).toBe(1);
  expect((await getDelivery(t, id)).attempt_count).toBe(2);

  expect((await act('deliveries/del_unknown/retry')).status).toBe(404);
  expect((await act(`deliveries/${id}/retry`, { when: 'now' })).status).toBe(400);
});

test('a retry asked for while an attempt is under way means that attempt', async () => {
  await endpointOf();
  receiver.setBehaviour((_request, index) => ({
    status: index === 0 ? 503 : 200,
    headers: { 'retry-after': '86400' },
    afterMs: index === 0 ? 2_000 : 0,
  }));
  const id = await post();
  await receiver.waitFor((requests) => requests.length === 1);
  expect(await act(`deliveries/${id}/retry`)).toMatchObject({ status: 202, body: { attempt_count: 0 } });
  expect(await deliveryIn(t, id, ['IN_PROGRESS'])).toMatchObject({ attempt_count: 1 });
  await sleep(500);
  expect(receiver.requests).toHaveLength(1);
});

test('a held delivery is not retried past what holds it', async () => {
  const endpoint = await endpointOf();
  await act(`endpoints/${endpoint.id}/pause`);
  const id = await post();
  expect(await act(`deliveries/${id}/retry`)).toMatchObject({ status: 409, body: { code: 'delivery_held' } });
});

test('cancels, retries and pauses that race with an attempt never change a delivery that has ended', async () => {
  await t.pool.query(`
    create table left_an_end (id text, was text, became text);
    create function note_change() returns trigger language plpgsql as $$
      begin insert into left_an_end values (old.id, old.status, new.status); return null; end
    $$;
    create trigger left_an_end after update on deliveries for each row
      -- The receiver took it while it was being cancelled.
      when (old.status in ('DELIVERED', 'FAILED', 'CANCELLED') and new.status <> old.status
        and not (old.status = 'CANCELLED' and new.status = 'DELIVERED'))
      execute function note_change()`);
  const endpoint = await endpointOf();
  receiver.setBehaviour(() => ({ status: 200, afterMs: 20 }));
  const ids = await Promise.all(Array.from({ length: 20 }, () => post()));
  await Promise.all(
    ids.flatMap((id) => [
      act(`deliveries/${id}/retry`),
      act(`deliveries/${id}/cancel`),
      act(`deliveries/${id}/cancel`),
      act(`endpoints/${endpoint.id}/pause`),
      act(`endpoints/${endpoint.id}/resume`),
      act(`deliveries/${id}/retry`),
    ]),
  );
  await act(`endpoints/${endpoint.id}/resume`);
  const ended = await eventually(async () => {
    const { rows } = await t.pool.query<{ id: string; status: string; completed_at: Date | null }>(
      'select id, status, completed_at from all_deliveries where tenant = $1',
      [tenant],
    );
    return rows.every(({ completed_at }) => completed_at !== null) && rows;
  });
  expect(ended.length).toBeGreaterThanOrEqual(20);
  expect(ended.every(({ status }) => ['DELIVERED', 'CANCELLED'].includes(status))).toBe(true);
  expect(new Set(ended.map(({ id }) => id)).size).toBe(ended.length);
  const { rows } = await t.pool.query('select * from left_an_end');
  expect(rows).toEqual([]);
}, 60_000);
