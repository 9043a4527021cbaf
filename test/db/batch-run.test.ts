import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { planPage } from '../../src/db/batch-plan.js';
import { cancelPage, endBatch, settleBatch, takeItems } from '../../src/db/batch-run.js';
import { getBatch, listItems, readState } from '../../src/db/batch-state.js';
import { changeBatch, insertBatch } from '../../src/db/batches.js';
import { migrate } from '../../src/db/migrate.js';
import { claimDelivery, endDeliveries, recordAttempt } from '../../src/db/open-deliveries/index.js';
import { CONTROL_CHANNEL } from '../../src/db/pauses.js';
import { createPool, type Pool } from '../../src/db/pool.js';
import { newId } from '../../src/lib/ids.js';
import { actorNamed } from '../support/actor.js';
import { createDatabase } from '../support/database.js';
import { seedDeliveries, seedOpen } from '../support/seed.js';

let url: string;
let pool: Pool;
let tenant: string;
let endpointId: string;
let nth = 0;

beforeAll(async () => {
  url = await createDatabase(`t_${randomBytes(6).toString('hex')}`);
  await migrate(url);
  pool = createPool(url, 4);
});
afterAll(() => pool.end());
beforeEach(async () => {
  tenant = `run_${nth++}`;
  await pool.query('insert into tenants (id) values ($1)', [tenant]);
  endpointId = await addEndpoint();
});

async function addEndpoint(): Promise<string> {
  const id = newId('ep');
  await pool.query(
    `insert into endpoints (id, tenant, url, event_types, timeout_ms) values ($1, $2, 'http://127.0.0.1:1/', '{*}', 1000)`,
    [id, tenant],
  );
  return id;
}

const by = { actor: actorNamed('ana'), reason: null };
/** A planned batch over the FAILED deliveries of the tenant. */
async function batchOf({ includeDelivered = false } = {}): Promise<string> {
  const status = includeDelivered ? (['FAILED', 'DELIVERED'] as const) : (['FAILED'] as const);
  const selection = { include_delivered: includeDelivered, filter: { tenant, status: [...status] } };
  const choice = { keyTenant: null, deliveryIds: null, dryRun: false, ratePerSecond: 0, note: null };
  const { id } = await insertBatch(pool, { selection, ...choice }, actorNamed('ana'));
  while (await planPage(pool, id));
  return id;
}

let step = 0;
const take = (id: string, limit: number, over: { step?: number; workflow?: boolean } = {}) =>
  takeItems(pool, { id, step: ++step, limit, counted: false, maxAttempts: 12, workflow: true, ...over });
const openOf = async (id: string) =>
  (
    await pool.query<{
      id: string;
      source_delivery_id: string;
      end_status: string | null;
      workflow_id: string;
    }>('select * from open_deliveries where batch_id = $1 order by id', [id])
  ).rows;

async function claim(id: string) {
  const claimed = await claimDelivery(pool, id, { process: 'test', now: true });
  expect(claimed, id).not.toBeNull();
  return claimed!.claim;
}

/** One attempt of an open delivery, from its claim to its record. */
async function attempt(id: string, status: 'DELIVERED' | 'IN_PROGRESS', claimed?: number): Promise<void> {
  const isDelivered = status === 'DELIVERED';
  await recordAttempt(pool, {
    deliveryId: id,
    claim: claimed ?? (await claim(id)),
    attempt: {
      id: newId('att'),
      number: 1,
      started_at: new Date().toISOString(),
      latency_ms: 1,
      timings: null,
      remote_address: null,
      http_status: isDelivered ? 200 : 503,
      classification: isDelivered ? 'DELIVERED' : 'HTTP_5XX_RETRYABLE',
      error: null,
      request_headers: {},
      response_headers: {},
      response_body: null,
      truncated: false,
      retry_after: null,
      stop_reason: null,
      next_attempt_at: isDelivered ? null : new Date(Date.now() + 3_600_000).toISOString(),
    },
    status,
    reason: null,
    gone: false,
  });
}

