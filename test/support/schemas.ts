import fc from 'fast-check';
import type { JsonSchema } from '../../src/domain/json-schema.js';
import { jsonOf } from './json.js';

const NAMES = ['a', 'b', '__proto__', 'x/y~', '0'];
const name = fc.constantFrom(...NAMES);
/** A schema cannot name it as a field. */
const field = fc.constantFrom(...NAMES.filter((one) => one !== '__proto__'));
const value = fc.constantFrom<unknown>(null, true, 0, 1, 1.5, -1, '', 'a', 'ab', '😀');
const type = fc.constantFrom('string', 'number', 'integer', 'boolean', 'null', 'object', 'array');
const length = fc.nat({ max: 3 });

const instancesOf = (names: string[]): fc.Arbitrary<unknown> =>
  fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      value,
      fc.array(tie('value'), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 3, noNullPrototype: true }),
    ),
  })).value;

/** Payloads with the names and values of `anySchema`. */
export const anyInstance = instancesOf(NAMES);
/** With names, too, that JavaScript gives a meaning to. */
export const anyHostileInstance = instancesOf([
  'a',
  '__proto__',
  'toString',
  'valueOf',
  'constructor',
  'length',
]);

/** Valid schemas without recursion, with parts in `$defs`. */
export const anySchema: fc.Arbitrary<JsonSchema> = fc
  .letrec<{ schema: JsonSchema; any: JsonSchema | boolean; list: unknown[] }>((tie) => ({
    any: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      { weight: 1, arbitrary: fc.boolean() },
      { weight: 6, arbitrary: tie('schema') },
    ),
    list: fc.array(tie('any'), { minLength: 1, maxLength: 2 }),
    schema: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.record({ type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 2 })) }),
      fc.record({ enum: fc.array(anyInstance, { minLength: 1, maxLength: 3 }) }),
      fc.record({ const: anyInstance }),
      fc.record({ minimum: fc.constantFrom(0, 1), exclusiveMaximum: fc.constantFrom(1, 2) }),
      fc.record({ minLength: length, pattern: fc.constantFrom('a', '^a', '^[ab]+$', '^.$') }),
      fc.record({ $ref: fc.constantFrom('#/$defs/one', '#/$defs/two') }),
      fc.record({ required: fc.uniqueArray(name, { maxLength: 2 }) }),
      fc.record({ maxItems: length, uniqueItems: fc.boolean() }),
      fc.record({ minProperties: length, dependentRequired: fc.dictionary(field, fc.uniqueArray(name)) }),
      fc.record(
        {
          properties: fc.dictionary(field, tie('any'), { maxKeys: 3 }),
          additionalProperties: tie('any'),
          unevaluatedProperties: tie('any'),
          propertyNames: tie('any'),
        },
        { requiredKeys: ['properties'] },
      ),
      fc.record({ items: tie('any'), prefixItems: tie('list') }, { requiredKeys: ['items'] }),
      fc.record({ contains: tie('any') }),
      ...['allOf', 'anyOf', 'oneOf'].map((keyword) => fc.record({ [keyword]: tie('list') })),
      fc.record({ if: tie('any'), then: tie('any'), else: tie('any') }),
      fc.record({ not: tie('any') }),
    ),
  }))
  .schema.map((schema) => ({
    ...schema,
    $defs: { one: { type: 'string' }, two: { items: { $ref: '#/$defs/one' } } },
  }));

const KEYWORDS =
  '$ref $defs $id $schema $async $anchor $dynamicRef type enum const required properties patternProperties items pattern format not allOf discriminator nullable';
const words = fc.oneof(
  ...[value, type, name],
  fc.constantFrom<unknown>(
    '#',
    '#/$defs/one',
    '#/$defs',
    '#/%',
    'http://127.0.0.1/a',
    '(',
    '\0',
    2 ** 53,
    1e300,
  ),
);

/** JSON of the words of schemas, mostly not valid. */
export const anyJsonOfSchemas = jsonOf([...KEYWORDS.split(' '), 'a', '__proto__', 'toString'], words);
