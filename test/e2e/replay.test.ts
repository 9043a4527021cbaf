import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import type { BatchPlan, BatchProgress } from '../../src/domain/batch.js';
import { batchCalls, type Batch } from '../support/batches.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries, seedOpen } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let { create, get, post, batchIn, itemsOf, actionsOn } = {} as ReturnType<typeof batchCalls>;
let receiver: Receiver;
let connection: Connection;
let client: Client;
let tenant: string;
let endpointId: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService({ pollEveryMs: 200 });
  ({ create, get, post, batchIn, itemsOf, actionsOn } = batchCalls(t));
  connection = await Connection.connect({ address: inject('temporalAddress') });
  client = new Client({ connection });
});
afterAll(async () => {
  await connection.close();
  await t.stop();
});
beforeEach(async () => {
  tenant = `replay_${nth++}`;
  receiver = await startReceiver();
  endpointId = (await createEndpoint(t, receiver.url, { tenant })).id;
  return () => receiver.close();
});

const rowsOf = async () =>
  (
    await t.pool.query<{ n: number }>('select count(*)::int as n from all_deliveries where tenant = $1', [
      tenant,
    ])
  ).rows[0]!.n;
/** Undefined: the backfill has not started it yet. */
const statusOf = (handle: WorkflowHandle) =>
  handle.describe().then(
    ({ status }) => status.name,
    () => undefined,
  );
const handleOf = (batch: Batch) => client.workflow.getHandle(batch.workflow_id);

