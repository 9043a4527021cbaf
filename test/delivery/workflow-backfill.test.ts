import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { acceptEvents } from '../../src/db/open-deliveries/index.js';
import { claimStarts, postponeStarts, releaseStarts, removeStarts } from '../../src/db/workflow-starts.js';
import { createWorkflowBackfill } from '../../src/delivery/workflow-backfill.js';
import { TemporalAwayError, type WorkflowGateway } from '../../src/delivery/workflow-gateway.js';
import type { WorkflowStart } from '../../src/domain/workflow-start.js';
import { newId } from '../../src/lib/ids.js';
import type { PollLoop } from '../../src/lib/poll-loop.js';
import { createLogger } from '../../src/observability/logger.js';
import { createEndpoint } from '../support/path.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** On a real Postgres, with a Temporal that fails on command. */
let t: TestService;
let tenant: string;
let nth = 0;
let started: WorkflowStart[];
let asked: number;
let fail: (start: WorkflowStart) => void;
let isBusy: boolean;

beforeAll(async () => {
  t = await startTestService({ role: 'api', attempts: false, workflows: 'none' });
});
afterAll(() => t.stop());
beforeEach(async () => {
  tenant = `tenant_${nth++}`;
  started = [];
  asked = 0;
  fail = () => {};
  isBusy = false;
  await t.pool.query('delete from workflow_starts');
  await createEndpoint(t, 'http://127.0.0.1:1/', { tenant });
});

function backfill(): PollLoop {
  const workflows: Pick<WorkflowGateway, 'start'> = {
    async start(start) {
      await Promise.resolve();
      asked += 1;
      fail(start);
      started.push(start);
      return true;
    },
  };
  return createWorkflowBackfill({
    workflows,
    claimStarts: (limit) => claimStarts(t.pool, limit),
    removeStarts: (ids) => removeStarts(t.pool, ids),
    releaseStarts: (ids) => releaseStarts(t.pool, ids),
    postponeStarts: (ids) => postponeStarts(t.pool, ids),
    load: () => (isBusy ? 'busy' : 'quiet'),
    log: createLogger('silent'),
  });
}

/** Accepts events whose workflows are to be started later; returns their workflow ids. */
async function waiting(count: number, ageMs = 0): Promise<string[]> {
  const events = Array.from({ length: count }, () => {
    const id = newId('evt');
    return {
      ...{ id, tenant, type: 'a.b', payload: '{}', idempotencyKey: id, endpointIds: null, requestHash: '00' },
      ...{ workflowId: `deliver:${tenant}:${id}`, maxAttempts: 12, createdAt: new Date(Date.now() - ageMs) },
    };
  });
  await acceptEvents(t.pool, events, { claimedBy: null, workflow: 'later' });
  return events.map(({ workflowId }) => workflowId);
}

const startedIds = () => started.map(({ workflow_id }) => workflow_id);
const rows = async () =>
  (
    await t.pool.query<{ workflow_id: string; in_s: number }>(
      'select workflow_id, extract(epoch from start_at - now())::float8 as in_s from workflow_starts',
    )
  ).rows;

test('a start has what its workflow needs, and is removed', async () => {
  const [workflowId] = await waiting(1);
  const loop = backfill();
  await eventually(async () => (await rows()).length === 0);
  await loop.close();
  expect(started).toMatchObject([
    { workflow_id: workflowId, event_type: 'a.b', tenant, batch_id: null, parts: 0 },
  ]);
  expect(started[0]!.deliveries).toEqual([
    { id: expect.stringMatching(/^del_/) as string, endpoint_id: expect.stringMatching(/^ep_/) as string },
  ]);
});

test('refused starts keep no other from being made, and are put off by the age of their events', async () => {
  const bad = new Set([...(await waiting(15, 600_000)), ...(await waiting(10))]);
  fail = ({ workflow_id }) => {
    if (bad.has(workflow_id)) throw new Error('this one is refused');
  };
  const good = await waiting(3);
  await t.pool.query(
    "update workflow_starts set start_at = now() - interval '1 hour' where workflow_id = any($1)",
    [[...bad]],
  );
  const loop = backfill();
  await eventually(() => Promise.resolve(started.length === 3));
  await loop.close();
  expect(startedIds().sort()).toEqual(good.sort());
  const left = await rows();
  expect(left).toHaveLength(25);
  const seconds = left.map(({ in_s }) => Math.round(in_s / 60)).sort((a, b) => a - b);
  expect(seconds.slice(0, 10).every((minutes) => minutes === 1)).toBe(true);
  expect(seconds.slice(10).every((minutes) => minutes === 10)).toBe(true);
  expect(asked).toBe(28);
});

test('with Temporal away, one start a page is tried in vain, and all are made when it is back', async () => {
  const ids = await waiting(25);
  fail = () => {
    throw new TemporalAwayError('away');
  };
  const loop = backfill();
  await eventually(() => Promise.resolve(asked === 1));
  await eventually(async () => (await rows()).every(({ in_s }) => in_s <= 0));
  fail = () => {};
  loop.wake();
  await eventually(async () => (await rows()).length === 0);
  await loop.close();
  expect(startedIds().sort()).toEqual(ids.sort());
});

test('starts are paced, slower while deliveries are made', async () => {
  isBusy = true;
  await waiting(10);
  const began = performance.now();
  const loop = backfill();
  await eventually(() => Promise.resolve(started.length === 5));
  expect(performance.now() - began).toBeGreaterThan(4 * 190);
  await loop.close();
  // A stop gives back what was not made.
  await eventually(async () => (await rows()).every(({ in_s }) => in_s <= 0));
  expect(await rows()).toHaveLength(10 - started.length);
});

test('two backfills make each start once', async () => {
  const ids = await waiting(60);
  const loops = [backfill(), backfill()];
  await eventually(async () => (await rows()).length === 0);
  await Promise.all(loops.map((loop) => loop.close()));
  expect(startedIds().sort()).toEqual(ids.sort());
});
