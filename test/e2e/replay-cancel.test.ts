import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { batchCalls } from '../support/batches.js';
import { createEndpoint } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let calls: ReturnType<typeof batchCalls>;
let receiver: Receiver;
let connection: Connection;
let client: Client;
let tenant: string;
let endpointId: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
  calls = batchCalls(t);
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await t.stop();
});
beforeEach(async () => {
  tenant = `cancel_${nth++}`;
  receiver = await startReceiver();
  endpointId = (await createEndpoint(t, receiver.url, { tenant })).id;
  return () => receiver.close();
});

test('a delivery that arrives while its batch is cancelled is DELIVERED, and no part of the rest', async () => {
  let answer!: () => void;
  const answered = new Promise<void>((resolve) => (answer = resolve));
  receiver.setBehaviour(() => answered.then(() => ({ status: 200 })));
  await t.call('PATCH', `/v1/endpoints/${endpointId}`, { timeout_ms: 30_000 });
  await seedDeliveries(t.pool, { endpointId, count: 5 });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 0 });
  await receiver.waitFor((requests) => requests.length === 5);
  expect(await calls.post(batch.id, 'cancel', { running: true })).toMatchObject({
    body: { status: 'CANCELLED' },
  });
  await eventually(async () => (await calls.get(batch.id)).cancelled_count === 5);
  // A delivery that may yet arrive is neither continued nor made again by another batch.
  expect(await calls.post(batch.id, 'start')).toMatchObject({
    status: 409,
    body: { detail: 'It is still ending: a request of it may be under way. Try again.' },
  });
  const other = await calls.create({ filter: { tenant }, dry_run: true });
  expect(other.plan).toMatchObject({ eligible: 0, skipped_by_reason: { in_progress: 5 } });
  answer();

  expect(await calls.ended(batch.id)).toMatchObject({ delivered_count: 5, cancelled_count: 0 });
  const rest = await calls.post(batch.id, 'start');
  expect(await calls.batchIn(rest.body.id, ['COMPLETED'])).toMatchObject({ plan: { total: 0 } });
  expect(receiver.requests).toHaveLength(5);
});

test('a re-delivery that is held when its batch is cancelled is never sent; it is part of the rest', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 5 });
  await t.call('POST', '/v1/control/pause', { scope: 'tenant', tenant, reason: 'wait' });
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 0 });
  await eventually(async () => (await calls.get(batch.id)).open_count === 5);
  await calls.post(batch.id, 'cancel');
  await t.call('POST', '/v1/control/resume', { scope: 'tenant', tenant });
  expect(await calls.ended(batch.id)).toMatchObject({ cancelled_count: 5, open_count: 0 });
  expect(receiver.requests).toHaveLength(0);
  const rest = await calls.post(batch.id, 'start');
  expect(await calls.batchIn(rest.body.id, ['COMPLETED'])).toMatchObject({ delivered_count: 5 });
});

test('deliveries that a process did not cancel with their batch are cancelled by its workflow', async () => {
  const [seeded] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  const batch = await calls.create({ filter: { tenant }, dry_run: true });
  // As left by a process that died after the batch's row was committed.
  await t.pool.query(
    `with made as (
       insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
         source_delivery_id, batch_id, run_at, run_by)
       select new_id('del', now()), event_id, endpoint_id, tenant, event_type, 12, 'replay:' || $2 || ':' || id, now(),
         id, $2, now() + interval '1 hour', 'queue' from deliveries where id = $1 returning id)
     update batch_items set status = 'CREATED', delivery_id = made.id from made where batch_id = $2`,
    [seeded!.id, batch.id],
  );
  await t.pool.query(
    `update batches set status = 'CANCELLED', dry_run = false, completed_at = null, due_at = now() where id = $1`,
    [batch.id],
  );
  expect(await calls.ended(batch.id)).toMatchObject({ cancelled_count: 1, open_count: 0 });
  expect(receiver.requests).toHaveLength(0);
});

test('cancelled before its plan is made, it has nothing to go on with, and says so', async () => {
  const { rows } = await t.pool.query<{ id: string }>(
    `insert into batches (id, dry_run, selection, rate_per_second, created_by, due_at)
     values (new_id('bat', now()), false, $1, 0, 'admin', 'infinity') returning id`,
    [JSON.stringify({ include_delivered: false, filter: { tenant, status: ['FAILED'] } })],
  );
  const { id } = rows[0]!;
  expect(await calls.post(id, 'start')).toMatchObject({
    status: 409,
    body: {
      detail: 'Only a dry run is started, or what a cancelled or failed batch has left; it is PLANNING.',
    },
  });
  expect(await calls.post(id, 'cancel')).toMatchObject({ body: { status: 'CANCELLED', plan: null } });
  await calls.ended(id);
  expect(await calls.post(id, 'start')).toMatchObject({
    status: 409,
    body: { detail: 'It was CANCELLED before its plan was made: it has nothing to go on with.' },
  });
});

test('a batch whose items cannot be stored is FAILED, says why, and is continued', async () => {
  await seedDeliveries(t.pool, { endpointId, count: 60 });
  await seedDeliveries(t.pool, { endpointId, count: 5, type: 'a.poison' });
  // The last in line.
  await t.pool.query(`update deliveries set id = new_id('del', now()) where event_type = 'a.poison'`);
  await t.pool.query(`
    create function refuse() returns trigger language plpgsql as $$
      begin raise exception 'no poison' using errcode = '23514'; end
    $$;
    create trigger refuse before insert on open_deliveries for each row when (new.event_type = 'a.poison')
      execute function refuse()`);
  const batch = await calls.create({ filter: { tenant }, rate_per_second: 100 });
  await calls.batchIn(batch.id, ['FAILED']);
  const failed = await eventually(async () => {
    const now = await calls.get(batch.id);
    return now.completed_at !== null && now.open_count === 0 && now;
  });
  expect(failed.status_reason).toContain('no poison');
  expect(failed.created_count).toBeGreaterThan(0);
  expect((await calls.actionsOn(batch.id)).at(-1)!.slice(0, 2)).toEqual(['batch.fail', 'surehook']);
  await eventually(
    async () => (await client.workflow.getHandle(batch.workflow_id).describe()).status.name === 'FAILED',
  );
  await t.pool.query('drop trigger refuse on open_deliveries');
  const rest = await calls.post(batch.id, 'start');
  const done = await calls.batchIn(rest.body.id, ['COMPLETED']);
  expect(done.delivered_count).toBe(failed.remaining_count);
  expect(failed.delivered_count + done.delivered_count).toBe(65);
  expect(receiver.requests).toHaveLength(65);
});
