import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { readWebhook } from '../../src/domain/openapi-webhooks.js';
import { schemaFaults } from '../../src/domain/schema-check.js';
import { compileSchema } from '../../src/domain/payload-validator.js';
import type { JsonSchema } from '../../src/domain/json-schema.js';
import { changedInOnePlace, jsonOf } from '../support/json.js';

const document = {
  openapi: '3.1.0',
  components: {
    schemas: {
      Order: {
        type: 'object',
        required: ['customer'],
        properties: {
          customer: { $ref: '#/components/schemas/Customer' },
          'odd/name': { $ref: '#/components/schemas/a~1b' },
        },
        discriminator: { propertyName: 'kind', mapping: { x: '#/components/schemas/Customer' } },
      },
      Customer: {
        type: 'object',
        properties: { plan: { $ref: '#/components/schemas/Plan/properties/name' } },
      },
      Plan: { properties: { name: { enum: ['pro', 'free'] } } },
      'a/b': { type: 'number' },
      Unused: { type: 'null' },
      Tree: { properties: { children: { items: { $ref: '#/components/schemas/Tree' } } } },
    },
    requestBodies: {
      Order: { content: { 'application/json': { schema: { $ref: '#/components/schemas/Order' } } } },
    },
    examples: { Order: { value: { customer: { plan: 'pro' } } } },
    pathItems: {
      Order: { post: { summary: 'An order', requestBody: { $ref: '#/components/requestBodies/Order' } } },
    },
  },
};
const read = (item: unknown, name = 'order.created') => readWebhook(document, name, item);
const post = (requestBody: unknown, more: object = {}) => ({ post: { requestBody, ...more } });
const json = (media: object) => ({ content: { 'application/json; charset=utf-8': media } });
const ref = (name: string) => ({ $ref: `#/components/schemas/${name}` });

