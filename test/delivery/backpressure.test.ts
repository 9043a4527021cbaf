import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createBackpressure, type Backpressure } from '../../src/delivery/backpressure.js';

let lanes: Backpressure;
const pass = (ms: number) => vi.advanceTimersByTime(ms);

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  lanes = createBackpressure({ lane: 'auto', directAbove: 64 });
});
afterEach(() => {
  lanes.close();
  vi.useRealTimers();
});

test('where a few first attempts have not begun within a second, the next ones are made directly', () => {
  for (const id of ['a', 'b', 'c', 'd']) lanes.started(id, 1);
  pass(900);
  expect(lanes.choose()).toBe('workflow');
  pass(500);
  expect(lanes.choose()).toBe('direct');
  lanes.began('a');
  pass(500);
  expect(lanes.choose()).toBe('workflow');
});

test('a retry storm that is being handed over leaves Temporal neither first attempts nor mere records', () => {
  lanes.handingOver(64);
  expect(lanes.choose()).toBe('direct');
  lanes.handingOver(-29);
  pass(2_000);
  expect(lanes.choose()).toBe('direct');
  expect(lanes.idle()).toBe(false);
  lanes.handingOver(-35);
  pass(250);
  expect(lanes.choose()).toBe('workflow');
  expect(lanes.idle()).toBe(true);
});

test('retries wait in Postgres while Temporal has enough to do, whatever makes first attempts', () => {
  expect(lanes.queuesRetries()).toBe(false);
  lanes.handingOver(64);
  expect(lanes.queuesRetries()).toBe(true);
  lanes.handingOver(-64);
  pass(250);
  expect(lanes.queuesRetries()).toBe(false);
  const direct = createBackpressure({ lane: 'direct', directAbove: 1 });
  expect(direct.queuesRetries()).toBe(false);
  direct.handingOver(1);
  expect(direct.queuesRetries()).toBe(true);
  direct.close();
});

test('what is accepted together in one commit, and is more than may wait for Temporal, goes directly from the first on', () => {
  expect(lanes.choose(64)).toBe('workflow');
  expect(lanes.choose(65)).toBe('direct');
});

test('what begins in a part of a second is not taken for all that Temporal manages', () => {
  lanes.accepted(40);
  for (let i = 0; i < 64; i++) lanes.started(`w${i}`, 1);
  pass(250);
  for (let i = 0; i < 64; i++) lanes.began(`w${i}`);
  expect(lanes.choose(65)).toBe('direct');
  pass(250);
  expect(lanes.choose()).toBe('workflow');
});

test('Temporal was away for a while: what it manages is found out again, at the same load', () => {
  const loaded = (seconds: number) => {
    for (let tick = 0; tick < seconds * 4; tick++) {
      lanes.accepted(10);
      pass(250);
    }
  };
  for (let i = 0; i < 64; i++) lanes.started(`w${i}`, 1);
  loaded(2);
  for (let i = 0; i < 64; i++) lanes.began(`w${i}`);
  loaded(2);
  expect(lanes.choose()).toBe('direct');
  loaded(10);
  expect(lanes.choose()).toBe('workflow');
});

test('a workflow that is asked for again is waited for once', () => {
  for (let i = 0; i < 100; i++) lanes.started('same', 1);
  expect(lanes.choose()).toBe('workflow');
  lanes.began('same');
  expect(lanes.idle()).toBe(true);
});

test('who has started a workflow is told when its first attempts have begun, or after a while', async () => {
  lanes.started('deliver:a:1', 2);
  let told = false;
  const begun = lanes.begun('deliver:a:1', 60_000).then(() => (told = true));
  lanes.began('deliver:a:1');
  await Promise.resolve();
  expect(told).toBe(false);
  lanes.began('deliver:a:1');
  await begun;
  lanes.started('deliver:a:2', 1);
  await lanes.begun('deliver:a:2', 1);
  await lanes.begun('of another process', 60_000);
});
