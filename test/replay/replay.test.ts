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
import { startTestService, type TestService } from '../support/service.js';

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
    // Stack traces name files: from the project's folder on, wherever it stands.
    const json = historyToJSON(await handle.fetchHistory()).replaceAll(`${process.cwd()}/`, '');
    await writeFile(fileOf(name), json);
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
});

const load = async (name: string) => historyFromJSON(JSON.parse(await readFile(fileOf(name), 'utf8')));

describe('a recorded delivery replays', () => {
  test.each(Object.keys(shapes))('%s', async (name) => {
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
