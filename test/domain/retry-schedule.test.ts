import fc from 'fast-check';
import { expect, test } from 'vitest';
import { baseDelay, DEFAULT_RETRY_POLICY, retryDelay } from '../../src/domain/retry-schedule.js';

const now = new Date('2026-01-01T00:00:00Z');
const HOUR = 3_600_000;

test('the default schedule starts at 5 s, triples up to a day, and spans about 61 h in twelve attempts', () => {
  const delays = Array.from({ length: 11 }, (_, i) => baseDelay(DEFAULT_RETRY_POLICY, i + 1) / 1000);
  expect(delays).toEqual([5, 15, 45, 135, 405, 1215, 3645, 10935, 32805, 86400, 86400]);
  const hours = delays.reduce((sum, delay) => sum + delay, 0) / 3600;
  expect(hours).toBeGreaterThan(60);
  expect(hours).toBeLessThan(72);
});

const delayAfter = (over: Partial<Parameters<typeof retryDelay>[0]>) =>
  retryDelay({
    policy: DEFAULT_RETRY_POLICY,
    schedule: null,
    number: 1,
    retryAfter: null,
    now,
    random: () => 0.5,
    scale: 1,
    ...over,
  });

test('a longer Retry-After overrides the schedule up to a day, a shorter one does not', () => {
  expect(delayAfter({ retryAfter: '60' })).toBe(60_000);
  expect(delayAfter({ retryAfter: '1' })).toBe(5_000);
  expect(delayAfter({ retryAfter: '604800' })).toBe(24 * HOUR);
});

test('an own schedule gives the delays, with jitter, and its last delay repeats', () => {
  const schedule = [10, 60];
  expect([1, 2, 3, 7].map((number) => delayAfter({ schedule, number }))).toEqual([
    10_000, 60_000, 60_000, 60_000,
  ]);
  expect(delayAfter({ schedule, random: () => 0 })).toBe(8_000);
  expect(delayAfter({ schedule, random: () => 1 })).toBe(12_000);
  expect(delayAfter({ schedule, retryAfter: '30' })).toBe(30_000);
  expect(delayAfter({ schedule: [24 * 60 * 60], random: () => 1 })).toBe(24 * HOUR);
});

test('jitter stays within a fifth of the schedule', () => {
  expect(delayAfter({ random: () => 0 })).toBe(4_000);
  expect(delayAfter({ random: () => 1 })).toBe(6_000);
});

test.each([3, 4, 5])(
  '10,000 deliveries that fail together at attempt %i retry evenly over the jitter window',
  (number) => {
    const from = 0.8 * baseDelay(DEFAULT_RETRY_POLICY, number);
    const seconds = (0.5 * from) / 1_000;
    const counts = Array<number>(seconds).fill(0);
    for (let i = 0; i < 10_000; i++) {
      const delay = delayAfter({ number, random: Math.random });
      counts[Math.min(seconds - 1, Math.floor((delay - from) / 1_000))]! += 1;
    }
    const share = 10_000 / seconds;
    // Six standard deviations.
    const most = share + 6 * Math.sqrt(share);
    expect(Math.max(...counts)).toBeLessThan(most);
    expect(Math.min(...counts)).toBeGreaterThan(Math.max(0, share - 6 * Math.sqrt(share)));
  },
);

test('a delay is never 0, which Temporal would read as "stop", and never above a day', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 1e-9, max: 1, noNaN: true }),
      fc.string(),
      (number, chance, scale, retryAfter) => {
        const delay = delayAfter({ number, random: () => chance, scale, retryAfter });
        expect(delay).toBeGreaterThanOrEqual(1);
        expect(delay).toBeLessThanOrEqual(24 * HOUR);
        expect(Number.isInteger(delay)).toBe(true);
      },
    ),
  );
});
