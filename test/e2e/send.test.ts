import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { forgetAdHocEndpoints } from '../../src/db/ad-hoc-endpoints.js';
import { createEndpoint, deliveryIn, type Accepted } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;

beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());
beforeEach(async () => {
  receiver = await startReceiver();
  return () => receiver.close();
});

const send = (over: Record<string, unknown> = {}) =>
  t.call<Accepted>('POST', '/v1/send', { url: receiver.url, payload: 1, ...over });

const stored = async () => {
  const { rows } = await t.pool.query<Record<string, number>>(
    `select (select count(*)::int from tenants) as tenants, (select count(*)::int from endpoints) as endpoints,
       (select count(*)::int from endpoint_secrets) as secrets, (select count(*)::int from audit) as audit,
       (select count(*)::int from events) as events`,
  );
  return rows[0];
};

test('a key used for another URL is a conflict, and nothing at all is stored', async () => {
  expect((await send({ idempotency_key: 'taken' })).status).toBe(202);
  const before = await stored();
  const other = await send({ idempotency_key: 'taken', url: `${receiver.url}other` });
  expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
  expect(await stored()).toEqual(before);
});

test('the same send is answered as the first, also when its name leads somewhere forbidden by now', async () => {
  const body = { idempotency_key: 'moved', url: `http://localhost:${receiver.port}/` };
  const first = await send(body);
  expect(first.status).toBe(202);
  const strict = await startTestService({
    ...{ databaseUrl: t.databaseUrl, taskQueue: t.taskQueue, allowNetworks: [] },
  });
  try {
    const again = await strict.call<Accepted>('POST', '/v1/send', { payload: 1, ...body });
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id, duplicate: true } });
    const fresh = await strict.call('POST', '/v1/send', { payload: 1, ...body, idempotency_key: 'fresh' });
    expect(fresh).toMatchObject({ status: 422, body: { code: 'address_blocked' } });
  } finally {
    await strict.stop();
  }
});

test('the same event is answered as the first, also when one of its endpoints has been deleted since', async () => {
  const { id } = await createEndpoint(t, receiver.url, { event_types: ['never.matched'] });
  const body = { type: 'a.b', payload: 1, endpoint_ids: [id], idempotency_key: 'deleted' };
  const first = await t.call<Accepted>('POST', '/v1/events', body);
  expect(first.status).toBe(202);
  expect((await t.call('DELETE', `/v1/endpoints/${id}`)).status).toBe(204);
  const again = await t.call<Accepted>('POST', '/v1/events', body);
  expect(again).toMatchObject({ status: 200, body: { id: first.body.id, duplicate: true } });
  const other = await t.call('POST', '/v1/events', { ...body, payload: 2 });
  expect(other).toMatchObject({ status: 409, body: { code: 'idempotency_conflict' } });
  const fresh = await t.call('POST', '/v1/events', { ...body, idempotency_key: 'another' });
  expect(fresh).toMatchObject({ status: 422, body: { code: 'unknown_endpoint' } });
  const batch = await t.call<{ results: { status: number }[] }>('POST', '/v1/events/batch', {
    events: [body, { ...body, idempotency_key: 'another' }],
  });
  expect(batch.body.results.map(({ status }) => status)).toEqual([200, 422]);
});

test('a URL whose endpoint was deleted is sent to again', async () => {
  const first = await send();
  await deliveryIn(t, first.body.deliveries[0]!.id);
  const { endpoint_id } = first.body.deliveries[0]!;
  expect((await t.call('DELETE', `/v1/endpoints/${endpoint_id}`)).status).toBe(204);
  const second = await send();
  expect(second.body.deliveries).toHaveLength(1);
  expect(second.body.deliveries[0]!.endpoint_id).not.toBe(endpoint_id);
  expect((await deliveryIn(t, second.body.deliveries[0]!.id)).status).toBe('DELIVERED');
});

test('a 410 ends its own delivery as GONE; the next send to that URL is made all the same', async () => {
  receiver.setBehaviour((_request, index) => ({ status: index === 0 ? 410 : 200 }));
  const first = await send();
  expect(await deliveryIn(t, first.body.deliveries[0]!.id)).toMatchObject({
    status: 'FAILED',
    status_reason: 'GONE',
  });
  const second = await send();
  expect(second.body.deliveries[0]!.endpoint_id).toBe(first.body.deliveries[0]!.endpoint_id);
  expect((await deliveryIn(t, second.body.deliveries[0]!.id, undefined, 15_000)).status).toBe('DELIVERED');
});

test('a URL that has failed for days is sent to all the same', async () => {
  receiver.setBehaviour((_request, index) => ({ status: index === 1 ? 400 : 200 }));
  const first = await send();
  const { id, endpoint_id } = first.body.deliveries[0]!;
  expect((await deliveryIn(t, id)).status).toBe('DELIVERED');
  // As if it had not succeeded once since then.
  await t.pool.query(
    `update endpoints set failing_since = now() - interval '6 days', failing_warned_at = now() - interval '2 days'
     where id = $1`,
    [endpoint_id],
  );
  const failed = await send();
  expect((await deliveryIn(t, failed.body.deliveries[0]!.id)).status).toBe('FAILED');
  const last = await send();
  expect((await deliveryIn(t, last.body.deliveries[0]!.id, undefined, 15_000)).status).toBe('DELIVERED');
});

