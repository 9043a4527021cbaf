import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StoredBatch } from '../../src/db/batch-state.js';
import { startReceiver, type Behave, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { countsOnce, requestsBeyondAttempts, type Counts } from './batch-counts.js';
import { startCluster, type Cluster } from './cluster.js';
import { until } from './wait.js';

/** Replay batches whose processes are killed: they end as if nothing had happened. */
let cluster: Cluster;
const receivers: Receiver[] = [];
let nth = 0;

beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(async () => {
  await cluster?.end(Boolean(process.env.SUREHOOK_KEEP));
  for (const receiver of receivers) await receiver.close();
});

/** A tenant with an endpoint, at a receiver of its own. */
async function startTenant() {
  const tenant = `batch_${nth++}`;
  const receiver = await startReceiver();
  receivers.push(receiver);
  const { body } = await cluster.call('POST', '/v1/endpoints', {
    ...{ url: receiver.url, event_types: ['*'], tenant },
  });
  const endpointId = (body as { id: string }).id;
  return {
    receiver,
    seed: (count: number, over: { status?: string; type?: string } = {}) =>
      seedDeliveries(db, { endpointId, count, ...over }),
    async create(over: Record<string, unknown> = {}): Promise<StoredBatch> {
      const given = { filter: { tenant }, rate_per_second: 0, ...over };
      const answer = await cluster.call('POST', '/v1/batches', given);
      expect(answer.status).toBe(201);
      return answer.body as StoredBatch;
    },
    /** Its first batch, once a condition on the row holds. */
    async batchOnce(so: string): Promise<string> {
      const sql = `select id from batches where tenant = $1 and ${so}`;
      const read = () => cluster.query<{ id: string }>(sql, [tenant]);
      await until(async () => (await read()).length > 0, 20_000, 5);
      const [batch] = await read();
      expect(batch, so).toBeDefined();
      return batch!.id;
    },
  };
}

const db = {
  query: async (sql: string, values: unknown[]) => ({ rows: await cluster.query(sql, values) }),
} as unknown as Parameters<typeof seedDeliveries>[0];

let strikes: Promise<unknown> = Promise.resolve();

/** Runs after all strikes before it: none kills the processes while another prepares its batch. */
function inTurn<T>(strike: () => Promise<T>): Promise<T> {
  const turn = strikes.then(strike);
  strikes = turn.catch(() => {});
  return turn;
}

async function killAndStart(): Promise<void> {
  const parts = [cluster.api, ...cluster.workers];
  await Promise.all(parts.map((part) => part.kill()));
  await Promise.all(parts.map((part) => part.start()));
}

const countsWhen = (id: string, so: (counts: Counts) => boolean, everyMs?: number) =>
  countsOnce(cluster, id, so, everyMs);
const isRunning = (id: string, above: number) => countsWhen(id, ({ created }) => created > above, 20);
const requestsBeyond = (receiver: Receiver, id: string) => requestsBeyondAttempts(cluster, receiver, id);

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

// Temporal gives up the activity of a killed worker after 30 s: these tests wait for that at the same time.
test.concurrent(
  'killed while the plan is made: it is made once, and whole',
  async () => {
    const id = await inTurn(async () => {
      const { seed, create, batchOnce } = await startTenant();
      await seed(30_000);
      const creating = create({ dry_run: true }).catch(() => null);
      const batch = await batchOnce('planned > 0 and plan is null');
      await killAndStart();
      await creating;
      return batch;
    });
    const counts = await countsWhen(id, ({ status }) => status === 'DRY_RUN');
    expect(counts).toMatchObject({
      planned: 30_000,
      items: 30_000,
      sources: 30_000,
      left: 30_000,
      deliveries: 0,
    });
  },
  300_000,
);

test.concurrent(
  'killed while the plan of a batch is made that then runs: every delivery is made again, once',
  async () => {
    const { receiver, id } = await inTurn(async () => {
      const { receiver, seed, create, batchOnce } = await startTenant();
      // Few of many: the plan takes its time, the run does not.
      await seed(30_000, { status: 'CANCELLED' });
      await seed(200, { type: 'a.failed' });
      const creating = create().catch(() => null);
      const id = await batchOnce(`planned_to is not null and plan is null and status = 'PLANNING'`);
      await killAndStart();
      await creating;
      return { receiver, id };
    });
    const counts = await countsWhen(id, ({ status }) => status === 'COMPLETED');
    expect(counts).toMatchObject({ items: 200, created: 200, redelivered: 200, delivered: 200, left: 0 });
    expect(await requestsBeyond(receiver, id)).toEqual([]);
  },
  300_000,
);

test.concurrent(
  'killed while it runs: every delivery is made again, once',
  async () => {
    const { receiver, id } = await inTurn(async () => {
      const { receiver, seed, create } = await startTenant();
      await seed(600);
      const { id } = await create();
      await isRunning(id, 100);
      await killAndStart();
      return { receiver, id };
    });
    const counts = await countsWhen(id, ({ status }) => status === 'COMPLETED');
    const made = { created: 600, deliveries: 600, redelivered: 600, delivered: 600, left: 0 };
    expect(counts).toMatchObject(made);
    expect(await requestsBeyond(receiver, id)).toEqual([]);
  },
  300_000,
);

/** Kills the processes while a batch of 1,000 items is cancelled. */
const cancelledAndKilled = (body: object, behave?: Behave) =>
  inTurn(async () => {
    const { receiver, seed, create } = await startTenant();
    if (behave) receiver.setBehaviour(behave);
    await seed(1_000);
    const { id } = await create();
    await isRunning(id, 300);
    const cancelling = cluster.call('POST', `/v1/batches/${id}/cancel`, body).catch(() => null);
    await countsWhen(id, ({ status }) => status === 'CANCELLED', 20);
    await killAndStart();
    await cancelling;
    return { receiver, id };
  });

test.concurrent(
  'killed while it is cancelled with all it has started: it is, and its counts add up',
  async () => {
    const refuse = () => ({ status: 503, headers: { 'retry-after': '3600' } });
    const { id } = await cancelledAndKilled({ running: true }, refuse);
    const counts = await countsWhen(id, ({ completed_at }) => completed_at !== null);
    expect(counts).toMatchObject({ status: 'CANCELLED', open: 0, cancelled: counts.created });
    expect(counts.created).toBe(counts.deliveries);
    expect(counts.created + counts.left).toBe(1_000);
  },
  300_000,
);

test.concurrent(
  'killed while it is cancelled: what had been sent ends by itself, nothing more is sent, the rest is continued',
  async () => {
    const { receiver, id } = await cancelledAndKilled({});
    const one = await countsWhen(id, ({ open, completed_at }) => open === 0 && completed_at !== null);
    expect(one).toMatchObject({ status: 'CANCELLED', created: one.deliveries });
    expect(one.delivered + one.cancelled).toBe(one.created);
    expect(one.created + one.left).toBe(1_000);
    expect(await requestsBeyond(receiver, id)).toEqual([]);
    const rest = await cluster.call('POST', `/v1/batches/${id}/start`, {});
    const two = await countsWhen((rest.body as StoredBatch).id, ({ status }) => status === 'COMPLETED');
    expect(two).toMatchObject({ created: one.left + one.cancelled, delivered: one.left + one.cancelled });
    expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(1_000);
  },
  300_000,
);

test('10,000 items, cancelled in the middle and continued: the counts add up exactly', async () => {
  const { receiver, seed, create } = await startTenant();
  await seed(10_000);
  const first = await create();
  await isRunning(first.id, 1_000);
  const cancelled = await cluster.call('POST', `/v1/batches/${first.id}/cancel`, {});
  const { created_count } = cancelled.body as StoredBatch;
  const one = await countsWhen(first.id, ({ open, completed_at }) => open === 0 && completed_at !== null);
  expect(one).toMatchObject({ status: 'CANCELLED', created: created_count });
  expect(one.delivered + one.cancelled).toBe(one.created);
  expect(one.created + one.left).toBe(10_000);
  expect(receiver.requests).toHaveLength(one.delivered);

  const rest = await cluster.call('POST', `/v1/batches/${first.id}/start`, {});
  const { id } = rest.body as StoredBatch;
  await countsWhen(id, ({ status }) => status !== 'PLANNING');
  const [planned] = await cluster.query<StoredBatch>('select plan from batches where id = $1', [id]);
  expect(planned!.plan).toMatchObject({
    total: one.left + one.cancelled,
    eligible: one.left + one.cancelled,
  });
  await isRunning(id, 500);
  await cluster.call('POST', `/v1/batches/${id}/cancel`, {});
  const two = await countsWhen(id, ({ open, completed_at }) => open === 0 && completed_at !== null);
  expect(one.delivered + two.delivered + two.cancelled + two.left).toBe(10_000);
  expect(two.skipped_at_turn).toBe(0);
  const delivered = one.delivered + two.delivered;
  expect(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size).toBe(delivered);
  expect(receiver.requests).toHaveLength(delivered);
  for (const batch of [first.id, id]) await expectShortRuns(batch);
}, 300_000);
