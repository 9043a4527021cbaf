import { expect, test } from 'vitest';
import { watchStarts } from '../../src/delivery/start-faults.js';
import { TemporalAwayError, type WorkflowGateway } from '../../src/delivery/workflow-gateway.js';

/** The reason after a start that fails with an error. */
async function reasonOf(error: Error): Promise<string | null> {
  const start = () => Promise.reject(error);
  const watched = watchStarts({ start } as unknown as WorkflowGateway, { count: () => {} });
  await expect(watched.start({} as Parameters<WorkflowGateway['start']>[0])).rejects.toBe(error);
  return watched.startFault();
}

test.each([
  [
    Object.assign(new Error('3 INVALID_ARGUMENT: deliver:acme:order-1'), { code: 3 }),
    'Temporal answers INVALID_ARGUMENT; its words are in the log.',
  ],
  [
    new Error('Failed to start Workflow', {
      cause: Object.assign(new Error('deliver:acme:order-1'), { code: 16, details: 'deliver:acme:order-1' }),
    }),
    'Temporal answers UNAUTHENTICATED; its words are in the log.',
  ],
  [new Error('deliver:acme:order-1'), 'the log says why.'],
  [new TemporalAwayError('Temporal does not answer.'), 'Temporal does not answer.'],
])('the reason for a failed start has none of its words: %s', async (error, reason) => {
  expect(await reasonOf(error)).toBe(`workflows cannot be started: ${reason}`);
});
