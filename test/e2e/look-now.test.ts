import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { Activities } from '../../activities/index.js';
import type { WorkflowGateway } from '../../src/delivery/workflow-gateway.js';
import { createLogger } from '../../src/observability/logger.js';
import { linkTemporal, type TemporalLink } from '../../src/temporal/connection.js';
import { runWorker, type RunningWorker } from '../../src/temporal/worker.js';
import { createWorkflowClient } from '../../src/temporal/workflow-client.js';
import type { SendAttemptInput } from '../../workflows/contract.js';
import { temporalAt, WORKFLOW_BUNDLE } from '../support/service.js';

/** The real workflow, whose tries end when the test says so: the first knows of one attempt, and waits a day. */
const taskQueue = `t_${randomUUID()}`;
const tries = new Map<string, number>();
const ends = new Map<string, Promise<void>>();
const activities = {
  async sendAttempt({ deliveryId }: SendAttemptInput) {
    const nth = (tries.get(deliveryId) ?? 0) + 1;
    tries.set(deliveryId, nth);
    if (nth > 1) return { kind: 'ended', status: 'DELIVERED', reason: null, attempts: [] };
    Context.current().heartbeat({ attempts: [{ number: 1 }] });
    await ends.get(deliveryId);
    throw ApplicationFailure.create({ type: 'TIMEOUT', message: 'waits', nextRetryDelay: '1 day' });
  },
} as unknown as Activities;

let link: TemporalLink;
let worker: RunningWorker;
let workflows: WorkflowGateway;

beforeAll(async () => {
  const log = createLogger('silent');
  link = linkTemporal(temporalAt(inject('temporalAddress')), log);
  await link.reached;
  const options = { link, taskQueue, log, activities, namespace: 'default' };
  worker = runWorker({ ...options, workflowBundle: WORKFLOW_BUNDLE });
  workflows = createWorkflowClient(link, taskQueue);
});
afterAll(async () => {
  await worker.close();
  await link.close();
});

async function firstTry() {
  const id = `del_${randomUUID()}`;
  let end!: () => void;
  ends.set(id, new Promise((resolve) => (end = resolve)));
  const deliveries = [{ id, endpoint_id: 'ep_1' }];
  const of = { event_id: 'evt_1', event_type: 'a.b', tenant: 'acme', batch_id: null };
  expect(await workflows.start({ workflow_id: id, deliveries, parts: 0, ...of })).toBe(true);
  await expect.poll(() => tries.get(id)).toBe(1);
  return { id, end };
}
const handleOf = (id: string) => link.now().client.workflow.getHandle(id);
const pending = async (id: string) => (await handleOf(id).describe()).raw.pendingActivities![0]!;
const waits = (id: string) => expect.poll(async () => (await pending(id)).lastFailure?.message).toBe('waits');

test('an activity that waits looks again at once', async () => {
  const { id, end } = await firstTry();
  end();
  await waits(id);
  await workflows.lookNow(id, id, 1);
  expect(await handleOf(id).result()).toMatchObject([{ status: 'DELIVERED' }]);
});

test('and one whose try is under way looks again after it', async () => {
  const { id, end } = await firstTry();
  const told = workflows.lookNow(id, id, 1);
  // Temporal would take a reset by now.
  await pending(id);
  end();
  await told;
  expect(await handleOf(id).result()).toMatchObject([{ status: 'DELIVERED' }]);
});

test('but not one that knows of a later attempt: another would follow it', async () => {
  const { id, end } = await firstTry();
  end();
  await waits(id);
  await workflows.lookNow(id, id, 0);
  expect((await pending(id)).attempt).toBe(2);
  await handleOf(id).terminate();
});

test('nothing is done about workflows that have ended, or never were', async () => {
  await workflows.lookNow(`del_${randomUUID()}`, 'del_1', 1);
});
