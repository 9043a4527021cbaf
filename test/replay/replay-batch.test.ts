import { existsSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { beforeAll, inject, test } from 'vitest';
import { createEndpoint } from '../support/path.js';
import { startReceiver, type Behave } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';
import { bundleWorkflows, fileOf, load, replay, save } from './histories.js';

/** A batch over so many failed deliveries; `act` runs once the first is on its way. */
interface BatchShape {
  count: number;
  body: Record<string, unknown>;
  behave?: Behave;
  act?: (t: TestService, id: string, batch: WorkflowHandle) => Promise<unknown>;
  ends: string;
  /** The last run of its workflow is recorded, not the first. */
  last?: true;
}

const change = (verb: string, body?: unknown) => (t: TestService, id: string) =>
  t.call('POST', `/v1/batches/${id}/${verb}`, body);

/** Long enough for a second run of the workflow. */
const LONG = { count: 600, body: { rate_per_second: 20 }, ends: 'COMPLETED' };

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
  'batch-continued-as-new': LONG,
  // Begins with the pace of the first run.
  'batch-second-run': { ...LONG, last: true },
  // More items than may wait for their first attempt.
  'batch-without-room': {
    count: 2_400,
    body: { rate_per_second: 0 },
    behave: () => ({ status: 200, afterMs: 1_000 }),
    ends: 'COMPLETED',
  },
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
        create trigger refuse before insert on open_deliveries for each row execute function refuse()`),
    ends: 'FAILED',
  },
  // Waits for the attempts under way.
  'batch-cancelled-under-way': {
    count: 10,
    body: { rate_per_second: 0 },
    behave: () => ({ status: 200, afterMs: 1_500 }),
    act: change('cancel', { running: true }),
    ends: 'CANCELLED',
  },
};

async function record(name: string, { count, body, behave, act, ends, last }: BatchShape): Promise<void> {
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
      90_000,
    );
    const handle = client.workflow.getHandle(workflow_id, last ? undefined : runId);
    await eventually(async () => (await handle.describe()).status.name !== 'RUNNING');
    await save(name, await handle.fetchHistory());
  } finally {
    await connection.close();
    await receiver.close();
    await t.stop();
  }
}

let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(async () => {
  workflowBundle = await bundleWorkflows();
  if (!process.env.RECORD_HISTORIES) return;
  for (const [name, shape] of Object.entries(batches))
    if (!existsSync(fileOf(name))) await record(name, shape);
}, 600_000);

test.each(Object.keys(batches))('the recorded history %s replays', async (name) => {
  await replay(workflowBundle, name, await load(name));
});
