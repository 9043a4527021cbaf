import { expect, test } from 'vitest';
import { createHandOvers } from '../../src/delivery/hand-overs.js';
import type { DeliveryStart } from '../../src/delivery/workflows.js';
import { createLogger } from '../../src/logger.js';
import { eventually } from '../support/service.js';

const retryIn = (id: string, ms: number): DeliveryStart => ({
  ...{ workflowId: id, eventType: 'a.b', eventId: 'evt_1', tenant: 'default' },
  deliveries: [
    { id, endpointId: 'ep_1', maxAttempts: 12, notBefore: new Date(Date.now() + ms).toISOString() },
  ],
});

function handOvers(busy: () => boolean) {
  const handed: string[] = [];
  let open = 0;
  const carry = (start: DeliveryStart) => {
    handed.push(start.workflowId);
    return Promise.resolve(true);
  };
  const made = createHandOvers({
    ...{ workflows: { carry }, busy, giveUpMs: 1_000, log: createLogger('silent') },
    record: () => Promise.resolve(),
    count: (change) => (open += change),
  });
  return { ...made, handed, open: () => open };
}

test('in a burst of first attempts a retry is handed over a little late; after it, all are at once', async () => {
  let busy = true;
  const { add, more, close, handed, open } = handOvers(() => busy);
  add(retryIn('soon', -4_700), null);
  add(retryIn('later', 60_000), null);
  expect(handed).toEqual([]);
  expect(open()).toBe(2);
  await eventually(() => Promise.resolve(handed.length === 1), 2_000);
  expect(handed).toEqual(['soon']);
  busy = false;
  more();
  await eventually(() => Promise.resolve(open() === 0), 2_000);
  expect(handed).toEqual(['soon', 'later']);
  await close();
});

test('a stop hands over what waits', async () => {
  const { add, close, handed } = handOvers(() => true);
  add(retryIn('later', 60_000), null);
  await close();
  expect(handed).toEqual(['later']);
});
