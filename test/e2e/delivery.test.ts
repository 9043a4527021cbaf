import { readFile } from 'node:fs/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { VERSION } from '../../src/bootstrap/version.js';
import { newId } from '../../src/lib/ids.js';
import { stateQuery, type DeliveryState, type PartState } from '../../workflows/contract.js';
import { copyEndpoint } from '../support/copies.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, verified, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
let temporal: TestWorkflowEnvironment;
let client: Client;

beforeAll(async () => {
  t = await startTestService();
  temporal = await TestWorkflowEnvironment.createFromExistingServer({ address: inject('temporalAddress') });
  client = temporal.client;
});
afterAll(async () => {
  await t.stop();
  await temporal.teardown();
});
beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver.close();
});

let nth = 0;
/** A new event type for each test: endpoints of other tests do not match it. */
const ownType = () => `test.t${Date.now()}_${nth++}`;
const isStarted = (workflowId: string) =>
  client.workflow
    .getHandle(workflowId)
    .describe()
    .then(
      () => true,
      () => false,
    );

test('an event arrives signed, byte for byte, and its one attempt is explained', async () => {
  const type = ownType();
  const { id: endpointId, secret } = await createEndpoint(t, receiver.url, {
    event_types: [type],
    headers: { 'x-own': 'yes', authorization: 'Bearer customer' },
  });
  const payload = '{ "amount": 12345678901234567890.10,\n "ü":"\\u0000", "emoji":"🦄" }';
  const answer = await t.call<Accepted>('POST', '/v1/events', `{"payload":${payload},"type":"${type}"}`);
  expect(answer.status).toBe(202);
  const delivery = await deliveryIn(t, answer.body.deliveries[0]!.id);
  expect(delivery).toMatchObject({
    status: 'DELIVERED',
    attempt_count: 1,
    endpoint_id: endpointId,
    event_type: type,
  });
  expect(delivery.attempts).toHaveLength(1);
  expect(delivery.attempts[0]).toMatchObject({
    number: 1,
    classification: 'DELIVERED',
    http_status: 200,
    remote_address: '127.0.0.1',
    error: null,
  });
  const attempt = delivery.attempts[0]!;
  expect(attempt.request_headers['webhook-signature']).not.toMatch(/v1,/);
  expect(JSON.stringify(attempt)).not.toContain('customer');

  expect(receiver.requests).toHaveLength(1);
  const request = receiver.requests[0]!;
  expect(request.body).toBe(payload);
  expect(request.headers).toMatchObject({
    'webhook-id': answer.body.id,
    'webhook-attempt': '1',
    'webhook-event-type': type,
    'content-type': 'application/json',
    accept: '*/*',
    'user-agent': expect.stringMatching(/^surehook\/0\.1\.0 \(\+https:/) as string,
    'x-own': 'yes',
    authorization: 'Bearer customer',
  });
  verified(secret, request);
  expect(() => verified(secret, { ...request, raw: Buffer.from(request.body.replace('1', '2')) })).toThrow();

  const event = await fetch(`${t.service.url}/v1/events/${answer.body.id}`, {
    headers: { authorization: 'Bearer test-admin-key-of-enough-length' },
  });
  expect(await event.text()).toContain(`"payload":${payload}`);
});

test('fifty identical posts at once: one event, one workflow, one request, 1 x 202 and 49 x 200', async () => {
  const type = ownType();
  await createEndpoint(t, receiver.url, { event_types: [type] });
  const key = `fifty-${type}`;
  const body = { type, payload: { n: 1 }, idempotency_key: key };
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => t.call<Accepted>('POST', '/v1/events', body)),
  );
  expect(answers.map((answer) => answer.status).sort()).toEqual([...Array<number>(49).fill(200), 202]);
  expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
  expect(new Set(answers.map((answer) => answer.body.deliveries[0]!.id)).size).toBe(1);
  for (const { status, headers, body } of answers) {
    expect(headers.get('idempotent-replayed')).toBe(status === 200 ? 'true' : null);
    expect(body.duplicate).toBe(status === 200);
  }
  await deliveryIn(t, answers[0]!.body.deliveries[0]!.id);
  await client.workflow.getHandle(`deliver:default:${key}`).result();
  expect(receiver.requests).toHaveLength(1);
  const { rows } = await t.pool.query('select count(*)::int as n from events where type = $1', [type]);
  expect(rows).toEqual([{ n: 1 }]);

  const other = await t.call('POST', '/v1/events', { ...body, payload: { n: 2 } });
  expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
  const again = await t.call('POST', '/v1/events', { type, payload: { n: 1 } }, { 'idempotency-key': key });
  expect(again.status).toBe(200);
});

