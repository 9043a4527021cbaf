import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import {
  compileFilter,
  MAX_FILTER_BYTES,
  MAX_PREDICATE,
  readFilter,
  type Filter,
} from '../../src/domain/filter.js';
import { anyFilter, anyJsonLikeFilter } from '../support/filters.js';
import { hasPlace } from '../support/json.js';

const faultsOf = (filter: unknown) =>
  readFilter(filter).faults.map(({ path, message }) => `${path.join('/')}: ${message}`);

/** `$not` so many times around one condition. */
const nested = (levels: number): unknown => (levels === 1 ? { a: 1 } : { $not: nested(levels - 1) });

describe('a filter that is refused', () => {
  it.each<[string, unknown, RegExp]>([
    ['a list', [], /^: Must be an object/],
    ['a text', 'a', /^: Must be an object/],
    ['no condition', {}, /^: Must hold at least one condition/],
    ['no operator', { a: {} }, /^a: Must hold at least one condition/],
    ['an unknown operator at the top', { $nor: [{ a: 1 }] }, /^\$nor: Is not known here/],
    [
      'an unknown operator of a path',
      { a: { $regex: 'x' } },
      /^a\/\$regex: Is not an operator of a path: \$eq/,
    ],
    ['an operator of JavaScript', { a: { constructor: 1 } }, /^a\/constructor: Is not an operator/],
    ['a field of a field', { customer: { plan: 'pro' } }, /^customer\/plan: .*"customer\.plan"/],
    ['a list as a value', { a: [1] }, /^a: Must be a value/],
    ['an object as a value', { a: { $eq: {} } }, /^a\/\$eq: Must be a string/],
    ['an empty $or', { $or: [] }, /^\$or: Must be a list/],
    ['an empty $in', { a: { $in: [] } }, /^a\/\$in: Must be a list/],
    ['an object in $in', { a: { $in: [1, {}] } }, /^a\/\$in\/1: Must be a string/],
    ['a fault deep inside', { $or: [{ a: 1 }, { b: { $gt: true } }] }, /^\$or\/1\/b\/\$gt: Must be a number/],
    ['$exists that is neither true nor false', { a: { $exists: 1 } }, /^a\/\$exists: Must be true or false/],
    ['an empty suffix', { a: { $endsWith: '' } }, /^a\/\$endsWith: Must be a string, not empty/],
    ['an object as a prefix', { a: { $startsWith: { toString: 1 } } }, /^a\/\$startsWith: Must be a string/],
    ['a list as a suffix', { a: { $endsWith: [{ toString: 1 }] } }, /^a\/\$endsWith: Must be a string/],
    ['a number as a prefix', { a: { $startsWith: 5 } }, /^a\/\$startsWith: Must be a string/],
    ['a suffix of 257 characters', { a: { $endsWith: 'x'.repeat(257) } }, /^a\/\$endsWith: At most 256/],
    ['an empty key', { 'a..b': 1 }, /^a\.\.b: Must be keys/],
    ['a path of 33 keys', { [Array(33).fill('a').join('.')]: 1 }, /: At most 32 keys/],
    ['NUL in a value', { a: 'x\0' }, /^a: Must not hold U\+0000/],
    ['NUL in a key', { 'a\0': 1 }, /: Must not hold U\+0000/],
    ['half a surrogate pair', { a: { $in: ['\ud800'] } }, /^a\/\$in\/0: Must not hold/],
    ['a number that JSON.parse rounds', { a: 2 ** 53 }, /^a: Must be a number that is kept exactly/],
    ['a number out of range', { a: JSON.parse('1e400') as unknown }, /^a: Must be a number/],
    ['eleven levels', nested(11), /: At most 10 levels/],
    ['4 KiB and a byte', { a: 'x'.repeat(MAX_FILTER_BYTES - 7) }, /^: At most 4096 bytes/],
    [
      '201 comparisons',
      { a: { $in: Array.from({ length: 201 }, (_, i) => i) } },
      /^: At most 200 comparisons/,
    ],
    ['six suffixes', { $and: Array(6).fill({ a: { $endsWith: 'x' } }) }, /^: At most 200 comparisons/],
  ])('has %s', (_name, filter, fault) => {
    expect(faultsOf(filter).join('\n')).toMatch(fault);
    expect(faultsOf(filter)).toHaveLength(1);
  });

  it('has its faults counted to 21, however many there are', () => {
    const filter = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`a${i}`, []]));
    expect(readFilter(filter).faults).toHaveLength(21);
  });

  it('may be nested without end', () => {
    const filter = JSON.parse(`${'{"$not":'.repeat(50_000)}1${'}'.repeat(50_000)}`) as unknown;
    expect(faultsOf(filter)).toHaveLength(1);
  });
});

