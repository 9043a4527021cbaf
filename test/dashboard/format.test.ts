import { expect, test } from 'vitest';
import { percent } from '../../dashboard/src/lib/format.js';

test.each([
  [7, 7, '100 %'],
  [1_999, 2_000, '99.9 %'],
  [99_999, 100_000, '99.9 %'],
  [987, 1_000, '98.7 %'],
  [0, 5, '0.0 %'],
])('%d of %d is %s', (part, whole, text) => {
  expect(percent(part, whole)).toBe(text);
});

test('a share of nothing is none', () => {
  expect(percent(0, 0)).toBeNull();
});
