import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { StoredBatch } from '../../src/db/batch-state.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { startCluster, type Cluster } from './cluster.js';
import { until } from './wait.js';

/** Replay batches whose processes are killed: they end as if nothing had happened. */
let cluster: Cluster;
let receiver: Receiver;
let tenant: string;
let endpointId: string;
let nth = 0;

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster?.end(Boolean(process.env.SUREHOOK_KEEP)));
beforeEach(async () => {
  tenant = `batch_${nth++}`;
  receiver = await startReceiver();
  const { body } = await cluster.call('POST', '/v1/endpoints', {
    ...{ url: receiver.url, event_types: ['*'], tenant },
  });
  endpointId = (body as { id: string }).id;
  return () => receiver.close();
});

const db = {
  query: async (sql: string, values: unknown[]) => ({ rows: await cluster.query(sql, values) }),
} as unknown as Parameters<typeof seedDeliveries>[0];

async function create(over: Record<string, unknown> = {}): Promise<StoredBatch> {
  const answer = await cluster.call('POST', '/v1/batches', {
    filter: { tenant },
    rate_per_second: 0,
    ...over,
  });
  expect(answer.status).toBe(201);
  return answer.body as StoredBatch;
}

const COUNTS = `
  select b.status, b.completed_at, b.planned, b.taken, b.skipped_at_turn,
    (select count(*)::int from batch_items where batch_id = b.id) as items,
    (select count(distinct source_delivery_id)::int from batch_items where batch_id = b.id) as sources,
    (select count(*)::int from batch_items where batch_id = b.id and status = 'PLANNED') as left,
    (select count(*)::int from batch_items where batch_id = b.id and status = 'CREATED') as created,
    (select count(*)::int from all_deliveries where batch_id = b.id) as deliveries,
    (select count(distinct source_delivery_id)::int from all_deliveries where batch_id = b.id) as redelivered,
    (select count(*)::int from open_deliveries where batch_id = b.id) as open,
    (select count(*)::int from deliveries where batch_id = b.id and status = 'DELIVERED') as delivered,
    (select count(*)::int from deliveries where batch_id = b.id and status = 'CANCELLED') as cancelled
  from batches b where b.id = $1`;
type Counts = Record<
  | 'planned'
  | 'taken'
  | 'skipped_at_turn'
  | 'items'
  | 'sources'
  | 'left'
  | 'created'
  | 'deliveries'
  | 'redelivered'
  | 'open'
  | 'delivered'
  | 'cancelled',
  number
> & { status: string; completed_at: Date | null };
const countsOf = async (id: string) => (await cluster.query<Counts>(COUNTS, [id]))[0]!;

async function countsOnce(id: string, so: (counts: Counts) => boolean, ms = 240_000): Promise<Counts> {
  await until(async () => so(await countsOf(id)), ms, 20);
  const counts = await countsOf(id);
  expect(so(counts), JSON.stringify(counts)).toBe(true);
  return counts;
}

async function killAndStart(): Promise<void> {
  const parts = [cluster.api, ...cluster.workers];
  await Promise.all(parts.map((part) => part.kill()));
  await Promise.all(parts.map((part) => part.start()));
}

/** More than one request only where a worker died while it was under way. */
async function requestsBeyondAttempts(id: string): Promise<string[]> {
  const rows = await cluster.query<{ event_id: string; lost: number }>(
    `select event_id, (select count(*)::int from attempts a where a.delivery_id = d.id
       and classification = 'WORKER_LOST') as lost from deliveries d where batch_id = $1`,
    [id],
  );
  const requests = new Map<string, number>();
  for (const { headers } of receiver.requests) {
    const event = String(headers['webhook-id']);
    requests.set(event, (requests.get(event) ?? 0) + 1);
  }
  return rows.filter((row) => (requests.get(row.event_id) ?? 0) > 1 + row.lost).map((row) => row.event_id);
}

/** However many items a batch has, each run of its workflow keeps a history far below what Temporal allows (51,200). */
async function expectShortRuns(id: string): Promise<void> {
  const connection = await Connection.connect({ address: cluster.temporalAddress });
  try {
    const client = new Client({ connection });
    const lengths: number[] = [];
    for await (const run of client.workflow.list({ query: `WorkflowId="replay:${id}"` })) {
      lengths.push((await client.workflow.getHandle(run.workflowId, run.runId).describe()).historyLength);
    }
    expect(lengths.length).toBeGreaterThan(0);
    expect(Math.max(...lengths)).toBeLessThan(5_000);
  } finally {
    await connection.close();
  }
}

test('killed while the plan is made: it is made once, and whole', async () => {
  await seedDeliveries(db, { endpointId, count: 30_000 });
  const creating = create({ dry_run: true }).catch(() => null);
  const [batch] = await (async () => {
    const read = () =>
      cluster.query<{ id: string }>('select id from batches where planned > 0 and plan is null');
    await until(async () => (await read()).length > 0, 20_000, 5);
    return read();
  })();
  expect(batch).toBeDefined();
  await killAndStart();
  await creating;
  const counts = await countsOnce(batch!.id, ({ status }) => status === 'DRY_RUN');
  expect(counts).toMatchObject({
    planned: 30_000,
    items: 30_000,
    sources: 30_000,
    left: 30_000,
    deliveries: 0,
  });
}, 300_000);

