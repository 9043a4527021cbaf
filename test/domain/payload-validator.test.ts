import { describe, expect, it, test } from 'vitest';
import { compileSchema } from '../../src/domain/payload-validator.js';
import type { JsonSchema } from '../../src/domain/json-schema.js';
import { randomText } from '../support/random-text.js';

const faultsOf = (schema: JsonSchema, value: unknown) =>
  compileSchema(schema)(value).map(({ path, message }) => `${path}: ${message}`);

const ORDER: JsonSchema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'https://example.com/order.json',
  type: 'object',
  required: ['id', 'items'],
  additionalProperties: false,
  properties: {
    id: { type: 'string', pattern: '^ord_[0-9]+$' },
    currency: { enum: ['EUR', 'USD'] },
    items: { type: 'array', minItems: 1, uniqueItems: true, items: { $ref: '#/$defs/item' } },
    at: { type: 'string', format: 'date-time' },
  },
  $defs: {
    item: { type: 'object', required: ['price'], properties: { price: { type: 'number', minimum: 0 } } },
  },
};

describe('the faults of a payload', () => {
  it.each<[string, unknown, string[]]>([
    ['nothing', { id: 'ord_1', items: [{ price: 1 }], currency: 'EUR' }, []],
    ['a text', 'x', ['payload: Must be object.']],
    ['a field missing at the top', { items: [{ price: 1 }] }, ['payload.id: Is required.']],
    [
      'several',
      { id: 'x', currency: 'GBP', items: [{ price: 1 }, { price: '2' }, {}], extra: 1 },
      [
        'payload.extra: This field is not known.',
        'payload.id: Must match pattern "^ord_[0-9]+$".',
        'payload.currency: Must be one of ["EUR","USD"].',
        'payload.items[1].price: Must be number.',
        'payload.items[2].price: Is required.',
      ],
    ],
    [
      'the same element twice, in another order',
      {
        id: 'ord_1',
        items: [
          { price: 1, a: 2 },
          { a: 2, price: 1 },
        ],
      },
      ['payload.items: Must not hold the same element twice.'],
    ],
    [
      'a time that is none',
      { id: 'ord_1', items: [{ price: 1 }], at: 'yesterday' },
      ['payload.at: Must match format "date-time".'],
    ],
  ])('%s', (_name, value, faults) => {
    expect(faultsOf(ORDER, value).sort()).toEqual(faults.sort());
  });

  it('tell an index from a field of that name', () => {
    const any = { items: { type: 'string' }, additionalProperties: { type: 'string' } };
    const schema = { properties: { list: any, map: any } };
    expect(faultsOf(schema, { list: [5], map: { 0: 5, 'a/b~': 5 } })).toEqual([
      'payload.list[0]: Must be string.',
      'payload.map.0: Must be string.',
      'payload.map.a/b~: Must be string.',
    ]);
  });

  it('are at most 20, and one of a large payload', () => {
    const schema = { type: 'array', items: { type: 'string' } };
    expect(faultsOf(schema, Array(1_000).fill(1))).toHaveLength(20);
    expect(faultsOf(schema, Array(300_000).fill(1))).toEqual(['payload[0]: Must be string.']);
  });

  it('hold no more of a name than 160 characters', () => {
    const [fault] = faultsOf({ additionalProperties: false }, { ['k'.repeat(5_000)]: 1 });
    expect(fault!.length).toBeLessThan(200);
  });
});

test('names that every JavaScript object has are fields like others', () => {
  const schema = { required: ['constructor', '__proto__'] };
  expect(faultsOf(schema, {})).toHaveLength(2);
  expect(faultsOf(schema, JSON.parse('{"constructor":1,"__proto__":2}'))).toEqual([]);
});

test.each(['constructor', 'toString', 'hasOwnProperty', '__proto__'])(
  'the field %s is evaluated where a schema evaluates it, and only there',
  (name) => {
    const payload: unknown = JSON.parse(`{"a":1,"${name}":2}`);
    const unknown = [`payload.${name}: This field is not known.`];
    const text = '{} = {} || {}"= {}';
    for (const known of [
      { properties: { a: {} } },
      { anyOf: [{ properties: { a: {} } }, { properties: { b: {}, [text]: { const: text } } }] },
      { if: { properties: { a: {} } }, then: { required: ['a'] } },
      { patternProperties: { '^a': {} } },
      { dependentSchemas: { a: { properties: { a: {} } } } },
      { $ref: '#/$defs/x', $defs: { x: { patternProperties: { '^a': {} } } } },
      { $ref: '#/$defs/x', $defs: { x: { anyOf: [{ properties: { a: {} } }] } } },
    ]) {
      const schema = { ...known, unevaluatedProperties: false };
      expect(faultsOf(schema, payload)).toEqual(unknown);
      expect(faultsOf({ ...schema, allOf: [{ patternProperties: { [`^${name}$`]: {} } }] }, payload)).toEqual(
        [],
      );
      expect(faultsOf({ ...schema, anyOf: [{ additionalProperties: true }] }, payload)).toEqual([]);
    }
  },
);

