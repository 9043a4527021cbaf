import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

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

interface List {
  data: { id: string; type?: string; event_type?: string }[];
  next_cursor: string | null;
}
const list = async (path: string) => (await t.call<List>('GET', path)).body;

test('paging reads a list to its end while new rows are added before it', async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift((await postEvent(t, { type: 'list.page' })).id);
  const seen: string[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const page: List = await list(`/v1/events?type=list.page&limit=2${cursor ? `&cursor=${cursor}` : ''}`);
    seen.push(...page.data.map((event) => event.id));
    cursor = page.next_cursor;
    await postEvent(t, { type: 'list.page' });
  }
  expect(seen).toEqual(ids);
});

test('the list of events says, when asked, where the newest delivery to each endpoint stands', async () => {
  const tenant = 'outcomes';
  receiver.setBehaviour(({ path }) => ({ status: Number(path.slice(-3)) }));
  for (const path of ['/200', '/200', '/503', '/400'])
    await createEndpoint(t, receiver.url + path, { tenant, retry_schedule: [3600] });
  const { id, deliveries } = await postEvent(t, { tenant });
  const outcome = async () => {
    const { data } = await list(`/v1/events?tenant=${tenant}&outcomes=true`);
    return (data[0] as { outcome?: unknown }).outcome;
  };
  await expect.poll(outcome).toEqual({ DELIVERED: 2, IN_PROGRESS: 1, FAILED: 1 });
  receiver.setBehaviour(() => ({ status: 200 }));
  const { data } = await list(`/v1/deliveries?event_id=${id}&status=FAILED`);
  await t.call('POST', `/v1/deliveries/${data[0]!.id}/retry`);
  await expect.poll(outcome).toEqual({ DELIVERED: 3, IN_PROGRESS: 1 });
  expect(deliveries).toHaveLength(4);
  const [plain] = (await list(`/v1/events?tenant=${tenant}`)).data;
  expect(plain).not.toHaveProperty('outcome');
  await postEvent(t, { tenant: 'outcomes-of-none' });
  const [none] = (await list('/v1/events?tenant=outcomes-of-none&outcomes=true')).data;
  expect(none).toMatchObject({ outcome: {} });
});

test('deliveries are filtered by their fields and by time', async () => {
  const endpoint = await createEndpoint(t, receiver.url, {
    event_types: ['list.a', 'list.b'],
    tenant: 'acme',
  });
  const [a, b] = [
    await postEvent(t, { type: 'list.a', tenant: 'acme' }),
    await postEvent(t, { type: 'list.b', tenant: 'acme' }),
  ];
  for (const event of [a, b]) await deliveryIn(t, event.deliveries[0]!.id);
  const of = async (query: string) => (await list(`/v1/deliveries?${query}`)).data.map((d) => d.event_type);
  expect(await of(`tenant=acme`)).toEqual(['list.b', 'list.a']);
  expect(await of(`endpoint_id=${endpoint.id}&event_type=list.a`)).toEqual(['list.a']);
  expect(await of(`event_id=${b.id}`)).toEqual(['list.b']);
  expect(await of(`tenant=acme&status=DELIVERED&classification=DELIVERED`)).toHaveLength(2);
  expect(await of(`tenant=acme&status=FAILED`)).toEqual([]);
  expect(await of(`tenant=acme&to=2020-01-01T00:00:00Z`)).toEqual([]);
  expect(await of(`tenant=acme&from=2020-01-01T00:00:00Z`)).toHaveLength(2);
  expect(await of(`tenant=other`)).toEqual([]);
});

test('an event goes to the matching endpoints of its tenant, or only to the endpoints it names', async () => {
  const all = await createEndpoint(t, receiver.url, { tenant: 'w', event_types: ['*'] });
  const below = await createEndpoint(t, receiver.url, { tenant: 'w', event_types: ['order.*'] });
  const exact = await createEndpoint(t, receiver.url, { tenant: 'w', event_types: ['order.paid', 'x'] });
  await createEndpoint(t, receiver.url, { tenant: 'stranger', event_types: ['*'] });
  const to = async (over: Record<string, unknown>) =>
    (await postEvent(t, { tenant: 'w', ...over })).deliveries.map((d) => d.endpoint_id).sort();
  expect(await to({ type: 'order.paid' })).toEqual([all.id, below.id, exact.id].sort());
  expect(await to({ type: 'order.paid.late' })).toEqual([all.id, below.id].sort());
  expect(await to({ type: 'orders.paid' })).toEqual([all.id]);
  expect(await to({ type: 'order' })).toEqual([all.id]);
  expect(await to({ type: 'nothing', endpoint_ids: [exact.id] })).toEqual([exact.id]);
  expect((await postEvent(t, { tenant: 'nobody' })).deliveries).toEqual([]);
});

test('the secret of an endpoint is shown on creation and by its own route only', async () => {
  const { id, secret } = await createEndpoint(t, receiver.url, { description: 'mine', tenant: 'secrets' });
  expect(secret).toMatch(/^whsec_/);
  expect(JSON.stringify((await t.call('GET', `/v1/endpoints/${id}`)).body)).not.toContain(secret);
  const shown = await t.call('GET', `/v1/endpoints/${id}/secret`);
  expect(shown.body).toMatchObject({ secret });
  expect(shown.headers.get('cache-control')).toBe('no-store');
  expect(shown.headers.get('x-content-type-options')).toBe('nosniff');
  const { rows } = await t.pool.query<{ sealed: Buffer }>(
    'select sealed from endpoint_secrets where endpoint_id = $1',
    [id],
  );
  expect(rows[0]!.sealed.includes(secret)).toBe(false);
  expect((await list('/v1/endpoints?tenant=secrets&event_type=*')).data.map((e) => e.id)).toEqual([id]);
});

test('/healthz reports ok, and /readyz the state of Postgres, Temporal and workers', async () => {
  expect((await t.call('GET', '/healthz')).body).toEqual({ status: 'ok' });
  expect((await t.call('GET', '/readyz')).body).toMatchObject({
    status: 'ok',
    postgres: { ok: true },
    temporal: { ok: true, namespace: 'default' },
    workers: { ok: true },
  });
});