test('killed while the plan of a batch is made that then runs: every delivery is made again, once', async () => {
  // Few of many: the plan takes its time, the run does not.
  await seedDeliveries(db, { endpointId, count: 30_000, status: 'CANCELLED' });
  await seedDeliveries(db, { endpointId, count: 200, type: 'a.failed' });
  const ids = () =>
    cluster.query<{ id: string }>(
      `select id from batches where planned_to is not null and plan is null and status = 'PLANNING'`,
    );
  const creating = create().catch(() => null);
  await until(async () => (await ids()).length > 0, 20_000, 5);
  const [batch] = await ids();
  expect(batch).toBeDefined();
  await killAndStart();
  await creating;
  const counts = await countsOnce(batch!.id, ({ status }) => status === 'COMPLETED');
  expect(counts).toMatchObject({ items: 200, created: 200, redelivered: 200, delivered: 200, left: 0 });
  expect(await requestsBeyondAttempts(batch!.id)).toEqual([]);
}, 300_000);

test('killed while it runs: every delivery is made again, once', async () => {
  await seedDeliveries(db, { endpointId, count: 600 });
  const { id } = await create();
  await countsOnce(id, ({ created }) => created > 100);
  await killAndStart();
  const counts = await countsOnce(id, ({ status }) => status === 'COMPLETED');
  expect(counts).toMatchObject({ created: 600, deliveries: 600, redelivered: 600, delivered: 600, left: 0 });
  expect(await requestsBeyondAttempts(id)).toEqual([]);
}, 300_000);

test('killed while it is cancelled with all it has started: it is, and its counts add up', async () => {
  receiver.setBehaviour(() => ({ status: 503, headers: { 'retry-after': '3600' } }));
  await seedDeliveries(db, { endpointId, count: 1_000 });
  const { id } = await create();
  await countsOnce(id, ({ created }) => created > 300);
  const cancelling = cluster.call('POST', `/v1/batches/${id}/cancel`, { running: true }).catch(() => null);
  await countsOnce(id, ({ status }) => status === 'CANCELLED');
  await killAndStart();
  await cancelling;
  const counts = await countsOnce(id, ({ completed_at }) => completed_at !== null);
  expect(counts).toMatchObject({ status: 'CANCELLED', open: 0, cancelled: counts.created });
  expect(counts.created).toBe(counts.deliveries);
  expect(counts.created + counts.left).toBe(1_000);
}, 300_000);

test('killed while it is cancelled: what had been sent ends by itself, nothing more is sent, the rest is continued', async () => {
  await seedDeliveries(db, { endpointId, count: 1_000 });
  const { id } = await create();
  await countsOnce(id, ({ created }) => created > 300);
  const cancelling = cluster.call('POST', `/v1/batches/${id}/cancel`, {}).catch(() => null);
  await countsOnce(id, ({ status }) => status === 'CANCELLED');
  await killAndStart();
  await cancelling;
  const one = await countsOnce(id, ({ open, completed_at }) => open === 0 && completed_at !== null);
  expect(one).toMatchObject({ status: 'CANCELLED', created: one.deliveries });
  expect(one.delivered + one.cancelled).toBe(one.created);
  expect(one.created + one.left).toBe(1_000);
  expect(await requestsBeyondAttempts(id)).toEqual([]);
  const rest = await cluster.call('POST', `/v1/batches/${id}/start`, {});
  const two = await countsOnce((rest.body as StoredBatch).id, ({ status }) => status === 'COMPLETED');
  expect(two).toMatchObject({ created: one.left + one.cancelled, delivered: one.left + one.cancelled });
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1_000);
}, 300_000);

test('10,000 items, cancelled in the middle and continued: the counts add up exactly', async () => {
  await seedDeliveries(db, { endpointId, count: 10_000 });
  const first = await create();
  await countsOnce(first.id, ({ created }) => created > 1_000);
  const cancelled = await cluster.call('POST', `/v1/batches/${first.id}/cancel`, {});
  const { created_count } = cancelled.body as StoredBatch;
  const one = await countsOnce(first.id, ({ open, completed_at }) => open === 0 && completed_at !== null);
  expect(one).toMatchObject({ status: 'CANCELLED', created: created_count });
  expect(one.delivered + one.cancelled).toBe(one.created);
  expect(one.created + one.left).toBe(10_000);
  expect(receiver.requests).toHaveLength(one.delivered);

  const rest = await cluster.call('POST', `/v1/batches/${first.id}/start`, {});
  const { id } = rest.body as StoredBatch;
  await countsOnce(id, ({ status }) => status !== 'PLANNING');
  const [planned] = await cluster.query<StoredBatch>('select plan from batches where id = $1', [id]);
  expect(planned!.plan).toMatchObject({
    total: one.left + one.cancelled,
    eligible: one.left + one.cancelled,
  });
  await countsOnce(id, ({ created }) => created > 500);
  await cluster.call('POST', `/v1/batches/${id}/cancel`, {});
  const two = await countsOnce(id, ({ open, completed_at }) => open === 0 && completed_at !== null);
  expect(one.delivered + two.delivered + two.cancelled + two.left).toBe(10_000);
  expect(two.skipped_at_turn).toBe(0);
  const delivered = one.delivered + two.delivered;
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(delivered);
  expect(receiver.requests).toHaveLength(delivered);
  for (const batch of [first.id, id]) await expectShortRuns(batch);
}, 300_000);
