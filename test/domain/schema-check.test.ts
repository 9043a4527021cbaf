import { describe, expect, it, test } from 'vitest';
import type { JsonSchema } from '../../src/domain/json-schema.js';
import { compileSchema } from '../../src/domain/payload-validator.js';
import { MAX_CHECKS, MAX_IN_ONE_PART, schemaFaults } from '../../src/domain/schema-check.js';

const faultsOf = (schema: unknown) =>
  schemaFaults(schema).map(({ path, message }) => `${path.join('/')}: ${message}`);

/** Each refers to the next one twice: as many checks as 2 to the number of them. */
const doubling = (defs: number) => ({
  $ref: '#/$defs/0',
  $defs: Object.fromEntries(
    Array.from({ length: defs }, (_, i) => [
      i,
      i === defs - 1 ? {} : { allOf: [{ $ref: `#/$defs/${i + 1}` }, { $ref: `#/$defs/${i + 1}` }] },
    ]),
  ),
});

const names = (count: number) => Array.from({ length: count }, (_, i) => `p${i}`);
const named = (count: number, value: unknown) =>
  Object.fromEntries(names(count).map((name) => [name, value]));
const fields = (count: number) => ({ properties: named(count, { type: 'string' }) });

describe('a schema that is refused', () => {
  it.each<[string, unknown, RegExp]>([
    ['is true', true, /^: Must be a JSON Schema, an object/],
    ['is a list', [], /^: Must be a JSON Schema/],
    ['has an unknown type', { properties: { a: { type: 'strng' } } }, /^properties\/a\/type: Is not valid/],
    ['has a number for a list', { required: 5 }, /^required: Is not valid in JSON Schema: must be array/],
    ['refers to a file', { $ref: 'order.json' }, /^\$ref: Must be a place in this schema/],
    ['refers to a host', { items: { $ref: 'http://127.0.0.1/a' } }, /^items\/\$ref: Must be a place/],
    [
      'refers to a host by its own id',
      { $id: 'https://e.com/a', $ref: 'https://e.com/a#/$defs/b' },
      /^\$ref: Must/,
    ],
    ['refers to nothing', { $ref: '#/$defs/none' }, /^\$ref: Leads to no schema/],
    ['refers to a text', { title: 'x', $ref: '#/title' }, /^\$ref: Leads to no schema/],
    ['refers to a prototype', { $ref: '#/constructor' }, /^\$ref: Leads to no schema/],
    ['refers to an example', { examples: [{}], $ref: '#/examples/0' }, /^\$ref: Leads to no schema/],
    ['refers to a default', { default: {}, $ref: '#/default' }, /^\$ref: Leads to no schema/],
    [
      'refers to data inside a part',
      { $ref: '#/$defs/a/const', $defs: { a: { const: { pattern: '(' } } } },
      /^\$ref: Leads to no schema/,
    ],
    [
      'refers to the names of its fields',
      { $ref: '#/properties', properties: { a: {} } },
      /^\$ref: Leads to no schema/,
    ],
    [
      'refers elsewhere where nothing refers to it',
      { $defs: { a: { $ref: 'b.json' } } },
      /^\$defs\/a\/\$ref/,
    ],
    ['has an id inside', { items: { $id: 'b' } }, /^items\/\$id: Is possible only at the top/],
    ['is of another draft', { $schema: 'http://json-schema.org/draft-07/schema#' }, /^\$schema: Must be/],
    ['is of a dialect that is no text', { $schema: 5 }, /^\$schema: Must be/],
    ['is of a dialect that is null', { $schema: null }, /^\$schema: Must be/],
    ['has such a dialect inside', { items: { $schema: {} } }, /^items\/\$schema: Must be/],
    ['is dynamic', { $dynamicRef: '#a' }, /^\$dynamicRef: Is not supported/],
    [
      'has a field that Ajv leaves out',
      JSON.parse('{"items":{"properties":{"__proto__":{"type":"string"}}}}'),
      /^items\/properties\/__proto__: Is not supported as a name/,
    ],
    ['refers to itself', { properties: { next: { $ref: '#' } } }, /^: Refers to itself/],
    [
      'refers to itself in two steps',
      {
        $ref: '#/$defs/a',
        $defs: { a: { items: { $ref: '#/$defs/b' } }, b: { not: { $ref: '#/$defs/a' } } },
      },
      /^: Refers to itself/,
    ],
    ['grows with its references', doubling(40), /^: At most 5000 schemas/],
    [
      'has too many values',
      { enum: Array.from({ length: MAX_CHECKS }, (_, i) => i) },
      /^: At most 5000 schemas/,
    ],
    ['has too many fields', fields(MAX_IN_ONE_PART), /^: At most 1000 schemas in one another/],
    [
      'has too many fields in a part',
      { $ref: '#/$defs/a', $defs: { a: fields(MAX_IN_ONE_PART) } },
      /^: At most 1000 schemas in one another/,
    ],
    [
      'has too many names in one list',
      { dependentRequired: { a: names(MAX_CHECKS) } },
      /^: At most 5000 schemas, required names/,
    ],
    [
      'has too many lists of names',
      { dependentRequired: named(MAX_CHECKS, []) },
      /^: At most 5000 schemas, required names/,
    ],
    ...['properties', 'dependentSchemas', 'dependencies'].flatMap((keyword) =>
      [true, false, ['a']]
        .filter((value) => keyword === 'dependencies' || !Array.isArray(value))
        .map((value): [string, unknown, RegExp] => [
          `has too many ${JSON.stringify(value)} in ${keyword}`,
          { [keyword]: named(2_000, value) },
          /^: At most 1000 schemas in one another/,
        ]),
    ),
    ...['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((keyword): [string, unknown, RegExp] => [
      `has too many schemas in ${keyword}`,
      { [keyword]: Array(2_000).fill(false) },
      /^: At most 1000 schemas in one another/,
    ]),
    ['is larger than 64 KiB', { description: 'x'.repeat(65_536) }, /^: At most 64 KiB/],
    ['is deep', JSON.parse(`${'{"not":'.repeat(50_000)}{}${'}'.repeat(50_000)}`), /^: At most 64 levels/],
    ['looks ahead', { pattern: '(?=a)b' }, /^: Cannot be used: the pattern \(\?=a\)b is not one of RE2/],
    ['refers to a group', { patternProperties: { '(a)\\1': {} } }, /^: Cannot be used: the pattern/],
    ['has a pattern that is none', { pattern: '(' }, /^: Cannot be used: the pattern \(/],
    ['repeats too much', { pattern: '((a{1000}){1000}){1000}' }, /^: Cannot be used: all patterns together/],
    ['repeats more than RE2 can', { pattern: 'a{1001}' }, /^: Cannot be used: the pattern a\{1001\} is not/],
    [
      'has a long pattern',
      { pattern: '[a-z]{1000}'.repeat(1_300) },
      /^: Cannot be used: a pattern has at most 1000 characters/,
    ],
    [
      'has a pattern of many steps',
      { pattern: '[a-z]{1000}'.repeat(21) },
      /^: Cannot be used: all patterns together have at most 20000 steps/,
    ],
    [
      'has many patterns',
      { allOf: Array.from({ length: 21 }, (_, i) => ({ pattern: `${i}[a-z]{1000}` })) },
      /^: Cannot be used: all patterns together have at most 20000 steps/,
    ],
  ])('%s', (_name, schema, fault) => {
    expect(faultsOf(schema).join('\n')).toMatch(fault);
  });

  it('has its pattern cut in the message', () => {
    for (const pattern of [`(${'a'.repeat(900)}`, `(${'a'.repeat(50_000)}`, '[a-z]{1000}'.repeat(50)])
      expect(faultsOf({ pattern })[0]!.length).toBeLessThan(400);
  });

  it('has each fault named once', () => {
    expect(faultsOf({ items: [{ type: 'string' }] })).toEqual([
      'items: Is not valid in JSON Schema: must be object,boolean.',
    ]);
  });

  it('has its faults counted to 21', () => {
    const properties = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`p${i}`, { $ref: 'x' }]));
    expect(schemaFaults({ properties })).toHaveLength(21);
  });
});