describe('a plan', () => {
  test('says of each chosen delivery whether it would be delivered again, or why not; nothing is created or sent', async () => {
    const [failed, cancelled, delivered, replayed, running] = [
      await seedDeliveries(t.pool, { endpointId, count: 3 }),
      await seedDeliveries(t.pool, { endpointId, count: 1, status: 'CANCELLED', type: 'a.cancelled' }),
      await seedDeliveries(t.pool, { endpointId, count: 1, status: 'DELIVERED', type: 'a.delivered' }),
      await seedDeliveries(t.pool, { endpointId, count: 1, type: 'a.replayed' }),
      await seedOpen(t.pool, { endpointId, count: 1, type: 'a.running' }),
    ];
    const disabled = await createEndpoint(t, receiver.url, { tenant, enabled: false });
    const deleted = await createEndpoint(t, receiver.url, { tenant });
    const [toDisabled] = await seedDeliveries(t.pool, { endpointId: disabled.id, count: 1 });
    const [toDeleted] = await seedDeliveries(t.pool, { endpointId: deleted.id, count: 1 });
    await t.call('DELETE', `/v1/endpoints/${deleted.id}`);
    const foreign = await createEndpoint(t, receiver.url, { tenant: `${tenant}_other` });
    const [ofOther] = await seedDeliveries(t.pool, { endpointId: foreign.id, count: 1 });
    const [expired] = await seedDeliveries(t.pool, { endpointId, count: 1, type: 'a.expired' });
    await t.pool.query('delete from events where id = $1', [expired!.event_id]);
    const again = await t.call<{ id: string }>('POST', `/v1/deliveries/${replayed[0]!.id}/retry`);
    await deliveryIn(t, again.body.id, ['DELIVERED']);
    const before = { rows: await rowsOf(), requests: receiver.requests.length };

    const unknown = `del_${'0'.repeat(32)}`;
    const skipped = {
      [cancelled[0]!.id]: null,
      [delivered[0]!.id]: 'delivered',
      [replayed[0]!.id]: 'already_replayed',
      [running[0]!.id]: 'in_progress',
      [toDisabled!.id]: 'endpoint_disabled',
      [toDeleted!.id]: 'endpoint_deleted',
      [ofOther!.id]: 'foreign_tenant',
      [expired!.id]: 'payload_expired',
      [unknown]: 'not_found',
    };
    const ids = [...failed.map(({ id }) => id), ...Object.keys(skipped)];
    const dryRun = await create({
      ...{ delivery_ids: [...ids, failed[0]!.id], tenant, dry_run: true, note: 'after the outage' },
    });
    expect(dryRun).toMatchObject({
      status: 'DRY_RUN',
      dry_run: true,
      note: 'after the outage',
      created_by: 'admin',
    });
    expect(dryRun.plan).toMatchObject({
      total: 13,
      eligible: 4,
      by_endpoint: [{ endpoint_id: endpointId, count: 4 }],
    });
    expect(dryRun.plan!.by_event_type).toEqual([
      { event_type: 'order.created', count: 3 },
      { event_type: 'a.cancelled', count: 1 },
    ]);
    expect(dryRun.plan!.skipped_by_reason).toEqual(
      Object.fromEntries(
        ['duplicate_id', ...Object.values(skipped).filter((reason) => reason !== null)].map((r) => [r, 1]),
      ),
    );
    const reasons = new Map(dryRun.plan!.skipped.map(({ delivery_id, reason }) => [delivery_id, reason]));
    for (const [id, reason] of Object.entries(skipped)) expect(reasons.get(id) ?? null, id).toBe(reason);
    expect(reasons.get(failed[0]!.id)).toBe('duplicate_id');

    expect({ rows: await rowsOf(), requests: receiver.requests.length }).toEqual(before);
    expect(await actionsOn(dryRun.id)).toEqual([['batch.plan', 'admin', 'after the outage']]);
    // Temporal's own tools tell the same, also of a workflow that has ended.
    expect(await handleOf(dryRun).query<BatchPlan>('plan')).toEqual(dryRun.plan);
    expect(await handleOf(dryRun).query<BatchProgress>('progress')).toMatchObject({
      status: 'DRY_RUN',
      eligible: 4,
      created: 0,
    });
    for (const verb of ['pause', 'resume', 'cancel'])
      expect(await post(dryRun.id, verb)).toMatchObject({ status: 409 });
  });

  test('is what its start executes, item by item, once', async () => {
    const failed = await seedDeliveries(t.pool, { endpointId, count: 8 });
    await seedDeliveries(t.pool, { endpointId, count: 2, status: 'DELIVERED' });
    const dryRun = await create({
      filter: { tenant, status: ['FAILED', 'DELIVERED'] },
      ...{ include_delivered: true, dry_run: true, rate_per_second: 0 },
    });
    expect(dryRun.plan).toMatchObject({ total: 10, eligible: 10 });
    // Made after the plan, and so not in it.
    await seedDeliveries(t.pool, { endpointId, count: 5 });
    // Changed since: it is skipped when its turn comes.
    const early = await t.call<{ id: string }>('POST', `/v1/deliveries/${failed[0]!.id}/retry`);
    await deliveryIn(t, early.body.id, ['DELIVERED']);

    const started = await post(dryRun.id, 'start', { note: 'looks right' });
    expect(started).toMatchObject({ status: 201, body: { source_batch_id: dryRun.id, dry_run: false } });
    const batch = await batchIn(started.body.id, ['COMPLETED']);
    expect(batch).toMatchObject({
      plan: { ...dryRun.plan },
      ...{
        remaining_count: 0,
        skipped_at_turn_count: 1,
        created_count: 9,
        delivered_count: 9,
        open_count: 0,
      },
    });
    const planned = await itemsOf(dryRun.id);
    const items = await itemsOf(batch.id);
    expect(items.map((item) => item.source_delivery_id)).toEqual(
      planned.map((item) => item.source_delivery_id),
    );
    expect(items.filter((item) => item.status === 'SKIPPED')).toMatchObject([
      { source_delivery_id: failed[0]!.id, reason: 'already_replayed', delivery_id: null },
    ]);
    for (const item of items.filter(({ status }) => status === 'CREATED')) {
      expect(item.delivery_status).toBe('DELIVERED');
      expect(await getDelivery(t, item.delivery_id!)).toMatchObject({
        ...{ source_delivery_id: item.source_delivery_id, batch_id: batch.id, event_id: item.event_id },
        workflow_id: `replay:${batch.id}:${item.source_delivery_id}`,
      });
    }
    const requests = receiver.requests.map(({ headers }) => String(headers['webhook-id']));
    expect(requests.slice(1).sort()).toEqual(
      items
        .slice(1)
        .map((item) => item.event_id)
        .sort(),
    );
    expect(await post(dryRun.id, 'start')).toMatchObject({ status: 200, body: { id: batch.id } });
    expect(await actionsOn(batch.id)).toEqual([['batch.start', 'admin', 'looks right']]);
    const listed = await t.call<{ data: unknown[] }>('GET', `/v1/deliveries?batch_id=${batch.id}`);
    expect(listed.body.data).toHaveLength(9);
  });

  test('by filter takes what matches it', async () => {
    const other = await createEndpoint(t, receiver.url, { tenant });
    await seedDeliveries(t.pool, { endpointId, count: 2, type: 'a.b', classification: 'TIMEOUT' });
    await seedDeliveries(t.pool, { endpointId: other.id, count: 3, type: 'a.c' });
    await seedDeliveries(t.pool, { endpointId: other.id, count: 1, status: 'CANCELLED', type: 'a.c' });
    const total = async (filter: Record<string, unknown>, over: Record<string, unknown> = {}) =>
      (await create({ filter: { tenant, ...filter }, dry_run: true, ...over })).plan!.total;
    expect(await total({})).toBe(5);
    expect(await total({}, { include_delivered: true })).toBe(6);
    expect(await total({ status: 'CANCELLED' })).toBe(1);
    expect(await total({ endpoint_id: other.id })).toBe(3);
    expect(await total({ event_type: 'a.b' })).toBe(2);
    expect(await total({ classification: 'TIMEOUT' })).toBe(2);
    const long = new Date(Date.now() - 30 * 60_000).toISOString();
    expect(await total({ from: long })).toBe(0);
    expect(await total({ to: long })).toBe(5);
  });

  test('finds the events that an endpoint missed because it came later', async () => {
    const events = [
      await postEvent(t, { tenant, type: 'invoice.paid' }),
      await postEvent(t, { tenant, type: 'invoice.paid' }),
    ];
    await postEvent(t, { tenant, type: 'order.created' });
    const late = await startReceiver();
    const { id } = await createEndpoint(t, late.url, { tenant, event_types: ['invoice.*'] });
    const had = await postEvent(t, { tenant, type: 'invoice.sent' });
    await deliveryIn(t, had.deliveries.find((d) => d.endpoint_id === id)!.id);
    const batch = await create({ filter: { endpoint_id: id, missing: true } });
    expect(await batchIn(batch.id, ['COMPLETED'])).toMatchObject({ created_count: 2, delivered_count: 2 });
    expect(
      late.requests
        .map(({ headers }) => headers['webhook-id'])
        .slice(1)
        .sort(),
    ).toEqual(events.map((event) => event.id).sort());
    expect((await create({ filter: { endpoint_id: id, missing: true } })).plan).toMatchObject({ total: 0 });
    // The event's own answer stays as it was.
    const { body } = await t.call<{ deliveries: unknown[] }>('GET', `/v1/events/${events[0]!.id}`);
    expect(body.deliveries).toHaveLength(1);
    await late.close();
  });
});

