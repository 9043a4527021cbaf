import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { matchFilters } from '../../src/db/filters.js';
import { compileFilter, readFilter } from '../../src/domain/filter.js';
import { passes as matches } from '../../src/domain/filter-meaning.js';
import { anyFilter, anyJsonLikeFilter, anyPayload } from '../support/filters.js';
import { addEndpoints, openTestDatabase, type TestDatabase } from '../support/open-deliveries.js';

let database: TestDatabase;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());

/** The filter is written and read again, as by pg_dump. */
async function passes(filter: unknown, payload: string): Promise<boolean> {
  const { predicate, cost } = compileFilter(filter as Record<string, unknown>);
  const { rows } = await database.pool.query<{ passes: boolean }>({
    name: 'passes',
    text: `select filter_passes($1::jsonpath::text::jsonpath, $2, document, payload_size($3, document)) as passes
      from (select payload_document($3) as document offset 0) read`,
    values: [predicate, cost, payload],
  });
  return rows[0]!.passes;
}

describe('the filter of the documentation', () => {
  const payload = {
    amount: 12,
    customer: { plan: 'pro', tags: ['eu', 'vip'] },
    items: [{ sku: 'a' }, { sku: 'b', n: [2, 3] }],
    none: null,
  };
  it.each<[string, unknown, boolean]>([
    ['a value', { amount: 12 }, true],
    ['a range', { amount: { $gt: 10, $lte: 12 } }, true],
    ['a path', { 'customer.plan': { $in: ['free', 'pro'] } }, true],
    ['an element of a list', { 'customer.tags': 'vip' }, true],
    ['no element of a list', { 'customer.tags': { $ne: 'vip' } }, false],
    ['a field of an object in a list', { 'items.sku': 'b' }, true],
    ['an element of a list in a list of objects', { 'items.n': { $gte: 3 } }, true],
    ['a missing field', { 'customer.age': { $lt: 100 } }, false],
    ['a missing field that must not be equal', { 'customer.age': { $ne: 5 } }, true],
    ['a missing field and null', { age: null }, false],
    ['null', { none: null }, true],
    ['a null that exists', { none: { $exists: true } }, true],
    ['another type', { amount: '12' }, false],
    ['another type in a comparison', { amount: { $gt: '1' } }, false],
    ['a prefix', { 'customer.plan': { $startsWith: 'pr' } }, true],
    ['a suffix, whose full stop is no wildcard', { 'customer.plan': { $endsWith: '.o' } }, false],
    ['one of two', { $or: [{ amount: 1 }, { 'customer.plan': 'pro' }] }, true],
    ['a negation', { $not: { amount: 12, 'customer.plan': 'free' } }, true],
  ])('%s', async (_name, filter, expected) => {
    expect(await passes(filter, JSON.stringify(payload))).toBe(expected);
    expect(matches(filter, payload)).toBe(expected);
  });
});

test('Postgres says what the reference says, of any filter and any payload', async () => {
  const seen = { true: 0, false: 0 };
  await fc.assert(
    fc.asyncProperty(anyFilter, anyPayload, async (filter, payload) => {
      const text = JSON.stringify(payload);
      const expected = matches(filter, JSON.parse(text));
      seen[`${expected}`]++;
      expect(await passes(filter, text)).toBe(expected);
    }),
    { numRuns: 3_000 },
  );
  // The test would be empty if all filters said the same.
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(300);
});

test('Postgres can evaluate whatever is not refused as a filter', async () => {
  let evaluated = 0;
  await fc.assert(
    fc.asyncProperty(anyJsonLikeFilter, anyPayload, async (given, payload) => {
      if (readFilter(given).faults.length > 0) return;
      evaluated++;
      const text = JSON.stringify(payload);
      expect(await passes(given, text)).toBe(matches(given, JSON.parse(text)));
    }),
    { numRuns: 4_000 },
  );
  expect(evaluated).toBeGreaterThan(200);
});

