import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Client, Connection, WorkflowFailedError } from '@temporalio/client';
import { historyFromJSON, historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import { bundleWorkflowCode, Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent, type Accepted } from '../support/path.js';
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
  act?: (t: TestService, event: Accepted, client: Client) => Promise<void>;
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
};

/** Batches over so many failed deliveries; `act` once the first is on its way. */
interface BatchShape {
  count: number;
  body: Record<string, unknown>;
  act?: (t: TestService, id: string) => Promise<unknown>;
  ends: string;
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
  // Its first run: more children than one has.
  'batch-continued-as-new': { count: 210, body: { rate_per_second: 0 }, ends: 'COMPLETED' },
};

async function recordBatch(name: string, { count, body, act, ends }: BatchShape): Promise<void> {
  const t = await startTestService();
  const receiver = await startReceiver();
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
      await act(t, id);
    }
    await eventually(
      async () => (await t.call<{ status: string }>('GET', `/v1/batches/${id}`)).body.status === ends,
      60_000,
    );
    const handle = client.workflow.getHandle(workflow_id, runId);
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
  JSON.stringify(JSON.parse(historyToJSON(history))).replaceAll(`${process.cwd()}/`, '');

const fileOf = (shape: string) => fileURLToPath(new URL(`./${shape}.json`, import.meta.url));

async function record(name: string, { behave, endpoints, disabled, act }: Shape): Promise<void> {
  const t = await startTestService();
  const receiver = await startReceiver({ behave });
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  try {
    const client = new Client({ connection });
    for (let i = 0; i < endpoints; i++) await createEndpoint(t, receiver.url, { enabled: !disabled });
    const event = await postEvent(t, { idempotency_key: `${name}-${t.taskQueue}` });
    await act?.(t, event, client);
    const handle = client.workflow.getHandle(`deliver:default:${event.idempotency_key}`);
    for (const { id } of event.deliveries) await deliveryIn(t, id);
    await handle.result().catch((error: unknown) => {
      if (!(error instanceof WorkflowFailedError)) throw error;
    });
    await writeFile(fileOf(name), portable(await handle.fetchHistory()));
  } finally {
    await connection.close();
    await receiver.close();
    await t.stop();
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
