import { existsSync } from 'node:fs';
import { Client, Connection, type WorkflowHandle } from '@temporalio/client';
import type { temporal } from '@temporalio/proto';
import { Worker, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { DEFAULT_RETRY_POLICY } from '../../src/domain/retry-schedule.js';
import { createEndpoint, deliveryIn, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, type Behave } from '../support/receiver.js';
import { eventually, startTestService, type TestService } from '../support/service.js';
import { bundleWorkflows, fileOf, load, replay, save } from './histories.js';

/**
 * Histories as a real server recorded them. A change of the workflow must keep replaying those of deliveries under way.
 * `RECORD_HISTORIES=1 npx vitest run test/replay` adds what is missing; what is there stays as it is.
 */
interface Shape {
  behave: Behave;
  endpoints: number;
  over?: Parameters<typeof startTestService>[0];
  prepare?: (t: TestService) => Promise<unknown>;
  act?: (t: TestService, event: Accepted, workflow: WorkflowHandle, client: Client) => Promise<unknown>;
}

const FAR_AWAY = { 'retry-after': '86400' };

/** Resolves when an activity of the workflow is pending that `is` as wanted. */
const pending = (
  workflow: WorkflowHandle,
  is: (activity: temporal.api.workflow.v1.IPendingActivityInfo) => unknown,
) =>
  eventually(() =>
    workflow.describe().then(
      ({ raw }) => raw.pendingActivities?.some((one) => is(one)),
      () => false,
    ),
  );
const waits = (workflow: WorkflowHandle) => pending(workflow, ({ lastFailure }) => lastFailure);

/** Postgres takes no attempts until `mend`. Not dropped: that would lock the tables, and be in the way of the records. */
const noRoom = (t: TestService) =>
  t.pool.query(`create function no_room() returns trigger language plpgsql as
    $$ begin raise exception 'no room' using errcode = 'disk_full'; end $$;
    create trigger no_room before insert on attempts for each row execute function no_room()`);
const mend = (t: TestService) =>
  t.pool.query(
    'create or replace function no_room() returns trigger language plpgsql as $$ begin return new; end $$',
  );

const shapes: Record<string, Shape> = {
  'first-try': { endpoints: 1, behave: () => ({ status: 200 }) },
  'retries-then-success': {
    endpoints: 1,
    behave: (_request, index) => ({ status: index < 2 ? 500 : 200, headers: { 'retry-after': '1' } }),
  },
  'permanent-4xx': { endpoints: 1, behave: () => ({ status: 400 }) },
  exhausted: {
    endpoints: 1,
    behave: () => ({ status: 500, headers: { 'retry-after': '1' } }),
    over: { retryPolicy: { ...DEFAULT_RETRY_POLICY, maximumAttempts: 3 } },
  },
  'fan-out-of-3': { endpoints: 3, behave: (_request, index) => ({ status: index === 1 ? 404 : 200 }) },
  'fan-out-in-parts': { endpoints: 51, behave: (_request, index) => ({ status: index === 1 ? 404 : 200 }) },
  'parts-cancelled': {
    endpoints: 51,
    behave: () => ({ status: 503, headers: FAR_AWAY }),
    act: async (_t, _event, workflow) => {
      await eventually(async () => {
        const parts = await workflow.query<{ status: string }[]>('state').catch(() => []);
        return parts.length > 0 && parts.every(({ status }) => status === 'RUNNING');
      });
      await workflow.cancel();
    },
  },
  'held-then-resumed': {
    endpoints: 1,
    behave: () => ({ status: 200 }),
    prepare: (t) =>
      t.pool.query(`insert into control (scope, reason, paused_by) values ('tenant:default', 'x', 'y')`),
    act: async (t, _event, workflow) => {
      await waits(workflow);
      await t.pool.query('delete from control');
    },
  },
  cancelled: {
    endpoints: 1,
    behave: () => ({ status: 503, headers: FAR_AWAY }),
    act: async (_t, _event, workflow) => {
      await waits(workflow);
      await workflow.cancel();
    },
  },
  'cancelled-before-a-failure': {
    endpoints: 1,
    behave: () => ({ status: 503, headers: FAR_AWAY, afterMs: 8_000 }),
    act: async (_t, _event, workflow) => {
      await pending(workflow, ({ lastStartedTime }) => lastStartedTime);
      await workflow.cancel();
    },
  },
  // Through the API, while the other delivery goes on.
  'delivery-cancelled': {
    endpoints: 2,
    behave: (_request, index) => (index < 2 ? { status: 503, headers: FAR_AWAY } : { status: 200 }),
    act: async (t, { deliveries: [one, other] }, workflow) => {
      await eventually(() =>
        workflow.describe().then(
          ({ raw }) => raw.pendingActivities!.filter(({ lastFailure }) => lastFailure).length === 2,
          () => false,
        ),
      );
      await t.call('POST', `/v1/deliveries/${one!.id}/cancel`);
      await t.call('POST', `/v1/deliveries/${other!.id}/retry`);
    },
  },
  'completed-by-hand': {
    endpoints: 1,
    behave: (_request, index) => (index === 0 ? { status: 503, headers: FAR_AWAY } : { status: 200 }),
    act: async (t, event, workflow, client) => {
      await waits(workflow);
      const { workflowId } = workflow;
      const { id } = event.deliveries[0]!;
      await client.workflowService.respondActivityTaskCompletedById({
        ...{ namespace: 'default', workflowId, activityId: id },
      });
      await eventually(async () => {
        const { body } = await t.call<{ data: unknown[] }>('GET', `/v1/audit?object=${id}`);
        return body.data.length > 0;
      });
      await waits(workflow);
      await t.call('POST', `/v1/deliveries/${id}/retry`);
    },
  },
  'failed-by-hand': {
    endpoints: 1,
    behave: () => ({ status: 503, headers: FAR_AWAY, afterMs: 8_000 }),
    act: async (_t, event, workflow, client) => {
      await pending(workflow, ({ lastStartedTime }) => lastStartedTime);
      await client.workflowService.respondActivityTaskFailedById({
        ...{ namespace: 'default', workflowId: workflow.workflowId, activityId: event.deliveries[0]!.id },
        failure: { message: 'enough', applicationFailureInfo: { nonRetryable: true } },
      });
    },
  },
  'unrecorded-then-recorded': {
    endpoints: 1,
    behave: (_request, index) => ({ status: index === 0 ? 503 : 200, headers: { 'retry-after': '1' } }),
    prepare: noRoom,
    act: async (t, _event, workflow) => {
      await pending(workflow, ({ activityType }) => activityType?.name === 'recordOutcome');
      await mend(t);
    },
  },
  // With a pending retry that was asked for now.
  'retried-now': {
    endpoints: 1,
    behave: (_request, index) => (index === 0 ? { status: 503, headers: FAR_AWAY } : { status: 200 }),
    act: async (t, event, workflow) => {
      await waits(workflow);
      await t.call('POST', `/v1/deliveries/${event.deliveries[0]!.id}/retry`);
    },
  },
};

async function record(name: string, shape: Shape): Promise<void> {
  const { behave, endpoints, over, prepare, act } = shape;
  const t = await startTestService({ pollEveryMs: 200, ...over });
  const receiver = await startReceiver({ behave });
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  try {
    const client = new Client({ connection });
    for (let i = 0; i < endpoints; i++) await createEndpoint(t, receiver.url);
    await prepare?.(t);
    const event = await postEvent(t, { idempotency_key: `${name}-${t.taskQueue}` });
    const workflow = client.workflow.getHandle(`deliver:default:${event.idempotency_key}`);
    await act?.(t, event, workflow, client);
    for (const { id } of event.deliveries) await deliveryIn(t, id);
    await eventually(() =>
      workflow.describe().then(
        ({ status }) => status.name !== 'RUNNING',
        () => false,
      ),
    );
    await save(name, await workflow.fetchHistory());
  } finally {
    await connection.close();
    await receiver.close();
    await t.stop();
  }
}

let workflowBundle: WorkflowBundleWithSourceMap;

beforeAll(
  async () => {
    workflowBundle = await bundleWorkflows();
    if (!process.env.RECORD_HISTORIES) return;
    for (const [name, shape] of Object.entries(shapes))
      if (!existsSync(fileOf(name))) await record(name, shape);
  },
  process.env.RECORD_HISTORIES ? 3_600_000 : 120_000,
);

describe('a recorded history replays:', () => {
  test.each(Object.keys(shapes))('%s', async (name) => {
    await replay(workflowBundle, name, await load(name));
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
