import { afterEach, expect, test, vi } from 'vitest';
import type { WorkflowStart } from '../../src/domain/workflow-start.js';
import { createWorkflowStarter } from '../../src/delivery/workflow-starter.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/service.js';

afterEach(() => {
  vi.useRealTimers();
});

const start = (n: number): WorkflowStart => ({
  ...{ workflow_id: `deliver:a:${n}`, event_id: `evt_${n}`, event_type: 'a.b', tenant: 'a', batch_id: null },
  ...{ deliveries: [{ id: `del_${n}`, endpoint_id: 'ep_1' }], parts: 0 },
});

/** With a Temporal that answers, fails or hangs on command. */
function starter() {
  const temporal = { answers: true, fails: false, hasTime: true };
  const started: string[] = [];
  const later: string[] = [];
  const made = createWorkflowStarter({
    workflows: {
      async start({ event_id }) {
        await eventually(() => Promise.resolve(temporal.answers));
        if (temporal.fails) throw new Error('away');
        started.push(event_id);
        return true;
      },
    },
    addStarts: async (ids) => void later.push(...ids),
    hasTime: () => temporal.hasTime,
    log: createLogger('silent'),
  });
  return { ...made, temporal, started, later };
}

test('while Temporal answers, workflows are started at once, in order', async () => {
  const { start: begin, started, later, keepsUp, size, behindMs, close } = starter();
  for (let n = 0; n < 20; n++) begin(start(n));
  expect(keepsUp()).toBe(true);
  await eventually(() => Promise.resolve(size() === 0));
  expect(started).toEqual(Array.from({ length: 20 }, (_, n) => `evt_${n}`));
  expect(behindMs()).toBe(0);
  expect(later).toEqual([]);
  await close();
});

test('a start that fails is left to the backfill, as are those of the next seconds', async () => {
  const { start: begin, temporal, later, keepsUp, close } = starter();
  temporal.fails = true;
  begin(start(1));
  await eventually(() => Promise.resolve(later.length === 1));
  expect(later).toEqual(['evt_1']);
  expect(keepsUp()).toBe(false);
  await close();
});

test('many starts that wait mean that Temporal does not keep up: the backfill makes them for a while', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { start: begin, temporal, started, later, keepsUp, behindMs, size, close } = starter();
  temporal.answers = false;
  for (let n = 0; n < 32; n++) begin(start(n));
  expect(keepsUp()).toBe(true);
  begin(start(32));
  expect(keepsUp()).toBe(false);
  vi.advanceTimersByTime(1_000);
  expect({ behind: behindMs(), size: size() }).toEqual({ behind: 1_000, size: 33 });
  temporal.answers = true;
  await eventually(() => Promise.resolve(size() === 0));
  expect(started).toEqual(['evt_0', 'evt_1', 'evt_2', 'evt_3']);
  await eventually(() => Promise.resolve(later.length === 29));
  expect(keepsUp()).toBe(false);
  vi.advanceTimersByTime(10_000);
  expect(keepsUp()).toBe(true);
  await close();
});

test('a process that has much to do makes few starts at once, and leaves the others to the backfill', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { start: begin, temporal, keepsUp, size, close } = starter();
  temporal.hasTime = false;
  for (let n = 0; n < 20; n++) {
    expect(keepsUp()).toBe(true);
    begin(start(n));
  }
  expect(keepsUp()).toBe(false);
  vi.advanceTimersByTime(200);
  expect(keepsUp()).toBe(true);
  begin(start(20));
  expect(keepsUp()).toBe(false);
  temporal.hasTime = true;
  expect(keepsUp()).toBe(true);
  await eventually(() => Promise.resolve(size() === 0));
  await close();
});

test('a stop leaves what it has not begun to the backfill', async () => {
  const { start: begin, temporal, started, later, keepsUp, close } = starter();
  temporal.answers = false;
  for (let n = 0; n < 20; n++) begin(start(n));
  const closed = close();
  expect(keepsUp()).toBe(false);
  temporal.answers = true;
  await closed;
  expect(started).toHaveLength(4);
  expect([...started, ...later].sort()).toEqual(Array.from({ length: 20 }, (_, n) => `evt_${n}`).sort());
});