test('a key used again after its window delivers again, under a workflow id of its own', async () => {
  const type = ownType();
  await createEndpoint(t, receiver.url, { event_types: [type] });
  const first = await postEvent(t, { type, idempotency_key: type });
  await deliveryIn(t, first.deliveries[0]!.id);
  await t.pool.query(`update idempotency_keys set accepted_at = now() - interval '73 hours' where key = $1`, [
    type,
  ]);
  const second = await postEvent(t, { type, idempotency_key: type });
  expect(second.id).not.toBe(first.id);
  expect(await deliveryIn(t, second.deliveries[0]!.id)).toMatchObject({
    status: 'DELIVERED',
    workflow_id: `deliver:default:${type}~2`,
  });
  expect(receiver.requests).toHaveLength(2);
});

test('a failing receiver is tried again, each try with a fresh signature and its number', async () => {
  const type = ownType();
  const { secret } = await createEndpoint(t, receiver.url, { event_types: [type] });
  receiver.setBehaviour((_request, index) =>
    index < 2 ? { status: 500, body: 'not yet' } : { status: 200 },
  );
  const event = await postEvent(t, { type });
  const delivery = await deliveryIn(t, event.deliveries[0]!.id);
  expect(delivery.status).toBe('DELIVERED');
  expect(delivery.attempts.map((a) => [a.number, a.classification, a.response_body])).toEqual([
    [1, 'HTTP_5XX_RETRYABLE', 'not yet'],
    [2, 'HTTP_5XX_RETRYABLE', 'not yet'],
    [3, 'DELIVERED', ''],
  ]);
  expect(delivery.attempts[0]!.next_attempt_at).not.toBeNull();
  expect(receiver.requests.map((request) => request.headers['webhook-attempt'])).toEqual(['1', '2', '3']);
  for (const request of receiver.requests) verified(secret, request);
});

test('a 400 ends the delivery at once and the workflow fails where operators look', async () => {
  const type = ownType();
  await createEndpoint(t, receiver.url, { event_types: [type] });
  receiver.setBehaviour(() => ({ status: 400, body: 'bad\0bytes' }));
  const event = await postEvent(t, { type, idempotency_key: type });
  const delivery = await deliveryIn(t, event.deliveries[0]!.id);
  expect(delivery).toMatchObject({ status: 'FAILED', status_reason: 'HTTP_4XX_PERMANENT', attempt_count: 1 });
  expect(delivery.attempts[0]!.response_body).toBe('bad\ufffdbytes');
  await eventually(() => isStarted(`deliver:default:${type}`));
  const result = client.workflow.getHandle(`deliver:default:${type}`).result();
  await expect(result).rejects.toBeInstanceOf(WorkflowFailedError);
});

test('with retry_on all, a 400 is tried again', async () => {
  const type = ownType();
  await createEndpoint(t, receiver.url, { event_types: [type], retry_on: 'all' });
  receiver.setBehaviour((_request, index) => ({ status: index === 0 ? 400 : 200 }));
  const event = await postEvent(t, { type });
  expect(await deliveryIn(t, event.deliveries[0]!.id)).toMatchObject({
    status: 'DELIVERED',
    attempt_count: 2,
  });
});

test('a 410 disables the endpoint; its next delivery is held, and goes out when it is enabled again', async () => {
  const type = ownType();
  const endpoint = await createEndpoint(t, receiver.url, { event_types: [type] });
  receiver.setBehaviour(() => ({ status: 410 }));
  const gone = await postEvent(t, { type });
  expect(await deliveryIn(t, gone.deliveries[0]!.id)).toMatchObject({
    status: 'FAILED',
    status_reason: 'GONE',
  });
  expect((await t.call('GET', `/v1/endpoints/${endpoint.id}`)).body).toMatchObject({
    status: 'disabled',
    status_reason: 'gone',
  });
  receiver.setBehaviour(() => ({ status: 200 }));
  const next = await postEvent(t, { type });
  await deliveryIn(t, next.deliveries[0]!.id, ['HELD']);
  expect(receiver.requests).toHaveLength(1);
  await t.call('PATCH', `/v1/endpoints/${endpoint.id}`, { enabled: true });
  expect(await deliveryIn(t, next.deliveries[0]!.id)).toMatchObject({
    status: 'DELIVERED',
    attempt_count: 1,
  });
});

