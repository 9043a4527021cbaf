import { afterEach, expect, test, vi } from 'vitest';
import { watchStarts } from '../../src/delivery/start-faults.js';
import { TemporalAwayError, type WorkflowGateway } from '../../src/delivery/workflow-gateway.js';

afterEach(() => {
  vi.useRealTimers();
});

/** The watch after a start that fails with an error. */
async function watchAfter(error: Error) {
  const start = () => Promise.reject(error);
  const watched = watchStarts({ start } as unknown as WorkflowGateway, { count: () => {} });
  await expect(watched.start({} as Parameters<WorkflowGateway['start']>[0])).rejects.toBe(error);
  return watched;
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
  expect((await watchAfter(error)).startFault()).toBe(`workflows cannot be started: ${reason}`);
});

test('a failed start counts for a minute', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const watched = await watchAfter(new Error('refused'));
  vi.advanceTimersByTime(60_000);
  expect(watched.startFault()).toBe('workflows cannot be started: the log says why.');
  vi.advanceTimersByTime(1);
  expect(watched.startFault()).toBeNull();
});
