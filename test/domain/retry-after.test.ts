import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { parseRetryAfter } from '../../src/domain/retry-after.js';
import { anyText } from '../support/text.js';

const now = new Date('2026-01-01T00:00:00Z');
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const two = (number: number) => String(number).padStart(2, '0');
const month = (at: Date) => at.toUTCString().slice(8, 11);
const clock = (at: Date) => at.toISOString().slice(11, 19);

test.each([
  ['120', 120_000],
  ['1.5', 1_500],
  ['0.0004', 1],
  ['2.', 2_000],
  ['.5', 500],
  ['120, 120', 120_000],
  ['1.5,1.5 , 1.5', 1_500],
  ['Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Thu, 01 Jan 2026 00:01:00 GMT, Thu, 01 Jan 2026 00:01:00 GMT', 60_000],
  ['Thu, 01 Jan 2026 00:01:00', 60_000],
  ['01 Jan 2026 00:01:00', 60_000],
  ['Thu, 01 Jan 2026 02:01:00 +0200', 60_000],
  ['Thursday, 01-Jan-26 00:01:00 GMT', 60_000],
  ['Thu Jan  1 00:01:00 2026', 60_000],
  ['2026-01-01T00:01:00Z', 60_000],
  ['2026-01-01T00:01:00', 60_000],
  ['2026-01-01 00:01:00', 60_000],
  ['2026-01-01T00:01:00.250Z', 60_000],
  ['2026-01-01T02:01:00+02:00', 60_000],
  ['2025-12-31T19:01:00-0500', 60_000],
  ['2026-01-01T00:01Z', 60_000],
  ['2026-01-02', 86_400_000],
  // A two-digit year is at most 50 years ahead, else in the past (RFC 9110, 5.6.7).
  ['Wednesday, 01-Jan-76 00:00:00 GMT', Date.UTC(2076, 0, 1) - now.getTime()],
  ['Saturday, 01-Jan-77 00:00:00 GMT', null],
  ['Wed, 31 Dec 2025 00:00:00 GMT', null],
  ['2025-12-31T23:59:59Z', null],
  ['0', null],
  ['-5', null],
  ['+5', null],
  ['1e3', null],
  ['0x10', null],
  ['Infinity', null],
  ['1.5.2', null],
  ['60, 120', null],
  ['120 s', null],
  ['Thu, 31 Feb 2026 00:00:00 GMT', null],
  ['Thu, 01 Foo 2026 00:00:00 GMT', null],
  ['2026-13-01T00:00:00Z', null],
  ['2026-01-01T24:01:00Z', null],
  ['soon', null],
  ['', null],
  [',', null],
  ['1'.repeat(201), null],
  [null, null],
])('Retry-After %j is %j ms', (value, expected) => {
  expect(parseRetryAfter(value, now)).toBe(expected);
});

const moment = fc.date({
  min: new Date(now.getTime() + 1_000),
  max: new Date('2070-01-01'),
  noInvalidDate: true,
});
const whole = moment.map((at) => new Date(Math.floor(at.getTime() / 1_000) * 1_000));
const offset = fc.integer({ min: -14 * 60, max: 14 * 60 });

describe.each<[string, (at: Date) => string]>([
  ['an IMF-fixdate', (at) => at.toUTCString()],
  ['an IMF-fixdate without its zone', (at) => at.toUTCString().replace(' GMT', '')],
  [
    'an RFC 850 date',
    (at) =>
      `${DAYS[at.getUTCDay()]}, ${two(at.getUTCDate())}-${month(at)}-${two(at.getUTCFullYear() % 100)} ${clock(at)} GMT`,
  ],
  [
    'an asctime date',
    (at) =>
      `${DAYS[at.getUTCDay()]!.slice(0, 3)} ${month(at)} ${String(at.getUTCDate()).padStart(2)} ${clock(at)} ${at.getUTCFullYear()}`,
  ],
  ['an ISO time', (at) => at.toISOString()],
  ['an ISO time without its zone', (at) => at.toISOString().slice(0, 19)],
])('%s', (_name, write) => {
  it('is parsed to its moment, once or repeated, in any time zone of the machine', () => {
    const zone = process.env.TZ;
    try {
      for (process.env.TZ of ['UTC', 'Asia/Kolkata', 'America/St_Johns'])
        fc.assert(
          fc.property(whole, fc.integer({ min: 1, max: 3 }), (at, times) => {
            const value = Array(times).fill(write(at)).join(', ');
            expect(parseRetryAfter(value, now)).toBe(at.getTime() - now.getTime());
          }),
        );
    } finally {
      if (zone === undefined) delete process.env.TZ;
      else process.env.TZ = zone;
    }
  });
});

it('an ISO time with an offset is parsed to its moment', () => {
  fc.assert(
    fc.property(whole, offset, (at, minutes) => {
      const local = new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, 19);
      const size = Math.abs(minutes);
      const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
      expect(parseRetryAfter(local + zone, now)).toBe(at.getTime() - now.getTime());
    }),
  );
});

it('fractional seconds are rounded up by less than a millisecond', () => {
  fc.assert(
    fc.property(fc.nat(100_000), fc.stringMatching(/^\d{1,12}$/), (seconds, fraction) => {
      const value = `${seconds}.${fraction}`;
      const ms = parseRetryAfter(value, now) ?? 0;
      expect(ms - Number(value) * 1_000).toBeGreaterThan(-1e-4);
      expect(ms - Number(value) * 1_000).toBeLessThan(1 + 1e-4);
    }),
  );
});

it('any text gives null or a positive delay, never an error', () => {
  const text = fc.oneof(anyText(250), fc.string({ unit: fc.constantFrom(...'0123456789.,:-+ TZGMJan') }));
  fc.assert(
    fc.property(text, (value) => {
      const ms = parseRetryAfter(value, now);
      expect(ms === null || ms > 0).toBe(true);
      if (!/\d/.test(value)) expect(ms).toBeNull();
    }),
    { numRuns: 500 },
  );
});
