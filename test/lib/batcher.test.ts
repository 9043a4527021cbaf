import { expect, test } from 'vitest';
import { createBatcher, type BatcherOptions } from '../../src/lib/batcher.js';

const tick = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));

/** A batcher of strings that records its batches; the key of an item is its text before the first dash. */
function recorded(over: Partial<BatcherOptions<string, string>> = {}) {
  const runs: string[][] = [];
  const group = createBatcher<string, string>({
    most: 3,
    atOnce: 1,
    mostWaiting: 100,
    full: () => new Error('full'),
    keyOf: (item) => item.split('-')[0]!,
    async run(items) {
      runs.push(items);
      await tick();
      return items.map((item) => item.toUpperCase());
    },
    ...over,
  });
  return { runs, group };
}

test('calls of one turn are batched up to the maximum, and each gets its own result', async () => {
  const { runs, group } = recorded();
  expect(await Promise.all(['a', 'b', 'c', 'd', 'e'].map(group))).toEqual(['A', 'B', 'C', 'D', 'E']);
  expect(runs).toEqual([
    ['a', 'b', 'c'],
    ['d', 'e'],
  ]);
});

test('a single call does not wait for others', async () => {
  const { runs, group } = recorded();
  await group('a');
  expect(runs).toEqual([['a']]);
});

test('with a linger time, calls of some milliseconds share a batch', async () => {
  const { runs, group } = recorded({ lingerMs: 20 });
  const first = group('a');
  await tick(1);
  await Promise.all([first, group('b')]);
  expect(runs).toEqual([['a', 'b']]);
});

test('two items of one key never share a batch, and keep their order', async () => {
  const { runs, group } = recorded();
  await Promise.all(['a-1', 'b', 'a-2', 'c', 'a-3'].map(group));
  expect(runs).toEqual([['a-1', 'b', 'c'], ['a-2'], ['a-3']]);
});

test('a batch ends when it reaches the weight limit', async () => {
  const { runs, group } = recorded({ mostWeight: 4, weightOf: (item) => item.length });
  await Promise.all(['aaa', 'bbb', 'c', 'd'].map(group));
  expect(runs).toEqual([
    ['aaa', 'bbb'],
    ['c', 'd'],
  ]);
});

test('a failing item rejects its own call; the other items of its batch succeed', async () => {
  const { group } = recorded({
    async run(items) {
      if (items.includes('b')) throw new Error('b is bad');
      return items;
    },
  });
  const results = await Promise.allSettled(['a', 'b', 'c'].map(group));
  expect(results).toMatchObject([{ value: 'a' }, { reason: { message: 'b is bad' } }, { value: 'c' }]);
});

test('a fatal error rejects every call of its batch, and nothing is retried', async () => {
  let runs = 0;
  const { group } = recorded({
    isFatal: () => true,
    async run() {
      runs += 1;
      throw new Error('away');
    },
  });
  const results = await Promise.allSettled(['a', 'b'].map(group));
  expect(results.every(({ status }) => status === 'rejected')).toBe(true);
  expect(runs).toBe(1);
});

test('calls beyond the queue limit are refused', async () => {
  const { group } = recorded({ mostWaiting: 2 });
  const results = await Promise.allSettled(['a', 'b', 'c'].map(group));
  expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected']);
});