describe('a webhook of an OpenAPI document', () => {
  it('becomes an event type, with the components that its schema needs and no others', () => {
    const webhook = read({ $ref: '#/components/pathItems/Order' });
    expect(webhook).toMatchObject({ name: 'order.created', description: 'An order', example: null });
    const { schema } = webhook as { schema: JsonSchema };
    expect(Object.keys(schema.$defs as object).sort()).toEqual(['Customer', 'Order', 'Plan', 'a/b']);
    expect(schemaFaults(schema)).toEqual([]);
    const validate = compileSchema(schema);
    expect(validate({ customer: { plan: 'pro' }, 'odd/name': 5 })).toEqual([]);
    expect(validate({ customer: { plan: 'gold' }, 'odd/name': 'x' }).map(({ path }) => path)).toEqual([
      'payload.customer.plan',
      'payload.odd/name',
    ]);
  });

  it.each<[string, object, unknown]>([
    ['its own', { example: { a: 1 }, schema: { example: 2 } }, { a: 1 }],
    [
      'the first of several',
      { examples: { x: { $ref: '#/components/examples/Order' }, y: { value: 1 } } },
      { customer: { plan: 'pro' } },
    ],
    ['that of the schema', { schema: { example: [1] } }, [1]],
    ['the first of the schema', { schema: { examples: [5, 6] } }, 5],
    ['none', { schema: {} }, null],
  ])('has an example: %s', (_name, media, example) => {
    expect(read(post(json(media)))).toMatchObject({ example });
  });

  it('without a body, or with one that is not JSON, has no schema', () => {
    expect(read({ post: { description: 'd', summary: 's' } })).toMatchObject({
      schema: null,
      description: 'd',
    });
    expect(read(post({ content: { 'text/plain': { schema: { type: 'string' } } } }))).toMatchObject({
      schema: null,
    });
  });

  it.each<[string, unknown, RegExp, string?]>([
    ['a name with a blank', post(json({})), /Is not an event type/, 'order created'],
    ['a name with a wildcard', post(json({})), /Is not an event type/, 'order.*'],
    ['no operation', { get: {} }, /a webhook is sent by POST/],
    ['a text', 'x', /Must be an object/],
    [
      'a reference to another file',
      { $ref: 'https://example.com/a.yaml' },
      /leads elsewhere: nothing is fetched/,
    ],
    ['a reference to nothing', { $ref: '#/components/pathItems/None' }, /Must be an object/],
    ['a schema of another file', post(json({ schema: { $ref: 'a.json' } })), /leads elsewhere than/],
    [
      'a schema somewhere else in the document',
      post(json({ schema: { $ref: '#/webhooks/a' } })),
      /leads elsewhere than/,
    ],
    [
      'a schema that is missing',
      post(json({ schema: ref('None') })),
      /There is no #\/components\/schemas\/None/,
    ],
  ])('is refused with %s', (_name, item, message, name) => {
    const webhook = read(item, name);
    expect(webhook).toMatchObject({ errors: [{ message: expect.stringMatching(message) as string }] });
  });

  /** A document in which `Part0` needs as many components. */
  const chain = (count: number) => ({
    components: {
      schemas: Object.fromEntries(
        Array.from({ length: count }, (_, i) => [
          `Part${i}`,
          i + 1 < count ? { items: ref(`Part${i + 1}`) } : {},
        ]),
      ),
    },
  });

  it('is refused where its components are larger than a schema may be, however many there are', () => {
    const item = post(json({ schema: ref('Part0') }));
    expect(readWebhook(chain(20_000), 'a', item)).toEqual({
      name: 'a',
      errors: [{ path: 'schema', message: expect.stringMatching(/^At most 64 KiB/) as string }],
    });
    const { schema } = readWebhook(chain(1_000), 'a', item) as { schema: JsonSchema };
    expect(Object.keys(schema.$defs as object)).toHaveLength(1_000);
  });

  it('is refused where its own schema or its example is too large', () => {
    for (const [path, media] of Object.entries({
      schema: { schema: { description: 'x'.repeat(150_000) } },
      example: { example: 'x'.repeat(65_536) },
    }))
      expect(read(post(json(media)))).toMatchObject({
        errors: [{ path, message: expect.stringMatching(/^At most 64 KiB/) as string }],
      });
  });

  it('is refused with a message that cuts a long reference', () => {
    for (const $ref of [`a${'x'.repeat(100_000)}`, `#/components/schemas/${'x'.repeat(100_000)}`]) {
      const { errors } = read(post(json({ schema: { $ref } }))) as { errors: { message: string }[] };
      expect(errors[0]!.message.length).toBeLessThan(300);
    }
  });

  it('keeps a recursive schema, which the check of schemas refuses', () => {
    const { schema } = read(post(json({ schema: ref('Tree') }))) as { schema: JsonSchema };
    expect(schemaFaults(schema)[0]!.message).toMatch(/^Refers to itself/);
  });
});

test('any document is read, or its webhook is refused for a reason', () => {
  const seen = { read: 0, refused: 0 };
  const names =
    '$ref post requestBody content application/json schema example examples value components schemas';
  const places =
    '#/components/schemas/Order #/components/schemas/Tree # #/ #/components/none http://127.0.0.1/a';
  const words = fc.constantFrom<unknown>(...places.split(' '), null, 5, true, '', 'order', '\0');
  const webhook = { $ref: '#/components/pathItems/Order' };
  const anyDocument = changedInOnePlace(
    fc.constant({ ...document, webhooks: { 'order.created': webhook } }),
    jsonOf([...names.split(' '), '__proto__', 'toString'], words),
  );
  fc.assert(
    fc.property(anyDocument, (given) => {
      const item = (given as { webhooks?: Record<string, unknown> } | null)?.webhooks?.['order.created'];
      const result = readWebhook(given, 'order.created', item);
      seen['errors' in result ? 'refused' : 'read']++;
      if ('errors' in result)
        expect(result.errors).toMatchObject([{ message: expect.any(String) as string }]);
      else if (result.schema !== null) schemaFaults(result.schema);
    }),
    { numRuns: 2_000 },
  );
  expect(Math.min(seen.read, seen.refused)).toBeGreaterThan(100);
});