describe('a running batch', () => {
  test('is paused, slowed and resumed by API and by signals, and audited', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 60 });
    const batch = await create({ filter: { tenant }, rate_per_second: 20 });
    await receiver.waitFor((requests) => requests.length > 3);
    expect(await post(batch.id, 'pause', { reason: 'lunch' })).toMatchObject({ body: { status: 'PAUSED' } });
    const paused = await eventually(async () => {
      const now = await get(batch.id);
      return now.open_count === 0 && now;
    });
    expect(paused.remaining_count).toBeGreaterThan(0);
    expect(paused.created_count + paused.remaining_count).toBe(60);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    expect(await get(batch.id)).toMatchObject({ created_count: paused.created_count, status: 'PAUSED' });
    expect(await handleOf(batch).query<BatchProgress>('progress')).toMatchObject({ status: 'PAUSED' });

    await handleOf(batch).signal('setRate', 0);
    await handleOf(batch).signal('resume');
    expect(await batchIn(batch.id, ['COMPLETED'])).toMatchObject({ delivered_count: 60, rate_per_second: 0 });
    expect(receiver.requests).toHaveLength(60);
    expect(await actionsOn(batch.id)).toEqual([
      ['batch.create', 'admin', null],
      ['batch.pause', 'admin', 'lunch'],
      ['batch.rate', 'temporal', null],
      ['batch.resume', 'temporal', null],
    ]);
    const again = await post(batch.id, 'resume');
    expect(again).toMatchObject({ status: 409, body: { code: 'batch_state' } });
  });

  test('changes its rate at once, however slow it was', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 5 });
    const batch = await create({ filter: { tenant }, rate_per_second: 0.01 });
    await receiver.waitFor((requests) => requests.length === 1);
    const patched = await t.call<Batch>('PATCH', `/v1/batches/${batch.id}`, { rate_per_second: 100 });
    expect(patched.body).toMatchObject({ rate_per_second: 100 });
    await batchIn(batch.id, ['COMPLETED']);
    expect(receiver.requests).toHaveLength(5);
  });

  test('holds its rate within a tenth', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 200 });
    const batch = await create({ filter: { tenant }, rate_per_second: 20 });
    await batchIn(batch.id, ['COMPLETED'], 30_000);
    const times = receiver.requests.map((request) => request.at).sort((a, b) => a - b);
    const seconds = (times.at(-1)! - times[0]!) / 1_000;
    expect(Math.abs(199 / seconds - 20)).toBeLessThan(2);
  }, 60_000);

  test('is cancelled at once, says what it did and what not, and its rest is another batch', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 100 });
    const batch = await create({ filter: { tenant }, rate_per_second: 40 });
    await receiver.waitFor((requests) => requests.length > 20);
    const cancelled = (await post(batch.id, 'cancel', { reason: 'wrong endpoint' })).body;
    expect(cancelled).toMatchObject({ status: 'CANCELLED', status_reason: 'wrong endpoint' });
    const settled = await eventually(async () => {
      const now = await get(batch.id);
      return now.open_count === 0 && now.completed_at !== null && now;
    });
    expect(settled.created_count).toBe(cancelled.created_count);
    expect(settled.created_count + settled.remaining_count).toBe(100);
    // Re-deliveries made and not yet sent are not sent any more.
    expect(settled.delivered_count + settled.cancelled_count).toBe(settled.created_count);
    expect(receiver.requests).toHaveLength(settled.delivered_count);
    const items = await itemsOf(batch.id);
    expect(items.filter((item) => item.status === 'CREATED')).toHaveLength(settled.created_count);
    expect(items.filter((item) => item.status === 'PLANNED')).toHaveLength(settled.remaining_count);
    await eventually(async () => (await handleOf(batch).describe()).status.name === 'CANCELLED');
    expect(await post(batch.id, 'cancel')).toMatchObject({ status: 200 });

    const rest = await post(batch.id, 'start', { rate_per_second: 0 });
    expect(rest).toMatchObject({ status: 201, body: { source_batch_id: batch.id } });
    const done = await batchIn(rest.body.id, ['COMPLETED']);
    const left = settled.remaining_count + settled.cancelled_count;
    expect(done).toMatchObject({ delivered_count: left, skipped_at_turn_count: 0 });
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(100);
    expect(receiver.requests).toHaveLength(100);
    expect((await actionsOn(rest.body.id))[0]![0]).toBe('batch.continue');
  });

  test('cancelled with `temporal workflow cancel` ends the same way', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 100 });
    const batch = await create({ filter: { tenant }, rate_per_second: 40 });
    await receiver.waitFor((requests) => requests.length > 5);
    await handleOf(batch).cancel();
    const cancelled = await batchIn(batch.id, ['CANCELLED']);
    expect(cancelled.remaining_count).toBeGreaterThan(0);
    expect((await actionsOn(batch.id)).at(-1)).toEqual(['batch.cancel', 'temporal', null]);
    const settled = await eventually(async () => {
      const now = await get(batch.id);
      return now.open_count === 0 && now;
    });
    expect(settled.created_count).toBe(cancelled.created_count);
    expect(settled.delivered_count + settled.cancelled_count).toBe(settled.created_count);
    expect(receiver.requests).toHaveLength(settled.delivered_count);
    await eventually(
      async () => (await handleOf(batch).query<BatchProgress>('progress')).status === 'CANCELLED',
    );
  });

  test('cancelled with what it has started, also later, leaves nothing running; that is part of its rest', async () => {
    receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '3600' } }));
    await seedDeliveries(t.pool, { endpointId, count: 10 });
    const batch = await create({ filter: { tenant }, rate_per_second: 0 });
    await receiver.waitFor((requests) => requests.length === 10);
    const path = `/v1/deliveries?batch_id=${batch.id}&status=IN_PROGRESS`;
    await eventually(async () => (await t.call<{ data: unknown[] }>('GET', path)).body.data.length === 10);
    // A workflow that is being started gets no signal, and ends only when its next attempt is due.
    const starts = 'select from workflow_starts where starts_with(workflow_id, $1)';
    const ofBatch = `replay:${batch.id}:`;
    await eventually(async () => (await t.pool.query(starts, [ofBatch])).rowCount === 0);
    await post(batch.id, 'cancel');
    expect(await batchIn(batch.id, ['CANCELLED'])).toMatchObject({ open_count: 10 });
    await post(batch.id, 'cancel', { running: true, reason: 'these, too' });
    await eventually(async () => (await get(batch.id)).cancelled_count === 10);
    const items = await itemsOf(batch.id);
    for (const item of items) {
      const handle = client.workflow.getHandle(`replay:${batch.id}:${item.source_delivery_id}`);
      await eventually(async () => !['RUNNING', undefined].includes(await statusOf(handle)));
    }
    expect(receiver.requests).toHaveLength(10);
    receiver.setBehaviour(() => ({ status: 200 }));
    await eventually(async () => (await get(batch.id)).completed_at !== null);
    const rest = await post(batch.id, 'start');
    expect(await batchIn(rest.body.id, ['COMPLETED'])).toMatchObject({ delivered_count: 10 });
  });

  test('over the same deliveries as another delivers none of them twice', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 120 });
    const [one, two] = await Promise.all([
      create({ filter: { tenant }, rate_per_second: 0 }),
      create({ filter: { tenant }, rate_per_second: 0 }),
    ]);
    expect([one.plan!.eligible, two.plan!.eligible]).toEqual([120, 120]);
    const [a, b] = [await batchIn(one.id, ['COMPLETED']), await batchIn(two.id, ['COMPLETED'])];
    expect(a.created_count + b.created_count).toBe(120);
    expect(a.skipped_at_turn_count + b.skipped_at_turn_count).toBe(120);
    expect(receiver.requests).toHaveLength(120);
  });

  test('skips what is left of an endpoint deleted meanwhile', async () => {
    const other = await createEndpoint(t, receiver.url, { tenant });
    await seedDeliveries(t.pool, { endpointId, count: 20 });
    await seedDeliveries(t.pool, { endpointId: other.id, count: 60 });
    const batch = await create({ filter: { tenant }, rate_per_second: 30 });
    await receiver.waitFor((requests) => requests.length > 10);
    await t.call('DELETE', `/v1/endpoints/${other.id}`);
    const done = await batchIn(batch.id, ['COMPLETED']);
    expect(done.created_count + done.skipped_at_turn_count).toBe(80);
    const skipped = await itemsOf(batch.id, '&reason=endpoint_deleted');
    expect(skipped).toHaveLength(done.skipped_at_turn_count);
    expect(skipped.length).toBeGreaterThan(20);
    for (const item of skipped) expect(item).toMatchObject({ endpoint_id: other.id, status: 'SKIPPED' });
    expect(done.delivered_count + done.failed_count).toBe(done.created_count);
  });

  test('is held by the kill switch and by a paused endpoint as any delivery is', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 5 });
    await t.call('POST', '/v1/control/pause', { scope: 'tenant', tenant, reason: 'wait' });
    const batch = await create({ filter: { tenant }, rate_per_second: 0 });
    await eventually(async () => (await get(batch.id)).open_count === 5);
    expect(await t.call('GET', `/v1/deliveries?batch_id=${batch.id}&status=HELD`)).toMatchObject({
      body: { data: Array(5).fill({ status: 'HELD', status_reason: 'tenant paused: wait' }) },
    });
    expect(receiver.requests).toHaveLength(0);
    await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
    await t.call('POST', '/v1/control/resume', { scope: 'tenant', tenant });
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(receiver.requests).toHaveLength(0);
    await t.call('POST', `/v1/endpoints/${endpointId}/resume`);
    expect(await batchIn(batch.id, ['COMPLETED'])).toMatchObject({ delivered_count: 5 });
  });
});

