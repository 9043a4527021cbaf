import { expect, test } from 'vitest';
import { keepReads } from '../../src/delivery/kept-reads.js';

test('above the limit, one value is forgotten, and the others stay', async () => {
  const read: string[] = [];
  const kept = keepReads(
    { current: () => true },
    async (key) => {
      read.push(key);
      return Promise.resolve(key);
    },
    3,
  );
  for (const key of ['a', 'b', 'c', 'd', 'b', 'c', 'd']) expect(await kept.get(key)).toBe(key);
  expect(read).toEqual(['a', 'b', 'c', 'd']);
  await kept.get('a');
  expect(read).toEqual(['a', 'b', 'c', 'd', 'a']);
});
