import { expect, test } from 'vitest';
import { newestAttempts, newestEvents } from '../../dashboard/src/live/newest-rows.js';

const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
const attempt = (delivery_id: string, second: number, { number = 1, latency_ms = 10 } = {}) => ({
  ...{ delivery_id, number, latency_ms },
  started_at: at(second),
});
const shown = (rows: ReturnType<typeof attempt>[]) =>
  newestAttempts(rows).map(({ delivery_id, number }) => `${delivery_id}${number}`);

test('rows that come late, and again, are in their place once', () => {
  const ticked = [attempt('c', 30), attempt('b', 20)];
  const earlier = [attempt('a', 10), attempt('b', 20), attempt('b', 25, { number: 2 })];
  expect(shown([...ticked, ...earlier])).toEqual(['c1', 'b2', 'b1', 'a1']);
});

test('an attempt has its place by its end', () => {
  expect(shown([attempt('fast', 20), attempt('slow', 1, { latency_ms: 30_000 })])).toEqual([
    'slow1',
    'fast1',
  ]);
});

test('the newest 20 are kept', () => {
  const events = Array.from({ length: 30 }, (_, n) => ({ id: `evt_${n}`, created_at: at(n) }));
  expect(newestEvents(events)).toEqual(events.slice(10).reverse());
});
