import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { sharedAnswer } from '../../src/lib/shared-answer.js';

/** Counts the calls of something that takes `tookMs`. */
function asking(tookMs: number) {
  const began: number[] = [];
  return {
    began,
    ask: async () => {
      began.push(performance.now());
      await sleep(tookMs);
      return began.length;
    },
  };
}

test('concurrent callers share one call and its result', async () => {
  const { ask, began } = asking(20);
  const shared = sharedAnswer(60_000, ask);
  expect(await Promise.all([shared(), shared(), shared()])).toEqual([1, 1, 1]);
  expect(await shared()).toBe(1);
  expect(began).toHaveLength(1);
});

test('a call that takes long rests for four times as long before the next', async () => {
  const { ask, began } = asking(100);
  const shared = sharedAnswer(1, ask, 4);
  await expect.poll(shared, { interval: 5, timeout: 30_000 }).toBe(2);
  // Timers may be a millisecond early.
  expect(began[1]! - began[0]!).toBeGreaterThan(490);
});

test('a failure is not kept', async () => {
  let calls = 0;
  const shared = sharedAnswer(60_000, async () => {
    calls += 1;
    if (calls === 1) throw new Error('away');
    return calls;
  });
  await expect(shared()).rejects.toThrow('away');
  expect(await shared()).toBe(2);
});
