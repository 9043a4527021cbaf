import pg from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { createDatabase, eventually, startTestService, type TestService } from '../support/service.js';
import { startProxy, type Proxy } from './proxy.js';

/** Postgres is away from the moment of a commit on, whose answer still arrives. */
let t: TestService;
let proxy: Proxy;
let receiver: Receiver;
/** Past the proxy. */
let query: (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
let endpointId: string;

beforeAll(async () => {
  const name = `after_commit_${Date.now()}`;
  const direct = new URL(await createDatabase(name));
  proxy = await startProxy(await freePort(), Number(direct.port));
  const through = new URL(direct);
  through.port = String(proxy.port);
  t = await startTestService({ databaseUrl: through.toString() });
  t.pool.on('error', () => {});
  const pool = new pg.Pool({ connectionString: direct.toString(), max: 2 });
  query = async (sql, values = []) => (await pool.query(sql, values)).rows as Record<string, unknown>[];
  receiver = await startReceiver();
  ({ id: endpointId } = await createEndpoint(t, receiver.url));
  return async () => {
    await pool.end();
    await receiver.close();
  };
});
afterAll(async () => {
  await t.stop();
  await proxy.refuse();
});
afterEach(async () => {
  await proxy.accept();
  await eventually(async () => (await t.call('GET', '/v1/control')).status === 200);
  await eventually(async () => (await t.call('GET', '/v1/endpoints')).status === 200);
});

/** Makes the call; Postgres is away once the transaction with `question` is committed. */
async function cut(question: string, answer: string, ...call: Parameters<TestService['call']>) {
  const away = proxy.refuseAfter(question, answer);
  const [got] = await Promise.all([t.call(...call), away]);
  return got;
}

const COMMIT = 'COMMIT\0';
/** Part of the statement of a PATCH: the workflows of earlier batches update `batches` as well. */
const RATE_CHANGE = 'rate_per_second = $4';

test('a batch that is committed is answered as made', async () => {
  const [seeded] = await seedDeliveries(
    { query: async (sql: string, values: unknown[]) => ({ rows: await query(sql, values) }) } as never,
    { endpointId, count: 1 },
  );
  const body = { delivery_ids: [seeded!.id], dry_run: true };
  const answer = await cut('insert into batches', COMMIT, 'POST', '/v1/batches', body);
  expect(answer).toMatchObject({ status: 201, body: { status: 'PLANNING', dry_run: true } });
  expect(await query('select id from batches')).toEqual([{ id: answer.body.id }]);
  await proxy.accept();

  const { id } = await eventually(async () => {
    const { status, body } = await t.call('GET', `/v1/batches/${String(answer.body.id)}`);
    return status === 200 && body.status === 'DRY_RUN' && body;
  });
  const started = await cut('insert into batches', COMMIT, 'POST', `/v1/batches/${String(id)}/start`);
  expect(started).toMatchObject({ status: 201, body: { source_batch_id: id } });
  expect(await query('select id from batches where source_batch_id = $1', [id])).toEqual([
    { id: started.body.id },
  ]);
});

test('a batch that was changed and cannot be read is not told to be unchanged', async () => {
  const { body } = await t.call('POST', '/v1/batches', {
    delivery_ids: Array.from({ length: 50 }, (_, i) => `del_${String(i).padStart(32, '0')}`),
    rate_per_second: 0.01,
    dry_run: true,
  });
  await eventually(async () => (await t.call('GET', `/v1/batches/${String(body.id)}`)).body.completed_at);
  await query(`update batches set status = 'PAUSED', completed_at = null where id = $1`, [body.id]);
  const path = `/v1/batches/${String(body.id)}`;
  const answer = await cut(RATE_CHANGE, COMMIT, 'PATCH', path, { rate_per_second: 7 });
  expect(answer).toMatchObject({
    status: 503,
    body: {
      detail: expect.stringMatching(/^This, or an earlier request with its key, was stored/) as string,
    },
  });
  expect(await query('select rate_per_second from batches where id = $1', [body.id])).toEqual([
    { rate_per_second: 7 },
  ]);
});

test('a pause and a resume that are committed are answered with what is paused', async () => {
  const paused = await cut('insert into control', COMMIT, 'POST', '/v1/control/pause', {
    scope: 'tenant',
    tenant: 'x',
    reason: 'away',
  });
  expect(paused).toMatchObject({ status: 200, body: { pauses: [{ tenant: 'x', reason: 'away' }] } });
  expect(await query('select reason from control')).toEqual([{ reason: 'away' }]);
  await proxy.accept();
  await eventually(async () => (await t.call('GET', '/v1/control')).status === 200);
  const resumed = await cut('delete from control', COMMIT, 'POST', '/v1/control/resume', {
    scope: 'tenant',
    tenant: 'x',
  });
  expect(resumed).toMatchObject({ status: 200, body: { pauses: [] } });
  expect(await query('select from control')).toEqual([]);
});

test('a cancellation and a retry that are committed are answered with the delivery', async () => {
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  const event = await postEvent(t);
  const id = event.deliveries.find((d) => d.endpoint_id === endpointId)!.id;
  const cancelled = await cut('delivery.cancel', COMMIT, 'POST', `/v1/deliveries/${id}/cancel`, {
    reason: 'wrong',
  });
  expect(cancelled).toMatchObject({
    status: 200,
    body: { id, status: 'CANCELLED', status_reason: 'wrong', attempts: [] },
  });
  expect(await query('select status from deliveries where id = $1', [id])).toEqual([{ status: 'CANCELLED' }]);
  await proxy.accept();
  await eventually(async () => (await t.call('POST', `/v1/endpoints/${endpointId}/enable`)).status === 200);

  const retried = await cut('delivery.retry', COMMIT, 'POST', `/v1/deliveries/${id}/retry`);
  expect(retried).toMatchObject({ status: 202, body: { source_delivery_id: id, status: 'PENDING' } });
  await proxy.accept();
  const made = String(retried.body.id);
  await eventually(async () => (await t.call('GET', `/v1/deliveries/${made}`)).status === 200);
  expect(await deliveryIn(t, made)).toMatchObject({ status: 'DELIVERED' });
});

test('events posted together are each answered by their own commit', async () => {
  const events = Array.from({ length: 1_000 }, (_, i) => ({
    type: 'a.b',
    payload: i,
    idempotency_key: `together-${i}`,
  }));
  const answer = await cut('accept-events', 'SELECT ', 'POST', '/v1/events/batch', { events });
  expect(answer.status).toBe(200);
  const results = answer.body.results as { status: number; id?: string; error?: { code: string } }[];
  const accepted = results.filter(({ status }) => status === 202);
  expect(accepted.length).toBeGreaterThan(0);
  const others = results.filter(({ status }) => status !== 202);
  expect(others.length).toBeGreaterThan(0);
  for (const other of others) expect(other).toMatchObject({ status: 503, error: { code: 'unavailable' } });
  const ids = accepted.map(({ id }) => id);
  expect(await query('select count(*)::int from events where id = any($1)', [ids])).toEqual([
    { count: ids.length },
  ]);
  await proxy.accept();
  // Posted again, each is there once.
  await eventually(async () => (await t.call('GET', '/v1/events')).status === 200);
  const again = await t.call('POST', '/v1/events/batch', { events });
  const statuses = (again.body.results as { status: number }[]).map(({ status }) => status);
  expect(statuses.every((status) => status === 200 || status === 202)).toBe(true);
  const count = `select count(*)::int, count(distinct idempotency_key)::int as keys from events where idempotency_key like 'together-%'`;
  expect(await query(count)).toEqual([{ count: 1_000, keys: 1_000 }]);
});

test('a key that is known, and whose event cannot be read, is not told to be new', async () => {
  const body = { type: 'a.b', payload: 1, idempotency_key: 'known' };
  await postEvent(t, body);
  const answer = await cut('accept-events', 'SELECT ', 'POST', '/v1/events', body);
  expect(answer).toMatchObject({
    status: 503,
    body: {
      detail: expect.stringMatching(/^This, or an earlier request with its key, was stored/) as string,
    },
  });
});

test('where nothing was committed, that is told', async () => {
  await proxy.refuse();
  const answer = await t.call('POST', '/v1/events', { type: 'a.b', payload: 1, idempotency_key: 'never' });
  expect(answer).toMatchObject({ status: 503, body: { code: 'unavailable' } });
  expect(answer.body.detail).not.toMatch(/^This, or an earlier request with its key, was stored/);
  expect(await query(`select from events where idempotency_key = 'never'`)).toEqual([]);
});
