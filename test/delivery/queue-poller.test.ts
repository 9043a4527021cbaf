import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createRamp } from '../../src/delivery/queue-poller.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** So many in the next second, looking this often. */
function inASecond(ramp: ReturnType<typeof createRamp>, everyMs: number): number {
  let count = 0;
  for (let ms = 0; ms < 1_000; ms += everyMs) {
    count += ramp.page();
    vi.advanceTimersByTime(everyMs);
  }
  return count;
}

test('100 in the first second, twice as many in every second after it, at most 1,000, however long a look takes', () => {
  for (const everyMs of [50, 100, 250]) {
    const ramp = createRamp();
    const seconds = Array.from({ length: 6 }, () => inASecond(ramp, everyMs));
    for (const [n, most] of [100, 200, 400, 800, 1_000, 1_000].entries()) {
      expect(seconds[n]).toBeLessThanOrEqual(most + 20);
      expect(seconds[n]).toBeGreaterThanOrEqual(most / 2);
    }
  }
});

test('after a break it begins anew, and a pause between two looks makes no page larger', () => {
  const ramp = createRamp();
  for (let n = 0; n < 5; n++) inASecond(ramp, 50);
  vi.advanceTimersByTime(60_000);
  expect(ramp.page()).toBeLessThanOrEqual(500);
  ramp.reset();
  vi.advanceTimersByTime(60_000);
  expect(ramp.page()).toBe(5);
});