test('a changed URL counts from the next attempt, a deleted endpoint ends what is open', async () => {
  const type = ownType();
  const broken = await startReceiver({ behave: () => ({ status: 500 }) });
  try {
    const moved = await createEndpoint(t, broken.url, { event_types: [type] });
    const deleted = await createEndpoint(t, broken.url, { event_types: [type] });
    const event = await postEvent(t, { type });
    const of = (endpoint: { id: string }) => event.deliveries.find((d) => d.endpoint_id === endpoint.id)!.id;
    await deliveryIn(t, of(moved), ['IN_PROGRESS']);
    await deliveryIn(t, of(deleted), ['IN_PROGRESS']);
    expect((await t.call('PATCH', `/v1/endpoints/${moved.id}`, { url: receiver.url })).status).toBe(200);
    expect((await t.call('DELETE', `/v1/endpoints/${deleted.id}`)).status).toBe(204);
    expect(await deliveryIn(t, of(moved))).toMatchObject({ status: 'DELIVERED' });
    expect(await deliveryIn(t, of(deleted))).toMatchObject({
      status: 'FAILED',
      status_reason: 'ENDPOINT_DELETED',
    });
    expect(receiver.requests.length).toBe(1);
  } finally {
    await broken.close();
  }
});

test('the query state, the search attributes and the heartbeat trail show a delivery that is still retrying', async () => {
  const type = ownType();
  const endpoint = await createEndpoint(t, receiver.url, { event_types: [type] });
  receiver.setBehaviour(() => ({ status: 503 }));
  const event = await postEvent(t, { type, idempotency_key: type, tenant: undefined });
  const handle = client.workflow.getHandle(`deliver:default:${type}`);
  await deliveryIn(t, event.deliveries[0]!.id, ['IN_PROGRESS']);
  await eventually(() => isStarted(`deliver:default:${type}`));
  const state = await eventually(async () => {
    const [only] = (await handle.query(stateQuery)) as DeliveryState[];
    return only && only.attempts.length >= 2 && only;
  });
  expect(state).toMatchObject({
    id: event.deliveries[0]!.id,
    endpoint_id: endpoint.id,
    status: 'IN_PROGRESS',
  });
  expect(state.attempts[0]).toMatchObject({
    number: 1,
    classification: 'HTTP_5XX_RETRYABLE',
    http_status: 503,
  });

  const described = await eventually(async () => {
    const description = await handle.describe();
    return description.raw.pendingActivities?.[0]?.heartbeatDetails && description;
  });
  expect(described.searchAttributes).toMatchObject({
    Tenant: ['default'],
    EventType: [type],
    EndpointIds: [endpoint.id],
  });
  const pending = described.raw.pendingActivities![0]!;
  const trail = JSON.parse(Buffer.from(pending.heartbeatDetails!.payloads![0]!.data!).toString()) as {
    attempts: { number: number }[];
  };
  expect(trail.attempts.map(({ number }) => number)).toEqual(trail.attempts.map((_, i) => i + 1));
  expect(trail.attempts.length).toBeGreaterThanOrEqual(2);
  expect(pending.lastFailure!.message).toContain('HTTP_5XX_RETRYABLE');

  await handle.cancel();
  const cancelled = await deliveryIn(t, event.deliveries[0]!.id);
  expect(cancelled).toMatchObject({ status: 'CANCELLED', next_attempt_at: null });
  expect((await getDelivery(t, cancelled.id)).attempts.length).toBe(cancelled.attempt_count);
});

