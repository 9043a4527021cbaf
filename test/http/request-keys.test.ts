import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { batchCalls } from '../support/batches.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
let tenant: string;
let nth = 0;
beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await t.stop();
});
beforeEach(() => {
  tenant = `keys_${nth++}`;
});

const post = (path: string, body: unknown, key: string) =>
  t.call<{ id: string; secret?: string; code?: string }>('POST', path, body, { 'idempotency-key': key });
const count = async (table: string) =>
  (await t.pool.query<{ n: number }>(`select count(*)::int as n from ${table}`)).rows[0]!.n;

/** Sends ten equal posts at the same time: one takes effect, the others repeat its answer. */
async function postTen(path: string, body: unknown, key: string, status: number) {
  const answers = await Promise.all(
    Array.from({ length: 10 }, () =>
      // On a busy machine, waiting for the first may take longer than a statement may: sent again, as a client does.
      eventually(async () => {
        const answer = await post(path, body, key);
        return answer.status !== 503 && answer;
      }),
    ),
  );
  expect(answers.map((answer) => answer.status).sort()).toEqual([...Array<number>(9).fill(200), status]);
  expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
  for (const answer of answers) {
    expect(answer.headers.get('idempotent-replayed')).toBe(answer.status === 200 ? 'true' : null);
  }
  return answers.map((answer) => answer.body);
}

test('ten equal posts of an endpoint with one key create one, and each answer has its secret', async () => {
  const before = await count('endpoints');
  const body = { url: receiver.url, event_types: ['*'], tenant, headers: { 'x-a': '1', 'x-b': '2' } };
  const answers = await postTen('/v1/endpoints', body, 'one endpoint', 201);
  expect(await count('endpoints')).toBe(before + 1);
  expect(new Set(answers.map((answer) => answer.secret)).size).toBe(1);
  const { id, secret } = answers[0]!;
  expect((await t.call('GET', `/v1/endpoints/${id}/secret`)).body).toMatchObject({ secret });
  // The members of a JSON object have no order.
  const reordered = { tenant, headers: { 'x-b': '2', 'x-a': '1' }, event_types: ['*'], url: receiver.url };
  expect(await post('/v1/endpoints', reordered, 'one endpoint')).toMatchObject({ status: 200, body: { id } });

  // The stored request key holds no secret.
  const { rows } = await t.pool.query('select * from request_keys where object = $1', [id]);
  expect(rows).toHaveLength(1);
  expect(JSON.stringify(rows)).not.toContain(secret);
});

test('the stored digest of a request with a password differs in each database', async () => {
  const hashesOf = async (service: TestService) => {
    const key = { 'idempotency-key': 'of a password' };
    const password = { username: 'u', password: 'p' };
    const made = { url: 'https://example.com/', event_types: ['*'], tenant, basic_auth: password };
    const sent = { url: 'https://example.com/', payload: 1, tenant, headers: { authorization: 'p' } };
    for (const [path, body, status] of [
      ['/v1/endpoints', made, 201],
      ['/v1/send', sent, 202],
    ] as const)
      expect((await service.call('POST', path, body, key)).status).toBe(status);
    const { rows } = await service.pool.query<{ hash: string }>(
      `select encode(request_hash, 'hex') as hash from request_keys where tenant = $1
       union all select encode(request_hash, 'hex') from idempotency_keys where tenant = $1
       union all select ad_hoc_key from endpoints where tenant = $1 and ad_hoc_key is not null`,
      [tenant],
    );
    expect(rows).toHaveLength(3);
    return rows.map(({ hash }) => hash);
  };
  const other = await startTestService({ role: 'api', workflows: 'none', attempts: false });
  try {
    const both = [...(await hashesOf(t)), ...(await hashesOf(other))];
    expect(new Set(both).size).toBe(6);
  } finally {
    await other.stop();
  }
});

test('a key of a different request is refused, and nothing is stored', async () => {
  const body = { url: receiver.url, event_types: ['*'], tenant };
  expect(await post('/v1/endpoints', body, 'k')).toMatchObject({ status: 201 });
  const before = await count('endpoints');
  expect(await post('/v1/endpoints', { ...body, description: 'other' }, 'k')).toMatchObject({
    status: 409,
    body: { code: 'idempotency_conflict' },
  });
  expect(await count('endpoints')).toBe(before);
  // Each tenant and each route has its own keys.
  expect(await post('/v1/endpoints', { ...body, tenant: `${tenant}_b` }, 'k')).toMatchObject({ status: 201 });
  expect(await post('/v1/batches', { filter: { tenant }, dry_run: true }, `${tenant} k`)).toMatchObject({
    status: 201,
  });
  expect(await post('/v1/endpoints', body, `${tenant} k`)).toMatchObject({ status: 201 });
});

test('a failed request leaves its key free', async () => {
  const body = { url: 'http://10.0.0.1/', event_types: ['*'], tenant };
  expect(await post('/v1/endpoints', body, 'k')).toMatchObject({ status: 422 });
  const unknown = `/v1/batches/bat_${'0'.repeat(32)}/start`;
  expect(await post(unknown, {}, `${tenant} failed`)).toMatchObject({ status: 404 });
  expect(await post('/v1/endpoints', { ...body, url: receiver.url }, 'k')).toMatchObject({ status: 201 });
  const { rows } = await t.pool.query('select from request_keys where key = $1', [`${tenant} failed`]);
  expect(rows).toEqual([]);
});

