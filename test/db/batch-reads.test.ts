import { expect, test } from 'vitest';
import { batchReads } from '../../src/db/batch-reads.js';

/** Statements that end when `end` is called, with their keys. */
function statements() {
  const begun: { keys: string[]; end: () => void }[] = [];
  const load = (keys: string[]) =>
    new Promise<string[]>((resolve) => begun.push({ keys, end: () => resolve(keys) }));
  return { begun, load };
}
const turn = () => new Promise((resolve) => setTimeout(resolve, 5));

test('readers of one key share its place in the queue, but not a statement that has begun', async () => {
  const { begun, load } = statements();
  const read = batchReads(load, 2);
  const first = read('a');
  await turn();
  const second = read('a');
  await turn();
  const later = [read('a'), read('b'), read('a'), read('a')];
  await expect(read('c')).rejects.toThrow();
  await turn();
  expect(begun.map(({ keys }) => keys)).toEqual([['a'], ['a']]);
  for (const { end } of begun) end();
  expect(await Promise.all([first, second])).toEqual(['a', 'a']);
  await turn();
  expect(begun[2]!.keys).toEqual(['a', 'b']);
  const next = read('c');
  for (const { end } of begun) end();
  expect(await Promise.all(later)).toEqual(['a', 'b', 'a', 'a']);
  await turn();
  for (const { end } of begun) end();
  expect(await next).toBe('c');
});