test('a step makes ready deliveries of the next items and wakes the pollers; repeated it changes nothing', async () => {
  const seeded = await seedDeliveries(pool, { endpointId, count: 5 });
  const id = await batchOf();
  const listener = new pg.Client(url);
  await listener.connect();
  await listener.query(`listen ${CONTROL_CHANNEL}`);
  const notified = new Promise((resolve) => listener.once('notification', resolve));

  const { progress } = await take(id, 3);
  expect(progress).toMatchObject({ remaining: 2, created: 3, skipped_at_turn: 0 });
  await notified;
  await listener.end();
  const open = await openOf(id);
  expect(new Set(open.map((row) => row.source_delivery_id))).toEqual(
    new Set(seeded.slice(0, 3).map((one) => one.id)),
  );
  for (const row of open) {
    expect(row).toMatchObject({
      run_by: 'queue',
      claimed_by: null,
      attempt_count: 0,
      max_attempts: 12,
      tenant,
    });
    expect(row.workflow_id).toBe(`replay:${id}:${row.source_delivery_id}`);
  }
  const { rows: starts } = await pool.query<{ workflow_id: string; delivery_id: string }>(
    'select workflow_id, delivery_id from workflow_starts where delivery_id = any($1) order by delivery_id',
    [open.map((row) => row.id)],
  );
  expect(starts).toEqual(open.map((row) => ({ workflow_id: row.workflow_id, delivery_id: row.id })));

  expect((await take(id, 3, { step })).progress).toMatchObject({ created: 3 });
  expect((await take(id, 3)).progress).toMatchObject({ remaining: 0, created: 5 });
  expect(await openOf(id)).toHaveLength(5);
  const { data } = await listItems(pool, id, {}, { limit: 10, after: 0 });
  expect(data.map((item) => [item.status, item.delivery_status])).toEqual(
    Array(5).fill(['CREATED', 'PENDING']),
  );
});

test('without workflows, none waits to be started', async () => {
  await seedDeliveries(pool, { endpointId, count: 2 });
  const id = await batchOf();
  await take(id, 2, { workflow: false });
  const { rowCount } = await pool.query('select from workflow_starts where workflow_id like $1', [
    `replay:${id}%`,
  ]);
  expect(rowCount).toBe(0);
  expect(await openOf(id)).toHaveLength(2);
});

test('a batch that is paused or cancelled makes nothing', async () => {
  await seedDeliveries(pool, { endpointId, count: 3 });
  const id = await batchOf();
  await changeBatch(pool, id, { kind: 'pause' }, by);
  expect((await take(id, 3)).progress).toMatchObject({ status: 'PAUSED', created: 0 });
  await changeBatch(pool, id, { kind: 'cancel' }, by);
  expect((await take(id, 3)).progress).toMatchObject({ status: 'CANCELLED', created: 0, remaining: 3 });
});

test('each item is checked again at its turn', async () => {
  const endpoints = { disabled: await addEndpoint(), deleted: await addEndpoint() };
  const seeded = await seedDeliveries(pool, { endpointId, count: 4 });
  await seedDeliveries(pool, { endpointId: endpoints.disabled, count: 1 });
  await seedDeliveries(pool, { endpointId: endpoints.deleted, count: 1 });
  const id = await batchOf();
  const other = await batchOf();
  const [redelivered, cancelling, cancelled] = seeded.map((one) => one.id) as [string, string, string];

  await pool.query(`update endpoints set status = 'disabled' where id = $1`, [endpoints.disabled]);
  await pool.query('update endpoints set deleted_at = now() where id = $1', [endpoints.deleted]);
  await pool.query('delete from events where id = $1', [seeded[3]!.event_id]);
  await take(other, 3);
  const open = new Map((await openOf(other)).map((row) => [row.source_delivery_id, row.id]));
  await attempt(open.get(redelivered)!, 'DELIVERED');
  await claim(open.get(cancelling)!);
  await endDeliveries(pool, [open.get(cancelling)!, open.get(cancelled)!], 'CANCELLED', 'by hand');

  expect((await take(id, 10)).progress).toMatchObject({ remaining: 0, created: 1, skipped_at_turn: 5 });
  const { data } = await listItems(pool, id, {}, { limit: 10, after: 0 });
  const reasons = new Map(data.map((item) => [item.source_delivery_id ?? '', item.reason]));
  // The attempt under way may still deliver the one that is being cancelled.
  expect(seeded.map((one) => reasons.get(one.id))).toEqual([
    'already_replayed',
    'in_progress',
    null,
    'payload_expired',
  ]);
  const reasonOf = (endpoint: string) => data.find((item) => item.endpoint_id === endpoint)!.reason;
  expect(reasonOf(endpoints.disabled)).toBe('endpoint_disabled');
  expect(reasonOf(endpoints.deleted)).toBe('endpoint_deleted');
});

test('an open delivery is not made again, and one made again already is skipped by the plan', async () => {
  const [first] = await seedDeliveries(pool, { endpointId, count: 1 });
  const [open] = await seedOpen(pool, { endpointId, count: 1, attempts: 1 });
  await take(await batchOf(), 1);
  const skip = async (one: { id: string; event_id: string }) =>
    (
      await pool.query<{ reason: string | null }>('select reason from replay_skip($1, $2, $3, false)', [
        one.id,
        one.event_id,
        endpointId,
      ])
    ).rows[0]!.reason;
  expect([await skip(first!), await skip(open!)]).toEqual(['already_replayed', 'in_progress']);
});

