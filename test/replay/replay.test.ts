import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WorkflowFailedError, type WorkflowHandle } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { createEndpoint, deliveryIn, getDelivery, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, type Behave } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/**
 * Histories as a real server recorded them. A change of the workflow must keep replaying those of deliveries under way.
 * `RECORD_HISTORIES=1 npx vitest run test/replay` adds what is missing; what is there stays as it is.
 */
interface Shape {
  behave: Behave;
  endpoints: number;
  disabled?: true;
  /** Of a Temporal of its own. */
  settings?: string[];
  prepare?: (t: TestService) => Promise<unknown>;
  /** Answers which run is meant, where it is not the last. */
  act?: (t: TestService, event: Accepted, client: Client) => Promise<string | void>;
}

const shapes: Record<string, Shape> = {
  'first-try': { endpoints: 1, behave: () => ({ status: 200 }) },
  'retries-then-success': { endpoints: 1, behave: (_request, index) => ({ status: index < 2 ? 500 : 200 }) },
  'permanent-4xx': { endpoints: 1, behave: () => ({ status: 400 }) },
  'fan-out-of-3': { endpoints: 3, behave: (_request, index) => ({ status: index === 1 ? 404 : 200 }) },
  'fan-out-in-parts': { endpoints: 51, behave: () => ({ status: 200 }) },
  cancelled: {
    endpoints: 1,
    behave: () => ({ status: 503 }),
    act: async (t, event, client) => {
      await deliveryIn(t, event.deliveries[0]!.id, ['IN_PROGRESS']);
      await client.workflow.getHandle(`deliver:default:${event.idempotency_key}`).cancel();
    },
  },
  'held-then-resumed': {
    endpoints: 1,
    disabled: true,
    behave: () => ({ status: 200 }),
    act: async (t, event) => {
      await deliveryIn(t, event.deliveries[0]!.id, ['HELD']);
      await t.call('PATCH', `/v1/endpoints/${event.deliveries[0]!.endpoint_id}`, { enabled: true });
    },
  },
  'held-asks-daily': {
    endpoints: 1,
    behave: () => ({ status: 200 }),
    // Held by its attempt, not from the start: then its workflow waits.
    prepare: (t) =>
      t.pool.query(`create function hold() returns trigger language plpgsql as $$
        begin new.status := 'PENDING'; return new; end $$;
        create trigger hold before insert on deliveries for each row execute function hold();
        insert into control (scope, reason, paused_by) values ('tenant:default', 'x', 'y')`),
    act: async (t, event) => {
      await deliveryIn(t, event.deliveries[0]!.id, ['HELD']);
      await t.pool.query('delete from control');
    },
  },
  'cancelled-before-a-failure': {
    endpoints: 1,
    behave: () => ({ status: 503, afterMs: 1_500 }),
    act: async (_t, event, client) => {
      const handle = client.workflow.getHandle(`deliver:default:${event.idempotency_key}`);
      const begun = () =>
        handle.describe().then(
          ({ raw }) => raw.pendingActivities?.[0]?.lastStartedTime,
          () => null,
        );
      await eventually(begun);
      await handle.cancel();
    },
  },
  'failed-and-recorded-late': {
    endpoints: 1,
    behave: (_request, index) => ({ status: index === 0 ? 503 : 200 }),
    prepare: (t) =>
      t.pool.query(`create function no_room() returns trigger language plpgsql as
        $$ begin raise exception 'no room' using errcode = 'disk_full'; end $$;
        create trigger no_room before insert on attempts for each row execute function no_room()`),
    act: async (t, event, client) => {
      const handle = client.workflow.getHandle(`deliver:default:${event.idempotency_key}`);
      const recording = () =>
        handle.describe().then(
          ({ raw }) => raw.pendingActivities?.some((one) => one.activityType?.name === 'recordOutcome'),
          () => null,
        );
      await eventually(recording);
      // Not dropped: that would lock the tables, and be in the way of what is being recorded.
      await t.pool.query(
        'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
      );
    },
  },
  'completed-by-hand': {
    endpoints: 1,
    behave: (_request, index) =>
      index === 0 ? { status: 503, headers: { 'retry-after': '86400' } } : { status: 200 },
    act: async (t, event, client) => {
      const { id } = await deliveryIn(t, event.deliveries[0]!.id, ['IN_PROGRESS']);
      const { workflowService } = client;
      const workflowId = `deliver:default:${event.idempotency_key}`;
      await workflowService.respondActivityTaskCompletedById({
        namespace: 'default',
        workflowId,
        activityId: id,
      });
      await eventually(async () => {
        const { body } = await t.call<{ data: unknown[] }>('GET', `/v1/audit?object=${id}`);
        return body.data.length > 0;
      });
      await eventually(async () => {
        await t.call('POST', `/v1/deliveries/${id}/retry`);
        return (await getDelivery(t, id)).status === 'DELIVERED';
      });
    },
  },
  // Its first run.
  'moved-on': {
    endpoints: 2,
    behave: (_request, index) => ({ status: index < 3 ? 503 : 200 }),
    settings: ['limit.historyCount.suggestContinueAsNew=40'],
    prepare: (t) =>
      t.pool.query(`create table kept as select id, sealed from endpoint_secrets limit 1;
        update endpoint_secrets s set sealed = '\\x00' from kept where kept.id = s.id`),
    act: async (t, event, client) => {
      const handle = client.workflow.getHandle(`deliver:default:${event.idempotency_key}`);
      const run = () =>
        handle.describe().then(
          ({ runId }) => runId,
          () => null,
        );
      const first = await eventually(run);
      await eventually(async () => (await run()) !== first);
      await t.pool.query('update endpoint_secrets s set sealed = kept.sealed from kept where kept.id = s.id');
      return first;
    },
  },
};

