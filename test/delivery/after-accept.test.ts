import { expect, test } from 'vitest';
import { createAfterAccept } from '../../src/delivery/after-accept.js';
import { createWorkflowStarter } from '../../src/delivery/workflow-starter.js';
import { createLogger } from '../../src/observability/logger.js';
import { newEvent } from '../support/open-deliveries.js';
import { eventually } from '../support/service.js';

test('the starts of a process are behind from the arrival of an event until its workflow is started or to be', async () => {
  const later: string[] = [];
  const starter = createWorkflowStarter({
    workflows: { start: () => Promise.resolve(true) },
    addStarts: (ids) => Promise.resolve(void later.push(...ids)),
    hasTime: () => true,
    log: createLogger('silent'),
  });
  const after = createAfterAccept({
    ...{ processId: 'p', runner: null, starter, maxAttempts: 1, alive: () => true },
    wake: () => {},
    fanOut: () => {},
    unfiltered: () => {},
  });
  const [event, lost] = [newEvent(), newEvent()];
  expect(after.startsBehindMs()).toBe(0);
  after.began(event);
  await eventually(() => Promise.resolve(after.startsBehindMs() > 0));
  after.ended(event);
  expect(after.startsBehindMs()).toBe(0);

  after.began(lost);
  const choice = after.choose();
  after.unknown([lost], choice);
  after.ended(lost);
  // The commit may still come.
  await eventually(() => Promise.resolve(after.startsBehindMs() > 2_000));
  expect(later).toEqual([]);
  await eventually(() => Promise.resolve(after.startsBehindMs() === 0));
  expect(later).toEqual([lost.id]);
  await after.close();
  await starter.close();
});
