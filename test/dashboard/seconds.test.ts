import { expect, test } from 'vitest';
import { inSeconds, seconds } from '../../dashboard/src/lib/seconds.js';

test.each([
  ['30', 30],
  ['30 s', 30],
  ['5min', 300],
  ['2 h', 7_200],
  ['1 day', 86_400],
  ['2.5 s', 2.5],
  ['1.001', 1.001],
  // 66.00000000000001 as a product of floats.
  ['1.1 min', 66],
  ['0.4', 0.4],
])('%s is %d s', (text, value) => {
  expect(seconds(text)).toBe(value);
});

test.each(['', 's', '-1', '5 weeks', '1,5 s'])('"%s" is no time', (text) => {
  expect(seconds(text)).toBeNull();
});

test.each([2.5, 1.001, 30, 90, 300, 86_400])('%d s stays the same as a text', (value) => {
  expect(seconds(inSeconds(value))).toBe(value);
});
