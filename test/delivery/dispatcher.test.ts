import { expect, test } from 'vitest';
import type { StoredEvent } from '../../src/db/events.js';
import type { InProcessRunner } from '../../src/delivery/in-process-runner.js';
import { createDispatcher, type Choice } from '../../src/delivery/dispatcher.js';
import { createBackpressure } from '../../src/delivery/backpressure.js';
import type { WorkflowGateway } from '../../src/delivery/workflow-gateway.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/service.js';

const eventOf = (n: number): StoredEvent => ({
  ...{ id: `evt_${n}`, type: 'a.b', tenant: 'default', idempotency_key: `${n}`, created_at: new Date() },
  workflow_id: `deliver:default:${n}`,
  deliveries: [{ id: `del_${n}`, endpoint_id: 'ep_1', status: 'PENDING' }],
});
const CHOICE: Choice = { lane: 'workflow', heldLane: 'workflow', dueInMs: 15_000, begins: true };
const turn = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

/** `refuse`: Temporal takes none. */
function dispatcher({
  hasWorker = true,
  refuse = false,
  lane = 'workflow',
}: { hasWorker?: boolean; refuse?: boolean; lane?: 'workflow' | 'auto' } = {}) {
  const started: string[] = [];
  const lanes = createBackpressure({ lane, directAbove: 64 });
  const CONTENT = { payload: '{}', event_headers: null, event_content_type: null };
  const start: WorkflowGateway['start'] = async ({ workflowId }) => {
    await Promise.resolve();
    started.push(workflowId);
    if (refuse) throw new Error('away');
    return true;
  };
  const made = createDispatcher({
    ...{
      workflows: { start } as WorkflowGateway,
      lanes,
      maxAttempts: 12,
      hasWorker,
      log: createLogger('silent'),
    },
    direct: {
      hasRoom: () => true,
      deliver: () => {},
      close: () => Promise.resolve(),
    } as unknown as InProcessRunner,
  });
  const dispatch = (count: number) => {
    for (let n = 0; n < count; n++) made.dispatch({ event: eventOf(n), dueAt: '' }, CONTENT, CHOICE);
  };
  const dispatchOne = (event: StoredEvent, choice: Choice) =>
    made.dispatch({ event, dueAt: '' }, CONTENT, choice);
  return { ...made, dispatch, dispatchOne, started, lanes };
}

test('a few workflows are under way at a time, each until its first attempt begins', async () => {
  const { dispatch, started, lanes, close } = dispatcher();
  dispatch(30);
  await turn();
  expect(started).toHaveLength(16);
  for (const id of started.slice(0, 4)) lanes.began(id);
  await turn();
  expect(started).toHaveLength(20);
  for (const id of [...started]) lanes.began(id);
  await turn();
  expect(started).toHaveLength(30);
  await close();
  lanes.close();
});

test('one that nobody tells the beginning of, as it begins elsewhere, keeps its place for a second', async () => {
  const { dispatch, started, lanes, close } = dispatcher();
  const began = performance.now();
  dispatch(17);
  await turn();
  expect(started).toHaveLength(16);
  await eventually(() => Promise.resolve(started.length === 17), 10_000);
  expect(performance.now() - began).toBeGreaterThan(900);
  await close();
  lanes.close();
});

test('where Temporal takes none, none waits for another; nor where no worker would tell', async () => {
  for (const options of [{ refuse: true }, { hasWorker: false }]) {
    const { dispatch, started, lanes, close } = dispatcher(options);
    dispatch(100);
    await turn(20);
    expect(started).toHaveLength(100);
    await close();
    lanes.close();
  }
});

test('what comes together and becomes too much for Temporal goes directly, by what events before it became', async () => {
  const { choose, dispatchOne, lanes, close } = dispatcher({ lane: 'auto' });
  expect(choose(20).lane).toBe('workflow');
  const deliveries = Array.from({ length: 10 }, (_, n) => ({
    ...{ id: `del_${n}`, endpoint_id: `ep_${n}`, status: 'PENDING' as const },
  }));
  for (let n = 0; n < 20; n++)
    dispatchOne({ ...eventOf(n), deliveries }, { ...CHOICE, lane: 'direct', heldLane: 'any' });
  expect(choose(1).lane).toBe('workflow');
  expect(choose(20).lane).toBe('direct');
  await close();
  lanes.close();
});