test('an endpoint made for a URL that is given another one no longer stands for the first', async () => {
  const other = await startReceiver();
  try {
    const first = await send();
    await deliveryIn(t, first.body.deliveries[0]!.id);
    const { endpoint_id } = first.body.deliveries[0]!;
    const patched = await t.call('PATCH', `/v1/endpoints/${endpoint_id}`, { url: other.url });
    expect(patched.status).toBe(200);
    const second = await send();
    await deliveryIn(t, second.body.deliveries[0]!.id);
    expect([receiver.requests.length, other.requests.length]).toEqual([2, 0]);
  } finally {
    await other.close();
  }
});

test('a target that nobody uses for 30 days is forgotten, and a later send to its URL makes a new one', async () => {
  const idle = `update endpoints set updated_at = now() - interval '31 days' where id = $1`;
  const first = await send();
  await deliveryIn(t, first.body.deliveries[0]!.id);
  const { endpoint_id } = first.body.deliveries[0]!;
  await t.pool.query(idle, [endpoint_id]);
  // Used again in time.
  expect((await send()).body.deliveries[0]!.endpoint_id).toBe(endpoint_id);
  expect(await forgetAdHocEndpoints(t.pool, 100)).toBe(0);

  // Not while something waits for it.
  await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'test' });
  const held = (await send()).body.deliveries[0]!;
  await t.pool.query(idle, [endpoint_id]);
  expect(await forgetAdHocEndpoints(t.pool, 100)).toBe(0);
  await t.call('POST', '/v1/control/resume', { scope: 'all' });
  expect(await deliveryIn(t, held.id)).toMatchObject({ status: 'DELIVERED', endpoint_id });

  await t.pool.query(idle, [endpoint_id]);
  expect(await forgetAdHocEndpoints(t.pool, 100)).toBe(1);
  expect((await t.call('GET', `/v1/endpoints/${endpoint_id}`)).status).toBe(404);
  const { rows } = await t.pool.query(
    `select sealed_settings is null as forgot, (select count(*)::int from endpoint_secrets where endpoint_id = ep.id) as secrets
     from endpoints ep where id = $1`,
    [endpoint_id],
  );
  expect(rows).toEqual([{ forgot: true, secrets: 0 }]);
  expect((await t.call('GET', `/v1/deliveries/${held.id}`)).status).toBe(200);
  const audit = await t.call<{ data: object[] }>('GET', `/v1/audit?object=${endpoint_id}`);
  expect(audit.body.data).toMatchObject([
    { actor: 'surehook', action: 'endpoint.delete', reason: 'no event for 30 days' },
    { action: 'endpoint.create' },
  ]);
  const next = (await send()).body.deliveries[0]!;
  expect(next.endpoint_id).not.toBe(endpoint_id);
  expect((await deliveryIn(t, next.id)).status).toBe('DELIVERED');
});

test('the service itself forgets idle targets', async () => {
  const first = await send();
  await deliveryIn(t, first.body.deliveries[0]!.id);
  const { endpoint_id } = first.body.deliveries[0]!;
  await t.pool.query(`update endpoints set updated_at = now() - interval '31 days' where id = $1`, [
    endpoint_id,
  ]);
  const { databaseUrl, taskQueue } = t;
  const next = await startTestService({ databaseUrl, taskQueue });
  try {
    await eventually(async () => (await t.call('GET', `/v1/endpoints/${endpoint_id}`)).status === 404);
  } finally {
    await next.stop();
  }
});

test('a registered endpoint without events is not forgotten', async () => {
  const { id } = await createEndpoint(t, receiver.url, { event_types: ['never.matched'] });
  await t.pool.query(`update endpoints set updated_at = now() - interval '1 year' where id = $1`, [id]);
  await forgetAdHocEndpoints(t.pool, 100);
  expect((await t.call('GET', `/v1/endpoints/${id}`)).status).toBe(200);
});

/** Rows of a table that all statements have read, by whichever way. */
async function rowsRead(databaseUrl: string, table: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ count: string }>(
      'select coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) as count from pg_stat_user_tables where relname = $1',
      [table],
    );
    return Number(rows[0]!.count);
  } finally {
    await client.end();
  }
}

test('an event reads the endpoints it reaches, not the 1,500 targets that its tenant has sent to', async () => {
  const many = await startTestService({ workflows: 'none' });
  try {
    await createEndpoint(many, receiver.url, { event_types: ['order.*'] });
    for (let page = 0; page < 15; page++) {
      const targets = Array.from({ length: 100 }, (_, n) => `${receiver.url}/${page * 100 + n}`);
      await Promise.all(targets.map((url) => many.call('POST', '/v1/send', { url, payload: 1 })));
    }
    await receiver.waitFor((requests) => requests.length === 1_500);
    const read = async () =>
      (await rowsRead(many.databaseUrl, 'endpoints')) + (await rowsRead(many.databaseUrl, 'subscriptions'));
    // A backend reports what it has read when it has been idle for a second.
    const settled = async () => {
      for (let before = -1; ;) {
        await sleep(1_500);
        const now = await read();
        if (now === before) return now;
        before = now;
      }
    };
    const before = await settled();
    for (let n = 0; n < 50; n++) {
      const event = { type: 'order.created', payload: n };
      const { status, body } = await many.call<Accepted>('POST', '/v1/events', event);
      expect([status, body.deliveries.length]).toEqual([202, 1]);
    }
    await receiver.waitFor((requests) => requests.length === 1_550);
    // A few look-ups for each statement of an event.
    expect((await settled()) - before).toBeLessThan(50 * 20);
  } finally {
    await many.stop();
  }
});