describe('a batch whose workflow', () => {
  test('was never started is found by the reconciler', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 3 });
    const { rows } = await t.pool.query<{ id: string }>(
      `insert into batches (id, dry_run, selection, rate_per_second, created_by, due_at)
       values (new_id('bat', now()), false, $1, 0, 'admin', now()) returning id`,
      [JSON.stringify({ include_delivered: false, filter: { tenant, status: ['FAILED'] } })],
    );
    expect(await batchIn(rows[0]!.id, ['COMPLETED'])).toMatchObject({ delivered_count: 3 });
  });

  test('was terminated is cancelled', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 50 });
    const batch = await create({ filter: { tenant }, rate_per_second: 5 });
    await receiver.waitFor((requests) => requests.length > 1);
    await handleOf(batch).terminate('by hand');
    await t.pool.query('update batches set due_at = now() where id = $1', [batch.id]);
    const cancelled = await batchIn(batch.id, ['CANCELLED']);
    expect(cancelled).toMatchObject({ status_reason: 'workflow terminated' });
    expect((await actionsOn(batch.id)).at(-1)).toEqual(['batch.cancel', 'temporal', 'workflow terminated']);
    await eventually(async () => (await get(batch.id)).completed_at !== null);
  });

  test('lost its history goes on from Postgres', async () => {
    await seedDeliveries(t.pool, { endpointId, count: 60 });
    const batch = await create({ filter: { tenant }, rate_per_second: 20 });
    await receiver.waitFor((requests) => requests.length > 5);
    await client.workflowService.deleteWorkflowExecution({
      namespace: 'default',
      workflowExecution: { workflowId: batch.workflow_id },
    });
    await eventually(() =>
      handleOf(batch)
        .describe()
        .then(
          () => false,
          () => true,
        ),
    );
    await t.pool.query('update batches set due_at = now() where id = $1', [batch.id]);
    await batchIn(batch.id, ['COMPLETED']);
    expect(await get(batch.id)).toMatchObject({ delivered_count: 60 });
    expect(receiver.requests).toHaveLength(60);
  });
});