describe('a filter that would compile to a large predicate', () => {
  const inList = (key: number, values: number, value: unknown = 1) => ({
    ['a'.repeat(key)]: { $in: Array(values).fill(value) },
  });

  it('is refused for its bytes before it is compiled', () => {
    // Compiled, it would be longer than a string can be.
    expect(faultsOf(inList(150_000, 75_000))).toEqual([': At most 4096 bytes of JSON.']);
  });

  it('is refused where a long path is repeated for each value', () => {
    expect(faultsOf(inList(3_600, 199))).toEqual([expect.stringMatching(/^: At most 16384 bytes when/)]);
    expect(faultsOf(inList(40, 199))).toEqual([]);
    // A text of 8 characters takes 10 with its quotes.
    expect(compileFilter(inList(60, 199, 'x'.repeat(8))).predicate.length).toBeLessThanOrEqual(MAX_PREDICATE);
    expect(faultsOf(inList(60, 199, 'x'.repeat(9)))).toEqual([
      expect.stringMatching(/^: At most 16384 bytes when/),
    ]);
  });
});

test('the limits themselves are allowed', () => {
  expect(faultsOf(nested(10))).toEqual([]);
  expect(faultsOf({ a: 'x'.repeat(MAX_FILTER_BYTES - 8) })).toEqual([]);
  expect(faultsOf({ a: { $in: Array.from({ length: 200 }, (_, i) => i) } })).toEqual([]);
});

test('any filter that is made of known parts is allowed, and its predicate holds no quote that ends a string', () => {
  fc.assert(
    fc.property(anyFilter, (filter) => {
      expect(faultsOf(filter)).toEqual([]);
      // Without its strings, only the compiler's own text is left.
      const rest = compileFilter(filter).predicate.replaceAll(/"(?:[^"\\]|\\.)*"/gu, '');
      expect(rest).toMatch(/^[$.@()?=<>!&|\w\s+-]*$/);
    }),
  );
});

test('any JSON in place of a filter is refused at places that it has, or can be compiled', () => {
  const seen = { refused: 0, compiled: 0 };
  fc.assert(
    fc.property(anyJsonLikeFilter, (given) => {
      const { faults } = readFilter(given);
      seen[faults.length > 0 ? 'refused' : 'compiled']++;
      if (faults.length === 0) expect(compileFilter(given as Filter).predicate).not.toBe('');
      for (const { path } of faults) expect(hasPlace(given, path)).toBe(true);
    }),
    { numRuns: 5_000 },
  );
  expect(Math.min(seen.refused, seen.compiled)).toBeGreaterThan(300);
});

test('a path inside the filter names each condition that must hold', () => {
  const filter = { a: { $gt: 1, $lt: 5 }, $and: [{ b: 1 }, { $or: [{ c: 1 }, { d: 1 }] }], $not: { e: 1 } };
  expect(readFilter(filter).parts.map(({ path }) => path.join('/'))).toEqual([
    'a/$gt',
    'a/$lt',
    '$and/0/b',
    '$and/1/$or',
    '$not',
  ]);
});