test('repeating the post of an endpoint that was deleted since is a conflict', async () => {
  const body = { url: receiver.url, event_types: ['*'], tenant };
  const { body: made } = await post('/v1/endpoints', body, 'k');
  await t.call('DELETE', `/v1/endpoints/${made.id}`);
  const again = await post('/v1/endpoints', body, 'k');
  expect(again).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
  expect(JSON.stringify(again.body)).toContain('deleted');
});

test('a key is free again after 72 hours', async () => {
  const body = { url: receiver.url, event_types: ['*'], tenant };
  const first = await post('/v1/endpoints', body, 'k');
  await t.pool.query(`update request_keys set accepted_at = now() - interval '73 hours' where tenant = $1`, [
    tenant,
  ]);
  const second = await post('/v1/endpoints', { ...body, description: 'new' }, 'k');
  expect(second.status).toBe(201);
  expect(second.body.id).not.toBe(first.body.id);
});

test('ten equal posts of a batch, and of its start, replay each delivery once', async () => {
  const { id: endpoint_id } = await createEndpoint(t, receiver.url, { tenant });
  await seedDeliveries(t.pool, { endpointId: endpoint_id, count: 5 });
  const before = receiver.requests.length;
  const filter = { filter: { tenant }, rate_per_second: 0 };
  const [batch] = await postTen('/v1/batches', filter, `${tenant} run`, 201);
  const calls = batchCalls(t);
  expect(await calls.batchIn(batch!.id, ['COMPLETED'])).toMatchObject({ delivered_count: 5 });
  expect(receiver.requests).toHaveLength(before + 5);

  const again = { filter: { tenant, status: 'FAILED' }, dry_run: true };
  const plan = await calls.create(again);
  await postTen(`/v1/batches/${plan.id}/start`, {}, `${tenant} start`, 201);
  const other = await calls.create(again);
  expect(await post(`/v1/batches/${other.id}/start`, {}, `${tenant} start`)).toMatchObject({ status: 409 });
});

test('ten equal retries of an ended delivery create one re-delivery, even after it has ended', async () => {
  const { id: endpoint_id } = await createEndpoint(t, receiver.url, { tenant });
  const [source] = await seedDeliveries(t.pool, { endpointId: endpoint_id, count: 1 });
  const path = `/v1/deliveries/${source!.id}/retry`;
  const [made] = await postTen(path, undefined, 'k', 202);
  await deliveryIn(t, made!.id, ['DELIVERED']);
  expect(await post(path, undefined, 'k')).toMatchObject({
    status: 200,
    body: { id: made!.id, status: 'DELIVERED' },
  });
  expect(await post(path, { reason: 'another' }, 'k')).toMatchObject({ status: 409 });
  const without = await t.call<{ id: string }>('POST', path);
  expect(without).toMatchObject({ status: 202 });
  expect(without.body.id).not.toBe(made!.id);
});

test('repeating the retry of an open delivery after its end creates no re-delivery', async () => {
  const failing = await startReceiver({ behave: () => ({ status: 500 }) });
  await createEndpoint(t, failing.url, { tenant });
  const { deliveries } = await postEvent(t, { tenant });
  await failing.waitFor((requests) => requests.length > 0);
  const path = `/v1/deliveries/${deliveries[0]!.id}/retry`;
  expect(await post(path, undefined, 'k')).toMatchObject({ status: 202, body: { id: deliveries[0]!.id } });
  failing.setBehaviour(() => ({ status: 400 }));
  await deliveryIn(t, deliveries[0]!.id, ['FAILED']);
  expect(await post(path, undefined, 'k')).toMatchObject({ status: 200, body: { id: deliveries[0]!.id } });
  await failing.close();
});

test('the key of a batch of events has at most 251 characters, to leave room for event numbers', async () => {
  const events = { events: [{ type: 'a.b', payload: 1 }] };
  expect(await post('/v1/events/batch', events, 'k'.repeat(251))).toMatchObject({ status: 200 });
  expect(await post('/v1/events/batch', events, 'k'.repeat(252))).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'Idempotency-Key', message: 'At most 251 characters for a batch.' }] },
  });
});

test('posting a batch of events again with its key creates nothing', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  const one = { type: 'a.b', payload: { n: 1 }, tenant };
  const events = [one, one, { ...one, idempotency_key: `${tenant} own` }, { ...one, type: '-' }];
  type Results = { results: { status: number; id?: string }[] };
  const send = (body: unknown) =>
    t.call<Results>('POST', '/v1/events/batch', body, { 'idempotency-key': 'posted' });
  const first = await send({ events: events.slice(0, 3) });
  expect(first.body.results.map(({ status }) => status)).toEqual([202, 202, 202]);
  const second = await send({ events: events.slice(0, 3) });
  expect(second.body.results).toEqual(first.body.results.map(({ id }) => ({ status: 200, id })));
  expect(second.headers.get('idempotent-replayed')).toBe('true');
  const other = await send({ events: [{ ...one, payload: 2 }, one] });
  expect(other.body.results.map(({ status }) => status)).toEqual([409, 200]);
});
