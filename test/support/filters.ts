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
