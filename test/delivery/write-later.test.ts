import { expect, test } from 'vitest';
import { writeLater } from '../../src/delivery/write-later.js';

const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

test('what comes together is written together, what is refused again, what comes later later', async () => {
  const written: number[][] = [];
  let refuse = 1;
  const later = writeLater<number>(async (items) => {
    await turn();
    if (refuse-- > 0) throw new Error('away');
    written.push(items);
  });
  for (const n of [1, 2, 3]) later.add(n);
  await turn();
  later.add(4);
  await later.close();
  expect(written.flat().sort()).toEqual([1, 2, 3, 4]);
  expect(written.length).toBeLessThanOrEqual(2);
});

test('a stop writes all there is, also what comes as the last write ends', async () => {
  const written: number[] = [];
  const later = writeLater<number>(async (items) => {
    await turn();
    written.push(...items);
    if (items[0] === 1) void Promise.resolve().then(() => later.add(2));
  });
  later.add(1);
  await later.close();
  expect(written).toEqual([1, 2]);
});

test('what is refused during a stop is dropped: the stop ends', async () => {
  let asked = 0;
  const later = writeLater<number>(() => {
    asked += 1;
    return Promise.reject(new Error('away'));
  });
  later.add(1);
  await later.close();
  expect(asked).toBe(1);
});