test('no more than 2,000 wait for their first attempt; what is held or retrying does not count', async () => {
  await seedDeliveries(pool, { endpointId, count: 2_300 });
  const id = await batchOf();
  expect((await take(id, 1_500)).progress.created).toBe(1_500);
  expect((await take(id, 1_500)).progress.created).toBe(2_000);
  expect((await take(id, 1_500)).progress.created).toBe(2_000);
  const [first, second] = await openOf(id);
  await attempt(first!.id, 'IN_PROGRESS');
  await attempt(second!.id, 'DELIVERED');
  expect((await take(id, 1_500)).progress.created).toBe(2_002);
  await pool.query(`update endpoints set status = 'paused' where id = $1`, [endpointId]);
  expect((await take(id, 1_500)).progress).toMatchObject({ created: 2_300, remaining: 0 });
  expect((await readState(pool, id)).progress).toMatchObject({
    held: 2_299,
    pending: 0,
    in_progress: 0,
    delivered: 1,
  });
  expect(await getBatch(pool, id)).toMatchObject({ open_count: 2_299, delivered_count: 1 });
});

test('a batch is COMPLETED when its last delivery has ended', async () => {
  await seedDeliveries(pool, { endpointId, count: 2 });
  const id = await batchOf();
  await take(id, 2);
  const [one, two] = await openOf(id);
  await attempt(one!.id, 'IN_PROGRESS');
  expect((await settleBatch(pool, id)).progress).toMatchObject({
    status: 'RUNNING',
    pending: 1,
    in_progress: 1,
  });
  await endDeliveries(pool, [one!.id], 'CANCELLED', 'by hand');
  await attempt(two!.id, 'DELIVERED');
  const { progress, done } = await settleBatch(pool, id);
  expect(progress).toMatchObject({ status: 'COMPLETED', delivered: 1, cancelled: 1, pending: 0 });
  expect(done).toBe(true);
});

test('cancelling ends what was not attempted; what is attempted now ends with the attempt, and the batch after it', async () => {
  await seedDeliveries(pool, { endpointId, count: 4 });
  const id = await batchOf();
  await take(id, 4);
  const [tried, taken, refused] = (await openOf(id)).map((row) => row.id) as [string, string, string];
  await attempt(tried, 'IN_PROGRESS');
  const claims = [await claim(taken), await claim(refused)];
  await changeBatch(pool, id, { kind: 'cancel' }, by);
  expect((await endBatch(pool, id)).done).toBe(false);
  expect(await cancelPage(pool, id, '')).toEqual({ started: [], last: null });
  expect((await openOf(id)).map((row) => [row.id, row.end_status])).toEqual([
    [tried, null],
    [taken, 'CANCELLED'],
    [refused, 'CANCELLED'],
  ]);
  // Each shows as cancelled, but the batch has not ended: a receiver may take one of them.
  expect(await getBatch(pool, id)).toMatchObject({ cancelled_count: 3, open_count: 1, completed_at: null });
  expect((await endBatch(pool, id)).done).toBe(false);

  await attempt(taken, 'DELIVERED', claims[0]);
  await attempt(refused, 'IN_PROGRESS', claims[1]);
  const { done, progress } = await endBatch(pool, id);
  expect(done).toBe(true);
  expect(progress).toMatchObject({ delivered: 1, cancelled: 2, in_progress: 1 });

  // Later those that are retrying, too.
  await pool.query('delete from workflow_starts where delivery_id = $1', [tried]);
  expect(await changeBatch(pool, id, { kind: 'cancel', running: true }, by)).toBe('changed');
  expect((await endBatch(pool, id)).done).toBe(false);
  const { started } = await cancelPage(pool, id, '');
  expect(started.map((one) => one.id)).toEqual([tried]);
  expect(await endBatch(pool, id)).toMatchObject({ done: true, progress: { cancelled: 3, in_progress: 0 } });
});

test('cancelling goes page by page, and leaves a batch alone that is not cancelled', async () => {
  await seedDeliveries(pool, { endpointId, count: 2_100 });
  await pool.query(`update endpoints set status = 'paused' where id = $1`, [endpointId]);
  const id = await batchOf();
  while ((await take(id, 1_000)).progress.remaining > 0);
  expect((await cancelPage(pool, id, '')).last).toBeNull();
  expect(await openOf(id)).toHaveLength(2_100);
  await changeBatch(pool, id, { kind: 'cancel' }, by);
  const { last } = await cancelPage(pool, id, '');
  expect(last).not.toBeNull();
  expect(await openOf(id)).toHaveLength(100);
  expect((await endBatch(pool, id)).done).toBe(false);
  expect((await cancelPage(pool, id, last!)).last).toBeNull();
  expect(await endBatch(pool, id)).toMatchObject({ done: true, progress: { cancelled: 2_100, held: 0 } });
});

test('two batches over the same deliveries make each of them once', async () => {
  await seedDeliveries(pool, { endpointId, count: 300 });
  const [one, two] = [await batchOf(), await batchOf()];
  const results = await Promise.all([take(one, 300), take(two, 300)]);
  expect(results.map(({ progress }) => progress.created).reduce((a, b) => a + b)).toBe(300);
  const { rowCount } = await pool.query('select from open_deliveries where endpoint_id = $1', [endpointId]);
  expect(rowCount).toBe(300);
});
