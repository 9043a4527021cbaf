import fc from 'fast-check';
import type { Filter } from '../../src/domain/filter.js';
import { changedInOnePlace, jsonOf } from './json.js';

/** Few, so that filters and payloads meet; some that a careless quotation would break. */
const KEYS = ['a', 'b', 'c', '$', '@', 'k"ey', "k'ey", 'back\\slash', 'ünï 😀', 'new\nline', '*', '$.a', '0'];
const STRINGS = [
  ...['', 'x', 'xy', 'y', 'X', '1', 'true', '"', '\\', '\\\\', '") || true || ("', "'", '$', '@', '$.a'],
  ...[
    '.*',
    'x.y',
    '[x]',
    '(',
    '{1}',
    '^x$',
    'x|y',
    '\\d',
    '\n',
    'x\n',
    '\u2028',
    '\u007f',
    '😀',
    'é',
    '\uffee',
  ],
];
const key = fc.constantFrom(...KEYS);
const string = fc.oneof(
  fc.constantFrom(...STRINGS),
  fc.string({ unit: 'binary', maxLength: 4 }).map(storable),
);
const number = fc.constantFrom(0, -0, 1, -1, 1.5, 2, 10, 1e-7, 1e21 / 3e5, -123.456, Number.MAX_SAFE_INTEGER);
export const scalar = fc.oneof(string, number, fc.boolean(), fc.constant(null));

function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '');
}

const path = fc
  .array(
    key.map((one) => one.replaceAll('.', '')),
    { minLength: 1, maxLength: 3 },
  )
  .map((keys) => keys.join('.'));
/** A path that begins with `$` would be an operator. */
const fieldPath = path.filter((one) => !one.startsWith('$'));
const values = fc.array(scalar, { minLength: 1, maxLength: 3 });
const ordered = fc.oneof(string, number);
const some = string.filter((text) => text !== '');

const { condition } = fc.letrec<{ condition: unknown; operators: object }>((tie) => ({
  condition: fc.oneof({ weight: 1, arbitrary: scalar }, { weight: 3, arbitrary: tie('operators') }),
  operators: fc.oneof(
    { maxDepth: 2 },
    fc.record({ $eq: scalar }),
    fc.record({ $ne: scalar }),
    fc.record({ $in: values }),
    fc.record({ $nin: values }),
    fc.record({ $exists: fc.boolean() }),
    ...['$gt', '$gte', '$lt', '$lte'].map((name) => fc.record({ [name]: ordered })),
    fc.record({ $startsWith: some }),
    fc.record({ $endsWith: some }),
    fc.record({ $gte: ordered, $lt: ordered }),
    fc.record({ $not: tie('operators') }),
  ),
}));

/** Valid filters, of hostile keys and values. */
export const anyFilter: fc.Arbitrary<Filter> = fc.letrec<{ filter: Filter }>((tie) => ({
  filter: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.dictionary(fieldPath, condition, { minKeys: 1, maxKeys: 2 }),
    fc.record({ $or: fc.array(tie('filter'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ $and: fc.array(tie('filter'), { minLength: 1, maxLength: 2 }) }),
    fc.record({ $not: tie('filter') }),
  ),
})).filter;

const NAMES = '$eq $ne $in $nin $exists $gt $gte $lt $lte $startsWith $endsWith $and $or $not $nor $';
const ODD_NAMES = ['', 'a', 'a.b', 'a..b', '__proto__', 'toString', 'a\0', '\ud800'];
const odd = fc.constantFrom<unknown>(2 ** 53, 1e300, 1e-320, '', 'x\0', '\ud800', 'x'.repeat(300));
const anyJsonOfFilters = jsonOf([...NAMES.split(' '), ...ODD_NAMES], fc.oneof(scalar, scalar, odd));

/** JSON of the words of filters, alone or in one place of a valid filter. */
export const anyJsonLikeFilter: fc.Arbitrary<unknown> = fc.oneof(
  { weight: 1, arbitrary: anyJsonOfFilters },
  { weight: 4, arbitrary: changedInOnePlace(anyFilter, anyJsonOfFilters) },
);

/** Payloads with the same keys and values. */
export const anyPayload: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, depthSize: 'medium' },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(key, tie('value'), { maxKeys: 4 }),
  ),
})).value;

/** The meaning of a filter, without Postgres: the table in docs/filters.md, word for word. */
export function matches(filter: unknown, payload: unknown): boolean {
  return Object.entries(filter as object).every(([name, given]: [string, unknown]) => {
    if (name === '$and') return (given as unknown[]).every((one) => matches(one, payload));
    if (name === '$or') return (given as unknown[]).some((one) => matches(one, payload));
    if (name === '$not') return !matches(given, payload);
    const found = name
      .split('.')
      .reduce<unknown[]>(
        (values, key) =>
          values.flatMap((value) =>
            (Array.isArray(value) ? value : [value]).flatMap((one: unknown) =>
              typeof one === 'object' && one !== null && !Array.isArray(one) && Object.hasOwn(one, key)
                ? [(one as Record<string, unknown>)[key]]
                : [],
            ),
          ),
        [payload],
      );
    return holds(typeof given === 'object' && given !== null ? given : { $eq: given }, found);
  });
}

function holds(operators: object, found: unknown[]): boolean {
  const any = (test: (value: unknown) => boolean) =>
    found.some((value) => (Array.isArray(value) ? value.some(test) : test(value)));
  return Object.entries(operators).every(([name, given]: [string, unknown]) => {
    const among = (list: unknown) => any((value) => (list as unknown[]).some((one) => isEqual(one, value)));
    switch (name) {
      case '$eq':
        return among([given]);
      case '$ne':
        return !among([given]);
      case '$in':
        return among(given);
      case '$nin':
        return !among(given);
      case '$exists':
        return found.length > 0 === given;
      case '$not':
        return !holds(given as object, found);
      case '$startsWith':
        return any((value) => typeof value === 'string' && value.startsWith(given as string));
      case '$endsWith':
        return any((value) => typeof value === 'string' && value.endsWith(given as string));
      default:
        return any((value) => typeof value === typeof given && compares(name, order(value, given)));
    }
  });
}

const isEqual = (a: unknown, b: unknown) => a === b;

function compares(operator: string, sign: number): boolean {
  if (operator === '$gt') return sign > 0;
  if (operator === '$gte') return sign >= 0;
  return operator === '$lt' ? sign < 0 : sign <= 0;
}

/** Strings by code points, where JavaScript compares halves of surrogate pairs. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'number') return a - (b as number);
  return Buffer.compare(Buffer.from(a as string), Buffer.from(b as string));
}