describe('a payload that Postgres does not keep as jsonb', () => {
  const filter = { a: 'x\ufffdy' };
  it.each([
    ['NUL', String.raw`{"a":"x\u0000y"}`],
    ['half a pair, the first', String.raw`{"a":"x\ud83dy"}`],
    ['half a pair, the second', String.raw`{"a":"x\uDE00y"}`],
    ['NUL beside escapes that look like it', String.raw`{"a":"x\u0000y","b":"\\u0000\\\u0000\\\\ud800"}`],
  ])('is read with U+FFFD in place of %s', async (_name, payload) => {
    expect(await passes(filter, payload)).toBe(true);
    expect(await passes({ a: 'z' }, payload)).toBe(false);
  });

  it('keeps backslashes and whole pairs when something else is replaced', async () => {
    const payload = String.raw`{"a":"\u0000","b":"\\u0000","c":"\ud83d\ude00","d":"\\","e":"\ud83d\ud83d\ude00"}`;
    const filter = { b: '\\u0000', c: '😀', d: '\\', e: '\ufffd😀' };
    expect(await passes(filter, payload)).toBe(true);
  });

  it.each([
    ['second halves', String.raw`\udc00`.repeat(43_690)],
    ['first halves', String.raw`\ud800`.repeat(43_690)],
    ['second halves behind pairs', String.raw`\ud83d\ude00\ude00`.repeat(14_563)],
  ])('of 256 KiB of lone %s is filtered within the time of a statement', async (_name, text) => {
    const payload = `{"a":"x","b":"${text}"}`;
    expect(await passes({ a: 'x' }, payload)).toBe(true);
    expect(await passes({ a: 'y' }, payload)).toBe(false);
  });

  it.each([
    ['a number out of range', '{"a":1e131072}'],
    ['a number too small', '{"a":1e-20000}'],
  ])('passes every filter where it has %s', async (_name, payload) => {
    expect(await passes({ a: 'z' }, payload)).toBe(true);
    expect(await passes({ a: { $exists: false } }, payload)).toBe(true);
  });

  it('is filtered at the greatest depth', async () => {
    const deep = `${'[0,'.repeat(999)}${']'.repeat(999)}`.replaceAll(',]', ']');
    expect(await passes({ a: 1 }, deep)).toBe(false);
    expect(await passes({ a: { $ne: 1 } }, `{"b":${deep.slice(3, -1)}}`)).toBe(true);
  });

  it('passes every filter that would take too long', async () => {
    const wide = JSON.stringify({ a: Array(100_000).fill(1) });
    expect(await passes({ a: 2 }, wide)).toBe(false);
    expect(await passes({ a: { $in: [2, 3] } }, wide)).toBe(true);
  });

  it('is filtered, however large, where its arrays are short', async () => {
    const large = JSON.stringify({
      a: 1,
      ...Object.fromEntries(Array.from({ length: 12_000 }, (_, i) => [`k${i}`, [i]])),
    });
    expect(await passes({ a: { $in: [2, 3, 4, 5, 6, 7, 8, 9, 10, 11] } }, large)).toBe(false);
  });
});

test('a dry run asks the filters of 20 endpoints in one statement, and answers in their order', async () => {
  const ids = [
    ...(await addEndpoints(database.pool, 45, { filter: { a: 1 } })),
    ...(await addEndpoints(database.pool, 5, { filter: { a: 2 } })),
  ].reverse();
  const sizes: number[] = [];
  const counting = {
    query: (text: string, values: unknown[]) => {
      sizes.push((values[1] as unknown[]).length);
      return database.pool.query(text, values);
    },
  } as TestDatabase['pool'];
  const endpoints = ids.map((id, i) => ({ id, filter: i < 5 ? { a: 2 } : { a: 1 } }));
  const matches = await matchFilters(counting, '{"a":1}', endpoints);
  expect(matches.map(({ endpoint_id }) => endpoint_id)).toEqual(ids);
  expect(matches.map(({ filter }) => filter)).toEqual([
    ...Array<string>(5).fill('fails'),
    ...Array<string>(45).fill('passes'),
  ]);
  expect(matches[0]!.failed).toEqual(['a']);
  expect(sizes).toEqual([20, 5, 20, 10]);
});

test('the size of a payload is at least the elements of its lists, also where no comma separates them', async () => {
  const elements = (value: unknown): number => {
    const inside = typeof value === 'object' && value !== null ? Object.values(value) : [];
    return inside.reduce<number>((sum, one) => sum + elements(one), Array.isArray(value) ? value.length : 0);
  };
  const sizeOf = async (payload: string) => {
    const sql = 'select payload_size($1, payload_document($1)) as size';
    return (await database.pool.query<{ size: number }>(sql, [payload])).rows[0]!.size;
  };
  for (const depth of [10, 400, 900]) {
    const nested = `${'[{"a":'.repeat(depth / 2)}[1]${'}]'.repeat(depth / 2)}`;
    expect(await sizeOf(nested)).toBeGreaterThanOrEqual(32 + depth / 2 + 1);
  }
  await fc.assert(
    fc.asyncProperty(anyPayload, async (payload) => {
      expect(await sizeOf(JSON.stringify(payload))).toBeGreaterThanOrEqual(32 + elements(payload));
    }),
  );
});

test('a text that stands for another content type has no fields', async () => {
  expect(await passes({ a: 1 }, '"a=1"')).toBe(false);
  expect(await passes({ a: { $exists: false } }, '"a=1"')).toBe(true);
});

test('any text in place of a payload gets an answer', async () => {
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: 'binary' }), async (text) => {
      await passes({ a: 1 }, text.toWellFormed().replaceAll('\0', ''));
    }),
  );
});
