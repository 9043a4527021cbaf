import { expect, test } from 'vitest';
import type { Attempt } from '../../src/domain/delivery.js';
import { createWorkflowHandoff } from '../../src/delivery/workflow-handoff.js';
import { lostAttempt } from '../../src/delivery/attempt.js';
import type { DeliveryStart } from '../../src/delivery/workflow-gateway.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/service.js';

const start = (id: string): DeliveryStart => ({
  ...{ workflowId: id, eventType: 'a.b', eventId: 'evt_1', tenant: 'default' },
  deliveries: [{ id, endpointId: 'ep_1', maxAttempts: 12 }],
});

/** Temporal refuses those of `refused`, and Postgres takes records as it is told. */
function handOvers(refused: Set<string>, postgres = { away: false }) {
  const handed: string[] = [];
  const asked: string[] = [];
  const recorded: Attempt[] = [];
  let open = 0;
  const carry = async (one: DeliveryStart) => {
    await Promise.resolve();
    asked.push(one.workflowId);
    if (refused.has(one.workflowId)) throw new Error('refused');
    handed.push(one.workflowId);
    return true;
  };
  const made = createWorkflowHandoff({
    ...{ workflows: { carry }, giveUpMs: 60_000, log: createLogger('silent') },
    async record({ attempt }) {
      await Promise.resolve();
      if (postgres.away) throw new Error('away');
      recorded.push(attempt);
    },
    count: (change) => (open += change),
  });
  return { ...made, handed, asked, recorded, open: () => open };
}

test('those that Temporal refuses keep no other from being handed over, and are handed over later', async () => {
  const bad = Array.from({ length: 50 }, (_, n) => `bad${n}`);
  const refused = new Set(bad);
  const { add, close, handed, open } = handOvers(refused);
  for (const id of [...bad, 'good']) add(start(id), null, 0);
  await eventually(() => Promise.resolve(handed.includes('good')), 400);
  expect(open()).toBe(50);
  refused.clear();
  await eventually(() => Promise.resolve(open() === 0), 5_000);
  expect(handed.slice(1).sort()).toEqual(bad.sort());
  await close();
});

test('a stop hands over what was refused, once more', async () => {
  const refused = new Set(['one']);
  const { add, close, asked, handed, open } = handOvers(refused, { away: true });
  add(start('one'), lostAttempt(1, null), 0);
  await eventually(() => Promise.resolve(asked.length === 1), 400);
  refused.clear();
  await close();
  expect(handed).toEqual(['one']);
  expect(open()).toBe(0);
});

test('an outcome that nobody else knows is told until Temporal or Postgres takes it', async () => {
  const postgres = { away: true };
  const { add, close, asked, recorded } = handOvers(new Set(['one']), postgres);
  const attempt = lostAttempt(1, null);
  add(start('one'), attempt, 0);
  await eventually(() => Promise.resolve(asked.length === 2), 2_000);
  postgres.away = false;
  await eventually(() => Promise.resolve(recorded.length === 1), 3_000);
  expect(recorded).toEqual([attempt]);
  // Postgres knows, and Temporal stays away: a stop does not wait for it.
  const before = asked.length;
  await close();
  expect(asked).toHaveLength(before);
});