test.each<[string, unknown]>([
  ['the empty one', {}],
  ['one with references', { $ref: '#/$defs/a~1b%25', $defs: { 'a/b%': { type: 'string' } } }],
  [
    'one that refers to a part twice',
    { properties: { a: { $ref: '#/$defs/x' }, b: { $ref: '#/$defs/x' } }, $defs: { x: {} } },
  ],
  [
    'one that refers to parts of parts',
    {
      properties: {
        a: { $ref: '#/$defs/x/items' },
        b: { $ref: '#/$defs/x/anyOf/1' },
        c: { $ref: '#/$defs/yes' },
      },
      $defs: { x: { items: {}, anyOf: [{}, { type: 'string' }] }, yes: true },
    },
  ],
  ['one pattern for many fields', { allOf: Array(50).fill({ pattern: '^[a-z]{1,255}$' }) }],
  ['one with a dialect that ends in #', { $schema: 'https://json-schema.org/draft/2020-12/schema#' }],
  [
    'one with an id and a dialect',
    { $id: 'https://e.com/a', $schema: 'https://json-schema.org/draft/2020-12/schema' },
  ],
  [
    'data that looks like a reference',
    { const: { $ref: 'http://127.0.0.1' }, enum: [{ $ref: 'x' }], default: { $ref: 'x' } },
  ],
  [
    'fields that are named like keywords',
    { properties: { $ref: { type: 'string' }, $id: {}, items: { type: 'array' } } },
  ],
  ['a format and keywords that nobody knows', { format: 'decimal', 'x-note': 1, xml: {}, example: 5 }],
  ['as many fields as there may be', fields(MAX_IN_ONE_PART - 1)],
])('%s is allowed', (_name, schema) => {
  expect(faultsOf(schema)).toEqual([]);
});

test.each<[string, JsonSchema]>([
  ['names in one list', { dependentRequired: { a: names(4_000) } }],
  ['names in lists', { dependentRequired: named(2_000, ['a']) }],
  ['names in an old list', { dependencies: { a: names(4_000) } }],
  ['old lists', { dependencies: named(998, ['a']) }],
  ['required names', { required: names(4_000) }],
  ['values', { enum: names(4_000) }],
  ['true fields', { properties: named(998, true), unevaluatedProperties: false }],
  ['false fields', { properties: named(998, false) }],
  ['false schemas of fields', { dependentSchemas: named(998, false) }],
  ...['allOf', 'anyOf', 'oneOf', 'prefixItems'].map((keyword): [string, JsonSchema] => [
    `false schemas in ${keyword}`,
    { [keyword]: Array(998).fill(false) },
  ]),
])('a schema with as many %s as there may be checks a payload within the stack', (_name, schema) => {
  expect(faultsOf(schema)).toEqual([]);
  const validate = compileSchema(schema);
  for (const value of [{}, { a: 1 }, named(4_000, 1), Array(1_000).fill(1), 'p1']) validate(value);
});

test('objects with the names of methods are refused as any other value in the wrong place', () => {
  const schema: unknown = { type: [{}, { toString: [] }], required: [{}, { valueOf: 1 }] };
  expect(schemaFaults(schema).length).toBeGreaterThan(0);
});