test.each<[string, unknown, string]>([
  ['nothing chosen', {}, 'delivery_ids'],
  ['ids and a filter', { delivery_ids: [`del_${'0'.repeat(32)}`], filter: {} }, 'delivery_ids'],
  ['what is no id', { delivery_ids: ['evt_1'] }, 'delivery_ids[0]'],
  ['too many ids', { delivery_ids: Array(10_001).fill(`del_${'0'.repeat(32)}`) }, 'delivery_ids'],
  ['an unknown field', { filter: { colour: 'red' } }, 'filter.colour'],
  ['an unknown state', { filter: { status: 'LOST' } }, 'filter.status'],
  ['DELIVERED without saying so', { filter: { status: 'DELIVERED' } }, 'include_delivered'],
  ['missing without an endpoint', { filter: { missing: true } }, 'filter.endpoint_id'],
  ['a rate below 0', { filter: {}, rate_per_second: -1 }, 'rate_per_second'],
  ['a time that is none', { filter: { from: 'yesterday' } }, 'filter.from'],
])('%s is refused, names the field and changes nothing', async (_name, body, path) => {
  const count = async () => (await t.pool.query('select from batches')).rowCount;
  const before = await count();
  const answer = await t.call<{ errors: { path: string }[] }>('POST', '/v1/batches', body);
  expect(answer).toMatchObject({ status: 400 });
  expect(answer.body.errors.map((error) => error.path)).toContain(path);
  expect(await count()).toBe(before);
});

test('an unknown batch is not found', async () => {
  const id = `bat_${'0'.repeat(32)}`;
  for (const [method, path] of [
    ['GET', ''],
    ['GET', '/items'],
    ...['start', 'pause', 'resume', 'cancel'].map((verb) => ['POST', `/${verb}`]),
  ] as [string, string][]) {
    expect(await t.call(method, `/v1/batches/${id}${path}`)).toMatchObject({ status: 404 });
  }
});
