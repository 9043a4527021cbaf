import fc from 'fast-check';
import { expect, it } from 'vitest';
import { histogram, percentiles } from '../../src/domain/duration-steps.js';

/** As the SQL of `stepOf` counts them. */
const counted = (durations: number[]) => {
  const counts = new Map<number, number>();
  for (const ms of durations) {
    const step = Math.floor(4 * Math.log2(Math.max(ms, 1)));
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return counts;
};
const durations = fc.array(fc.double({ min: 1, max: 90_000_000, noNaN: true }), {
  minLength: 1,
  maxLength: 200,
});

it('gives percentiles that are less than a step away from the exact ones', () => {
  fc.assert(
    fc.property(durations, fc.constantFrom(0.5, 0.95, 0.99, 1), (all, share) => {
      const exact = [...all].sort((a, b) => a - b)[Math.ceil(share * all.length) - 1]!;
      const given = percentiles(counted(all), [share])![0]!;
      expect(Math.abs(Math.log2(given / exact))).toBeLessThanOrEqual(0.251);
    }),
  );
});

it('has no percentile of nothing', () => {
  expect(percentiles(new Map(), [0.5])).toBeNull();
  expect(histogram(new Map())).toEqual([]);
});

it('lists each step with its upper bound, shortest first', () => {
  expect(histogram(counted([1_000, 0.2, 1.1, 1_100]))).toEqual([
    { below_ms: 1.19, count: 2 },
    { below_ms: 1020, count: 1 },
    { below_ms: 1220, count: 1 },
  ]);
});