test('twelve failed attempts use the delivery up, and every one is in its history', async () => {
  const quick = await startTestService({ retryScale: 1e-7 });
  try {
    await createEndpoint(quick, receiver.url);
    receiver.setBehaviour(() => ({ status: 500 }));
    const event = await postEvent(quick, {});
    const delivery = await deliveryIn(quick, event.deliveries[0]!.id);
    expect(delivery).toMatchObject({
      status: 'FAILED',
      status_reason: 'ATTEMPTS_EXHAUSTED',
      attempt_count: 12,
    });
    expect(delivery.attempts.map((a) => a.number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
    expect(receiver.requests).toHaveLength(12);
  } finally {
    await quick.stop();
  }
});

test.each([
  { count: 60, sizes: [50, 10] },
  { count: 101, sizes: [50, 50, 1] },
])(
  'for $count endpoints, child workflows have 50 deliveries each, and a cancel reaches all',
  async ({ count, sizes }) => {
    const many = await startTestService();
    try {
      const { id: first } = await createEndpoint(many, receiver.url);
      await copyEndpoint(many.pool, first, count - 1);
      const event = await postEvent(many, { idempotency_key: many.taskQueue });
      const id = `deliver:default:${many.taskQueue}`;
      await receiver.waitFor((requests) => requests.length === count);
      const parts = sizes.map((_, i) => `${id}~p${i + 1}`);
      await eventually(() => isStarted(id));
      expect(await client.workflow.getHandle(id).result()).toEqual(
        parts.map((workflow_id) => ({ workflow_id, status: 'COMPLETED' })),
      );
      const { rows } = await many.pool.query<{ workflow_id: string; ids: string[] }>(
        `select workflow_id, array_agg(id order by id) as ids from deliveries where status = 'DELIVERED' group by 1 order by 1`,
      );
      expect(rows.map((row) => [row.workflow_id, row.ids.length])).toEqual(
        parts.map((part, i) => [part, sizes[i]]),
      );
      const states = (await client.workflow.getHandle(parts[1]!).result()) as DeliveryState[];
      expect(states.map((state) => state.id).sort()).toEqual(rows[1]!.ids);
      expect(new Set(receiver.requests.map((request) => request.headers['webhook-id']))).toEqual(
        new Set([event.id]),
      );

      receiver.setBehaviour(() => ({ status: 500 }));
      const retried = await postEvent(many, { idempotency_key: `${many.taskQueue}-2` });
      await receiver.waitFor((requests) => requests.length >= 2 * count);
      await eventually(() => isStarted(`${id}-2`));
      const handle = client.workflow.getHandle(`${id}-2`);
      await eventually(async () => {
        const running = (await handle.query(stateQuery)) as PartState[];
        return running.every(({ status }) => status === 'RUNNING');
      });
      await handle.cancel();
      await expect(handle.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
      const { rows: ended } = await many.pool.query(
        'select status, completed_at is not null as ended, count(*)::int from all_deliveries where event_id = $1 group by 1, 2',
        [retried.id],
      );
      expect(ended).toEqual([{ status: 'CANCELLED', ended: true, count }]);
    } finally {
      await many.stop();
    }
  },
);

test('a cancellation ends the deliveries of a part that has not begun, and of one that is no child', async () => {
  const api = await startTestService({ role: 'api', attempts: false });
  const { databaseUrl, taskQueue } = api;
  let worker: TestService | null = null;
  try {
    const { id: first } = await createEndpoint(api, receiver.url);
    await api.pool.query(
      `insert into endpoints (id, tenant, url, event_types, timeout_ms)
       select new_id('ep', now()), tenant, url, event_types, timeout_ms from endpoints, generate_series(1, 100)
       where id = $1`,
      [first],
    );
    const pause = { scope: 'all', reason: 'nothing is sent' };
    expect((await api.call('POST', '/v1/control/pause', pause)).status).toBe(200);
    const event = await postEvent(api, { idempotency_key: taskQueue });
    const id = `deliver:default:${taskQueue}`;
    const [cancelled] = await Promise.all(
      [1, 2].map((part) =>
        client.workflow.start('deliverWebhook', {
          ...{ workflowId: `${id}~p${part}`, taskQueue },
          args: [{ eventId: event.id, tenant: 'default', deliveries: [], parts: 0 }],
        }),
      ),
    );
    await cancelled!.cancel();
    worker = await startTestService({ role: 'worker', databaseUrl, taskQueue });
    await expect(cancelled!.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    const statuses = async () => {
      const { rows } = await api.pool.query<{ part: string; status: string; count: number }>(
        `select right(workflow_id, 3) as part, status, count(*)::int from all_deliveries where event_id = $1
         group by 1, 2 order by 1`,
        [event.id],
      );
      return rows.map(({ part, status, count }) => `${part} ${status} ${count}`);
    };
    expect(await statuses()).toEqual(['~p1 CANCELLED 50', '~p2 HELD 50', '~p3 HELD 1']);

    const parent = client.workflow.getHandle(id);
    await eventually(async () => {
      const states = ((await parent.query(stateQuery)) as PartState[]).map(({ status }) => status);
      return states.join() === 'ELSEWHERE,ELSEWHERE,RUNNING';
    });
    await parent.cancel();
    await expect(parent.result()).rejects.toMatchObject({ cause: { name: 'CancelledFailure' } });
    expect(await statuses()).toEqual(['~p1 CANCELLED 50', '~p2 CANCELLED 50', '~p3 CANCELLED 1']);
  } finally {
    await worker?.stop();
    await api.stop();
  }
});

test('POST /v1/send delivers to a URL nobody registered, signed with the secret kept for it', async () => {
  const body = { url: receiver.url, payload: { hi: 1 }, headers: { 'x-a': 'b' }, idempotency_key: ownType() };
  const answer = await t.call<Accepted>('POST', '/v1/send', body);
  expect(answer.status).toBe(202);
  await deliveryIn(t, answer.body.deliveries[0]!.id);
  const endpointId = answer.body.deliveries[0]!.endpoint_id;
  const { secret } = (await t.call<{ secret: string }>('GET', `/v1/endpoints/${endpointId}/secret`)).body;
  verified(secret, receiver.requests[0]!);
  expect((await t.call('POST', '/v1/send', body)).status).toBe(200);
  const list = await t.call<{ data: { id: string }[] }>('GET', '/v1/endpoints?limit=250');
  expect(list.body.data.map((endpoint) => endpoint.id)).not.toContain(endpointId);
  const blocked = await t.call('POST', '/v1/send', {
    ...body,
    url: 'http://10.0.0.1/',
    idempotency_key: 'x',
  });
  expect(blocked).toMatchObject({
    status: 422,
    body: { code: 'address_blocked', errors: [{ path: 'url' }] },
  });
});

test('an event accepted by a process that died at once is sent, and its workflow is started', async () => {
  const one = await startTestService();
  try {
    const endpoint = await createEndpoint(one, receiver.url);
    const lost = newId('evt', new Date(Date.now() - 15_000));
    const workflowId = `deliver:default:${lost}`;
    await one.pool.query(
      `with dead as (
         insert into processes (id, alive_at, started_to, makes_attempts)
         values ('prc_dead', now() - interval '11 seconds', now() - interval '30 seconds', true)
       ), event as (
         insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
         values ($2, 'default', 'a.b', '{}', $2, $3, 1, now() - interval '15 seconds') returning *
       )
       insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
         run_at, run_by, claimed_by, claim_until, claim)
       select new_id('del', now()), id, $1, tenant, type, 12, workflow_id, now(), now(), 'workflow', 'prc_dead',
         now() + interval '80 seconds', 1 from event`,
      [endpoint.id, lost, workflowId],
    );
    await receiver.waitFor((requests) => requests.length === 1);
    expect(receiver.requests[0]!.headers['webhook-id']).toBe(lost);
    await eventually(() => isStarted(workflowId));
    const [delivery] = (await one.call<{ data: { id: string }[] }>('GET', `/v1/deliveries?event_id=${lost}`))
      .body.data;
    const { attempts } = await deliveryIn(one, delivery!.id);
    expect(attempts.map(({ classification }) => classification)).toEqual(['WORKER_LOST', 'DELIVERED']);
  } finally {
    await one.stop();
  }
});

test('no secret and no payload is readable in Temporal', async () => {
  const type = ownType();
  const { secret } = await createEndpoint(t, `${receiver.url}?token=hidden`, { event_types: [type] });
  const event = await postEvent(t, { type, idempotency_key: type, payload: { marker: 'only-in-postgres' } });
  await deliveryIn(t, event.deliveries[0]!.id);
  await eventually(() => isStarted(`deliver:default:${type}`));
  const handle = client.workflow.getHandle(`deliver:default:${type}`);
  expect(await handle.result()).toMatchObject([
    { status: 'DELIVERED', attempts: [{ number: 1, classification: 'DELIVERED', http_status: 200 }] },
  ]);
  // Payloads stand in a history's JSON as base64 under `data`.
  const decode = (key: string, value: unknown): unknown =>
    key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value;
  const history = JSON.stringify((await handle.fetchHistory()).events, decode);
  for (const text of ['only-in-postgres', secret, 'token=hidden']) expect(history).not.toContain(text);
  expect(history).toContain(event.deliveries[0]!.id);
});

test('the version that is sent is the version of the package', async () => {
  const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
  expect(VERSION).toBe(version);
});
