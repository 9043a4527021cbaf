import { afterEach, expect, test, vi } from 'vitest';
import { ConnectionError, SurehookError, TimeoutError } from '../../src/client/errors.js';
import { retryDelay } from '../../src/client/retry-delay.js';

afterEach(() => void vi.useRealTimers());

const least = () => 1;
const most = () => 0;
const answered = (status: number, retryAfter?: string) => ({
  response: new Response(null, {
    status,
    headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
  }),
  text: '',
});
const inSeconds = (seconds: number) => new Date(Date.now() + seconds * 1_000).toUTCString();

test('delays double from 250 ms to 8 s, less a quarter at most', () => {
  const lost = { error: new ConnectionError('lost') };
  const delays = [1, 2, 3, 4, 5, 6, 7, 100].map((tries) => retryDelay(lost, tries, most));
  expect(delays).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  expect(retryDelay(lost, 3, least)).toBe(750);
  expect(retryDelay({ error: new TimeoutError('late') }, 1, most)).toBe(250);
});

test.each([408, 425, 429, 500, 502, 503, 504])('%i is tried again', (status) => {
  expect(retryDelay(answered(status), 1, most)).toBe(250);
});

test.each([302, 400, 401, 404, 409, 413, 422, 501])('%i is not tried again', (status) => {
  expect(retryDelay(answered(status, '1'), 1)).toBeNull();
});

test('an error that is no lost connection is not tried again', () => {
  expect(retryDelay({ error: new SurehookError('not JSON') }, 1)).toBeNull();
  expect(retryDelay({ error: new DOMException('aborted', 'AbortError') }, 1)).toBeNull();
});

test('a Retry-After is honoured up to a minute, and a longer one is left to the caller', () => {
  expect(retryDelay(answered(503, '0'), 5)).toBe(0);
  expect(retryDelay(answered(429, '60'), 1)).toBe(60_000);
  expect(retryDelay(answered(429, '61'), 1)).toBeNull();
  expect(retryDelay(answered(503, 'soon'), 1, most)).toBe(250);
  // A date has whole seconds.
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 });
  expect(retryDelay(answered(503, inSeconds(-10)), 1)).toBe(0);
  expect(retryDelay(answered(503, inSeconds(3_600)), 1)).toBeNull();
  expect(retryDelay(answered(503, inSeconds(30)), 1)).toBe(30_000);
});