/** Batches over so many failed deliveries; `act` once the first is on its way. */
interface BatchShape {
  count: number;
  body: Record<string, unknown>;
  behave?: Behave;
  act?: (t: TestService, id: string, batch: WorkflowHandle) => Promise<unknown>;
  ends: string;
  /** Recorded is the last run of its workflow, not the first. */
  last?: true;
}

const change = (verb: string, body?: unknown) => (t: TestService, id: string) =>
  t.call('POST', `/v1/batches/${id}/${verb}`, body);

const batches: Record<string, BatchShape> = {
  'batch-dry-run': { count: 3, body: { dry_run: true }, ends: 'DRY_RUN' },
  'batch-completed': {
    count: 20,
    body: { rate_per_second: 10 },
    act: async (t, id) => {
      await change('pause')(t, id);
      await t.call('PATCH', `/v1/batches/${id}`, { rate_per_second: 0 });
      await change('resume')(t, id);
    },
    ends: 'COMPLETED',
  },
  'batch-cancelled': {
    count: 20,
    body: { rate_per_second: 10 },
    act: change('cancel', { running: true }),
    ends: 'CANCELLED',
  },
  // Recorded when what was skipped was counted, too, with most of it skipped: no recording of today is like it.
  'batch-old-skips': {
    count: 20,
    body: { rate_per_second: 5 },
    act: (t) =>
      t.pool.query(`update deliveries set status = 'DELIVERED' where batch_id is null and id in (
        select source_delivery_id from batch_items where status = 'PLANNED' order by number limit 14)`),
    ends: 'COMPLETED',
  },
  // Its first run: more children than one has.
  'batch-continued-as-new': { count: 210, body: { rate_per_second: 0 }, ends: 'COMPLETED' },
  // Its second run, which begins with the pace of the first.
  'batch-second-run': { count: 260, body: { rate_per_second: 80 }, ends: 'COMPLETED', last: true },
  'batch-signalled': {
    count: 30,
    body: { rate_per_second: 10 },
    act: async (_t, _id, batch) => {
      await batch.signal('pause', { actor: 'ana', reason: 'look' });
      await batch.signal('setRate', 20);
      await batch.signal('setRate', 40, { actor: 'ana' });
      await batch.signal('resume');
      await setTimeout(300);
      await batch.signal('setRate', 15);
    },
    ends: 'COMPLETED',
  },
  'batch-failed': {
    count: 20,
    body: { rate_per_second: 5 },
    act: (t) =>
      t.pool.query(`
        create function refuse() returns trigger language plpgsql as $$
          begin raise exception 'refused' using errcode = '23514'; end
        $$;
        create trigger refuse before insert on deliveries for each row execute function refuse()`),
    ends: 'FAILED',
  },
  // With requests under way, which it waits for.
  'batch-cancelled-under-way': {
    count: 10,
    body: { rate_per_second: 0 },
    behave: () => ({ status: 200, afterMs: 1_500 }),
    act: change('cancel', { running: true }),
    ends: 'CANCELLED',
  },
};

