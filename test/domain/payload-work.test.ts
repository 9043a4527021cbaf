import { describe, expect, it, test } from 'vitest';
import { compileSchema } from '../../src/domain/payload-validator.js';
import type { JsonSchema } from '../../src/domain/json-schema.js';
import { randomText } from '../support/random-text.js';

const faultsOf = (schema: JsonSchema, value: unknown) =>
  compileSchema(schema)(value).map(({ path, message }) => `${path}: ${message}`);

describe('a payload that takes its schema too much work is refused', () => {
  const tooMuch = ['payload: Takes the schema too much work: more than 5000000 steps.'];
  const text = randomText(250 * 1024);
  const names = Object.fromEntries(Array.from({ length: 25_000 }, (_, i) => [`k${i}`, i]));
  const list = Array.from({ length: 60_000 }, (_, i) => i);
  /** As many checks as a schema may have, in a few lines. */
  const often = (schema: JsonSchema) => ({
    $defs: { one: { not: schema }, many: { allOf: Array(40).fill({ $ref: '#/$defs/one' }) } },
    allOf: Array(40).fill({ $ref: '#/$defs/many' }),
  });
  const FORMATS = [
    ...['date', 'time', 'date-time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri', 'byte'],
    ...['uri-reference', 'uri-template', 'json-pointer', 'relative-json-pointer', 'regex'],
  ];

  it.each<[string, JsonSchema, unknown]>([
    ...FORMATS.map((format): [string, JsonSchema, unknown] => [
      `the format ${format}`,
      { format },
      `({${text}`,
    ]),
    ['minLength', { minLength: 300_000 }, text],
    ['maxLength', { maxLength: 200_000 }, text],
    ['uniqueItems', { uniqueItems: true }, [...list.slice(0, 9_000), 5]],
    ['uniqueItems of long texts', { uniqueItems: true }, [text, text]],
    ['multipleOf', { contains: { multipleOf: 0.3 }, minContains: 70_000 }, list],
    ['const', { const: { a: {} } }, { a: names }],
    ['enum', { enum: [[1], { a: {} }] }, { a: names }],
    ['contains', { contains: { type: 'string' } }, list],
    ['items', { items: { type: 'string' }, maxItems: 1 }, list],
    ['prefixItems', { items: { anyOf: Array(900).fill(false) } }, list],
    ['propertyNames', { propertyNames: { maxLength: 3 } }, names],
    ['maxProperties', { maxProperties: 3 }, names],
    ['additionalProperties', { additionalProperties: { type: 'string' } }, names],
    ['unevaluatedProperties', { properties: { a: {} }, unevaluatedProperties: { type: 'string' } }, names],
    ['unevaluatedItems', { prefixItems: [{}], unevaluatedItems: { type: 'string' } }, list],
    ['patternProperties', { patternProperties: { '[a-z]': { type: 'string' } } }, names],
    ['an unanchored pattern', { pattern: 'a[ab]{10}[cd]' }, text],
    ['a pattern of many short texts', { contains: { pattern: '^x' } }, Array(5_000).fill('')],
  ])('with %s', (_name, schema, value) => {
    expect(faultsOf(often(schema), value)).toEqual(tooMuch);
  });

  it.each<[string, JsonSchema]>([
    ['required names', { required: Array.from({ length: 4_000 }, (_, i) => `r${i}`) }],
    ['enum values', { enum: Array.from({ length: 4_000 }, (_, i) => `e${i}`) }],
    ['branches', { anyOf: Array.from({ length: 900 }, () => ({ type: 'string' })) }],
    ['branches that are false', { anyOf: Array(4_000).fill(false) }],
    ['fields', { properties: Object.fromEntries(Array.from({ length: 900 }, (_, i) => [i, false])) }],
  ])('with thousands of %s for each element', (_name, schema) => {
    const items = Array.from({ length: 20_000 }, () => ({ r0: 1 }));
    expect(faultsOf({ items: { anyOf: [schema, {}] } }, items)).toEqual(tooMuch);
  });

  it('by the pattern of one long text, of many texts, or of a name', () => {
    const pattern = 'a[ab]{300}[cd]';
    expect(faultsOf({ pattern }, text)).toEqual(tooMuch);
    const items = Array.from({ length: 256 }, (_, i) => text.slice(i * 1_000, (i + 1) * 1_000));
    expect(faultsOf({ items: { not: { pattern } } }, items)).toEqual(tooMuch);
    expect(faultsOf({ propertyNames: { pattern } }, { [text]: 1 })).toEqual(tooMuch);
  });

  it('alone: the next one has its own work', () => {
    const validate = compileSchema({ not: { pattern: 'a[ab]{30}[cd]' } });
    for (let i = 0; i < 3; i++) expect(validate(text.slice(0, 100_000))).toEqual([]);
  });
});

test('a large order, with formats and patterns in each line, takes a fraction of the work', () => {
  const id = { type: 'string', pattern: '^[A-Z0-9]{1,64}$', maxLength: 64 };
  const price = { type: 'number', multipleOf: 0.01, minimum: 0 };
  const line = {
    type: 'object',
    required: ['sku', 'price', 'at', 'url'],
    additionalProperties: false,
    properties: {
      sku: id,
      price,
      at: { type: 'string', format: 'date-time' },
      url: { type: 'string', format: 'uri' },
    },
  };
  const lines = Array.from({ length: 1_000 }, (_, i) => ({
    sku: `SKU${i}`.padEnd(20, 'X'),
    price: 19.99,
    at: '2024-05-06T07:08:09.123Z',
    url: `https://shop.example.com/products/${i}`,
  }));
  const spent = { left: 0 };
  expect(compileSchema({ type: 'array', uniqueItems: true, items: line })(lines, 'payload', spent)).toEqual(
    [],
  );
  expect(-spent.left).toBeLessThan(2_000_000);
});