test('texts in a schema that look like code stay texts', () => {
  const text = 'let props0 = {}; a || {}"= {}\\\\= {}';
  const schema = { anyOf: [{ properties: { [text]: { const: text } } }], unevaluatedProperties: false };
  expect(faultsOf(schema, { [text]: text })).toEqual([]);
  expect(faultsOf({ ...schema, required: ['"= {}'] }, { [text]: text })).toEqual([
    'payload."= {}: Is required.',
  ]);
});

test('names that another field requires are missing each, with the old keyword too', () => {
  const faults = ['payload.b: Is required.', 'payload.toString: Is required.'];
  const required = { a: ['b', 'toString'], x: ['y'], constructor: ['z'] };
  for (const schema of [{ dependentRequired: required }, { dependencies: { ...required, a2: false } }]) {
    expect(faultsOf(schema, { a: 1 }).sort()).toEqual(faults);
    expect(faultsOf(schema, { b: 1 })).toEqual([]);
    expect(faultsOf({ items: schema }, [{ a: 1, b: 1 }])).toEqual(['payload[0].toString: Is required.']);
  }
});

test.each<[string, unknown, unknown, boolean]>([
  ['a member toString', {}, { toString: null }, false],
  ['a member valueOf', { a: 1 }, { valueOf: 1 }, false],
  ['a member constructor', { constructor: 1 }, { constructor: 1 }, true],
  ['objects in another order', { a: 1, b: [{ c: null }] }, { b: [{ c: null }], a: 1 }, true],
  ['a list and an object', [1], { 0: 1 }, false],
  ['a list that is longer', [1], [1, 1], false],
  ['null and an object', {}, null, false],
])('a constant is compared with a value: %s', (_name, constant, value, isEqual) => {
  for (const schema of [{ const: constant }, { enum: ['x', constant] }])
    expect(faultsOf(schema, value).length === 0).toBe(isEqual);
});

test('a schema for asynchronous use is one like others', () => {
  expect(faultsOf({ $async: true, type: 'string' }, 5)).toEqual(['payload: Must be string.']);
});

test('two versions of a schema with one id live beside each other', () => {
  const [one, two] = ['string', 'number'].map((type) =>
    compileSchema({ $id: 'https://example.com/a', type }),
  );
  expect([one!('x'), two!(5)]).toEqual([[], []]);
  expect([one!(5).length, two!('x').length]).toEqual([1, 1]);
});

describe('a long text is checked in linear time by', () => {
  // With a backtracking engine, each of these takes longer than the test may. They end in a class, because a literal at
  // the end would be searched for alone.
  const long = randomText(64 * 1024);
  it.each(['^([ab]+)+[!?]$', '([ab]|[ab])*[!?]$', '^(.*a){12}[!?]$', '([a-z]+)*\\d', 'a[ab]{60}[cd]'])(
    'the pattern %s',
    (pattern) => {
      expect(faultsOf({ pattern }, long)).toEqual([`payload: Must match pattern "${pattern}".`]);
    },
  );

  const formats = [
    'date',
    'time',
    'date-time',
    'duration',
    'email',
    'hostname',
    'ipv4',
    'ipv6',
    'uuid',
    'uri',
  ];
  const others = [
    'uri-reference',
    'uri-template',
    'json-pointer',
    'relative-json-pointer',
    'regex',
    'byte',
    'url',
  ];
  it.each([...formats, ...others])('the format %s', (format) => {
    const validate = compileSchema({ format });
    for (const part of [
      'a',
      'a.',
      'a-',
      ':',
      '1',
      '%41',
      '/',
      '@',
      '::',
      'a@a.',
      '{a',
      '[',
      '//a@',
      '(',
      '2020-',
      'A',
    ])
      validate(`${part.repeat((256 * 1024) / part.length)}\n!`);
  });

  it('uniqueItems, in 20,000 elements', () => {
    const list = Array.from({ length: 20_000 }, (_, i) => ({ i }));
    expect(faultsOf({ uniqueItems: true }, list)).toEqual([]);
    expect(faultsOf({ uniqueItems: true }, [...list, { i: 5 }])).toHaveLength(1);
  });
});

test('id and nullable are notes, and $async is', () => {
  expect(
    faultsOf({ id: 'x', nullable: true, properties: { a: { id: 5, nullable: false } } }, { a: null }),
  ).toEqual([]);
  expect(faultsOf({ type: 'string', nullable: true }, null)).toEqual(['payload: Must be string.']);
  expect(faultsOf({ properties: { a: { $async: true, type: 'string' } } }, { a: 5 })).toHaveLength(1);
});

test.each([
  ['aGk=', true],
  ['aGkh', true],
  ['', true],
  ['!!!\nAAAA', false],
  ['aGk=\n', false],
])('%j is Base64: %s', (text, isValid) => {
  expect(faultsOf({ format: 'byte' }, text).length === 0).toBe(isValid);
});

test.each([
  ['^\\p{Lu}[a-z]+$', 'Écht', true],
  ['^\\p{Lu}[a-z]+$', 'echt', false],
  ['^(?<year>\\d{4})-\\d\\d$', '2024-05', true],
  ['\\u00e9', 'caf\u00e9', true],
  ['^.$', '😀', true],
  ['a\\/b', 'a/b', true],
  ['^a$', 'a\n', false],
])('the pattern %s on %j is %s', (pattern, text, isValid) => {
  expect(faultsOf({ pattern }, text).length === 0).toBe(isValid);
});
