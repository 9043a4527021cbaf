import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRamp } from '../../src/delivery/queue-poller.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Total of the pages in the next second, with a look this often. */
function inASecond(ramp: ReturnType<typeof createRamp>, everyMs: number): number {
  let count = 0;
  for (let ms = 0; ms < 1_000; ms += everyMs) {
    count += ramp.page();
    vi.advanceTimersByTime(everyMs);
  }
  return count;
}

test('the rate is 100 in the first second and doubles up to 2,000, however long a look takes', () => {
  for (const everyMs of [50, 100, 250]) {
    const ramp = createRamp();
    const seconds = Array.from({ length: 7 }, () => inASecond(ramp, everyMs));
    for (const [n, most] of [100, 200, 400, 800, 1_600, 2_000, 2_000].entries()) {
      expect(seconds[n]).toBeLessThanOrEqual(most + 20);
      expect(seconds[n]).toBeGreaterThanOrEqual(most / 2);
    }
  }
});

test('a break between two looks makes no page larger, and after a reset the rate begins with 100', () => {
  const ramp = createRamp();
  for (let n = 0; n < 5; n++) inASecond(ramp, 50);
  vi.advanceTimersByTime(60_000);
  expect(ramp.page()).toBeLessThanOrEqual(1_000);
  ramp.reset();
  vi.advanceTimersByTime(60_000);
  expect(ramp.page()).toBe(5);
});