async function recordBatch(
  name: string,
  { count, body, behave, act, ends, last }: BatchShape,
): Promise<void> {
  const t = await startTestService();
  const receiver = await startReceiver(behave ? { behave } : {});
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  try {
    const { id: endpointId } = await createEndpoint(t, receiver.url);
    await seedDeliveries(t.pool, { endpointId, count });
    const created = await t.call<{ id: string; workflow_id: string }>('POST', '/v1/batches', {
      filter: {},
      ...body,
    });
    const { id, workflow_id } = created.body;
    const client = new Client({ connection });
    const { runId } = await client.workflow.getHandle(workflow_id).describe();
    if (act) {
      await receiver.waitFor((requests) => requests.length > 0);
      await act(t, id, client.workflow.getHandle(workflow_id));
    }
    await eventually(
      async () => (await t.call<{ status: string }>('GET', `/v1/batches/${id}`)).body.status === ends,
      60_000,
    );
    const handle = client.workflow.getHandle(workflow_id, last ? undefined : runId);
    await eventually(async () => (await handle.describe()).status.name !== 'RUNNING');
    await writeFile(fileOf(name), portable(await handle.fetchHistory()));
  } finally {
    await connection.close();
    await receiver.close();
    await t.stop();
  }
}

/** Stack traces name files: from the project's folder on, wherever it stands. */
const portable = (history: Parameters<typeof historyToJSON>[0]) =>
  JSON.stringify(JSON.parse(historyToJSON(history)))
    .replaceAll(`${process.cwd()}/`, '')
    .replaceAll(/[^\s("]*\/node_modules\//g, 'node_modules/');

const fileOf = (shape: string) => fileURLToPath(new URL(`./${shape}.json`, import.meta.url));

async function record(name: string, shape: Shape): Promise<void> {
  const { behave, endpoints, disabled, settings, prepare, act } = shape;
  const dir = await mkdtemp(join(tmpdir(), 'surehook-replay-'));
  const binary = await findTemporal({ progress: console.log, env: process.env });
  const own = settings && (await startTemporal({ binary, dir, inMemory: true, uiPort: null, settings }));
  const address = own?.address ?? inject('temporalAddress');
  const temporal = { address, namespace: 'default', tls: false, apiKey: null, uiUrl: null };
  const t = await startTestService({ temporal, sweepEveryMs: 200 });
  const receiver = await startReceiver({ behave });
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    for (let i = 0; i < endpoints; i++) await createEndpoint(t, receiver.url, { enabled: !disabled });
    await prepare?.(t);
    const event = await postEvent(t, { idempotency_key: `${name}-${t.taskQueue}` });
    const workflowId = `deliver:default:${event.idempotency_key}`;
    const run = (await act?.(t, event, client)) ?? undefined;
    const handle = client.workflow.getHandle(workflowId);
    for (const { id } of event.deliveries) await deliveryIn(t, id);
    await handle.result().catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
    });
    const recorded = client.workflow.getHandle(workflowId, run);
    await writeFile(fileOf(name), portable(await recorded.fetchHistory()));
  } finally {
    await connection.close();
    await receiver.close();
    await t.stop();
    await own?.stop();
    await rm(dir, { recursive: true, force: true });
  }
}

let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  const workflowsPath = fileURLToPath(new URL('../../workflows/index.ts', import.meta.url));
  workflowBundle = await bundleWorkflowCode({ workflowsPath });
  if (!process.env.RECORD_HISTORIES) return;
  for (const [name, shape] of Object.entries(shapes))
    if (!existsSync(fileOf(name))) await record(name, shape);
  for (const [name, shape] of Object.entries(batches))
    if (!existsSync(fileOf(name))) await recordBatch(name, shape);
});

const load = async (name: string) => historyFromJSON(JSON.parse(await readFile(fileOf(name), 'utf8')));

describe('what was recorded replays:', () => {
  test.each([...Object.keys(shapes), ...Object.keys(batches)])('%s', async (name) => {
    const history = await load(name);
    // Children are named after the workflow, so it replays under its own id.
    const { workflowId } = history.events![0]!.workflowExecutionStartedEventAttributes!;
    await Worker.runReplayHistory({ workflowBundle, replayName: name }, history, workflowId!);
  });
});

test('a history that the workflow could not have made is found out', async () => {
  const history = await load('first-try');
  const scheduled = history.events!.find((event) => event.activityTaskScheduledEventAttributes);
  scheduled!.activityTaskScheduledEventAttributes!.activityType!.name = 'anotherActivity';
  await expect(
    Worker.runReplayHistory({ workflowBundle, replayName: 'tampered' }, history),
  ).rejects.toBeInstanceOf(DeterminismViolationError);
});
