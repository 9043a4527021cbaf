import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { sharedAnswer, sharedAnswers } from '../../src/lib/shared-answer.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Counts the calls of something that takes `tookMs`. */
function asking(tookMs: number) {
  let calls = 0;
  return async () => {
    const number = ++calls;
    await new Promise((resolve) => setTimeout(resolve, tookMs));
    return number;
  };
}

test('concurrent callers share one call and its result', async () => {
  const shared = sharedAnswer(60_000, asking(20));
  const answers = Promise.all([shared(), shared(), shared()]);
  await vi.advanceTimersByTimeAsync(20);
  expect(await answers).toEqual([1, 1, 1]);
  expect(await shared()).toBe(1);
});

test('a call that takes long rests for four times as long before the next', async () => {
  const shared = sharedAnswer(1, asking(100), 4);
  void shared();
  await vi.advanceTimersByTimeAsync(499);
  expect(await shared()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  const next = shared();
  await vi.advanceTimersByTimeAsync(100);
  expect(await next).toBe(2);
});

test('a failure is not kept', async () => {
  let calls = 0;
  const shared = sharedAnswer(60_000, async () => {
    calls += 1;
    if (calls === 1) throw new Error('away');
    return calls;
  });
  await expect(shared()).rejects.toThrow('away');
  expect(await shared()).toBe(2);
});

test('a failure that takes long rests as a result does', async () => {
  let calls = 0;
  const shared = sharedAnswer(
    1,
    async () => {
      calls += 1;
      await new Promise((resolve) => setTimeout(resolve, 100));
      throw new Error('too slow');
    },
    4,
  );
  const first = expect(shared()).rejects.toThrow('too slow');
  await vi.advanceTimersByTimeAsync(100);
  await first;
  await vi.advanceTimersByTimeAsync(399);
  const kept = expect(shared()).rejects.toThrow('too slow');
  expect(calls).toBe(1);
  await kept;
  await vi.advanceTimersByTimeAsync(1);
  const next = expect(shared()).rejects.toThrow('too slow');
  await vi.advanceTimersByTimeAsync(100);
  await next;
  expect(calls).toBe(2);
});

test('questions have answers of their own, each shared and kept for its time', async () => {
  const asked: unknown[] = [];
  const shared = sharedAnswers(1_000, async (question: { from: Date }) =>
    asked.push(question.from.getTime()),
  );
  const both = Promise.all([shared({ from: new Date(1) }), shared({ from: new Date(1) })]);
  expect(await both).toEqual([1, 1]);
  expect(await shared({ from: new Date(2) })).toBe(2);
  await vi.advanceTimersByTimeAsync(499);
  expect(await shared({ from: new Date(1) })).toBe(1);
  await vi.advanceTimersByTimeAsync(501);
  expect(await shared({ from: new Date(1) })).toBe(3);
  expect(asked).toEqual([1, 2, 1]);
});

test('who asks often waits for the first answer only, and gets none that is older than its time', async () => {
  const shared = sharedAnswers(1_000, asking(100));
  const first = shared('any');
  await vi.advanceTimersByTimeAsync(500);
  expect(await first).toBe(1);
  expect(await Promise.all([shared('any'), shared('any')])).toEqual([1, 1]);
  await vi.advanceTimersByTimeAsync(100);
  expect(await shared('any')).toBe(2);
  await vi.advanceTimersByTimeAsync(899);
  expect(await shared('any')).toBe(2);
  await vi.advanceTimersByTimeAsync(1);
  expect(await Promise.race([shared('any'), Promise.resolve('it waits')])).toBe('it waits');
});

test('a failure of a question is not kept', async () => {
  const answers = ['away', 2, 'away', 4];
  const shared = sharedAnswers(1_000, async () => {
    const answer = answers.shift();
    if (answer === 'away') throw new Error(answer);
    return answer;
  });
  await expect(shared('any')).rejects.toThrow('away');
  expect(await shared('any')).toBe(2);
  await vi.advanceTimersByTimeAsync(500);
  expect(await shared('any')).toBe(2);
  expect(await shared('any')).toBe(2);
  await vi.advanceTimersByTimeAsync(0);
  expect(await shared('any')).toBe(4);
});
