import { afterEach, expect, test, vi } from 'vitest';
import { createRetryingWriter } from '../../src/lib/retrying-writer.js';
import { createLogger } from '../../src/observability/logger.js';

const log = createLogger('silent');

afterEach(() => {
  vi.useRealTimers();
});

const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

test('items added together are written together, and refused ones again with later ones', async () => {
  const written: number[][] = [];
  let refuse = 1;
  const later = createRetryingWriter<number>('numbers', log, async (items) => {
    await turn();
    if (refuse-- > 0) return items;
    written.push(items);
    return [];
  });
  for (const n of [1, 2, 3]) later.add(n);
  await turn();
  later.add(4);
  await later.close();
  expect(written.flat().sort()).toEqual([1, 2, 3, 4]);
  expect(written.length).toBeLessThanOrEqual(2);
});

test('a stop writes all items, including one added as the last write ends', async () => {
  const written: number[] = [];
  const later = createRetryingWriter<number>('numbers', log, async (items) => {
    await turn();
    written.push(...items);
    if (items[0] === 1) void Promise.resolve().then(() => later.add(2));
    return [];
  });
  later.add(1);
  await later.close();
  expect(written).toEqual([1, 2]);
});

test('the age of the oldest item counts from when it was added, also while it is written again', async () => {
  vi.useFakeTimers();
  let away = true;
  const later = createRetryingWriter<number>('numbers', log, (items) => Promise.resolve(away ? items : []));
  expect(later.behindMs()).toBe(0);
  later.add(1);
  await vi.advanceTimersByTimeAsync(2_000);
  later.add(2);
  expect(later.behindMs()).toBe(2_000);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(later.behindMs()).toBe(12_000);
  away = false;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(later.behindMs()).toBe(0);
});

test('a stop does not wait for the back-off of refused items', async () => {
  vi.useFakeTimers();
  const refused: number[][] = [];
  let away = true;
  const later = createRetryingWriter<number>('numbers', log, (items) => {
    if (away) refused.push(items);
    return Promise.resolve(away ? items : []);
  });
  later.add(1);
  while (refused.length < 3) await vi.advanceTimersByTimeAsync(100);
  away = false;
  // The clock stands still: waiting for the next retry would never end.
  await later.close();
  expect(refused).toHaveLength(3);
});

test('items refused during a stop are dropped, so that the stop ends', async () => {
  let asked = 0;
  const later = createRetryingWriter<number>('numbers', log, (items) => {
    asked += 1;
    return Promise.resolve(items);
  });
  later.add(1);
  await later.close();
  expect(asked).toBe(1);
});
