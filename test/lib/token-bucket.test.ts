import { expect, test } from 'vitest';
import { createTokenBuckets } from '../../src/lib/token-bucket.js';

test('a bucket gives its capacity at once, and then what has flown in', () => {
  let now = 0;
  const buckets = createTokenBuckets(10, () => now);
  const size = { capacity: 3, perSecond: 2 };
  expect([1, 2, 3].map(() => buckets.take('a', size))).toEqual([2, 1, 0]);
  expect(buckets.take('a', size)).toBe(-1);
  now = 500;
  expect(buckets.take('a', size)).toBe(0);
  now = 60_000;
  expect(buckets.take('a', size)).toBe(2);
  expect(buckets.take('b', size)).toBe(2);
});

test('beyond the maximum, the oldest bucket is forgotten', () => {
  const buckets = createTokenBuckets(2, () => 0);
  const size = { capacity: 1, perSecond: 1 };
  for (const name of ['a', 'b', 'c']) expect(buckets.take(name, size)).toBe(0);
  expect(buckets.take('c', size)).toBe(-1);
  expect(buckets.take('a', size)).toBe(0);
});
