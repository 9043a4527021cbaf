import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
});
afterAll(() => t.stop());
beforeEach(async () => {
  await t.pool.query('delete from event_types');
});

interface Fault {
  path: string;
  message: string;
}
interface ProblemBody {
  status: number;
  code: string;
  detail: string;
  errors: Fault[];
}
interface EventType {
  name: string;
  description: string | null;
  example: unknown;
  schema: object | null;
  archived: boolean;
}

const SCHEMA = {
  type: 'object',
  required: ['id'],
  properties: {
    id: { type: 'string' },
    items: { type: 'array', items: { properties: { price: { type: 'number' } } } },
  },
};
const create = (over: object = {}, headers?: Record<string, string>) =>
  t.call<EventType & ProblemBody>(
    'POST',
    '/v1/event-types',
    { name: 'order.created', schema: SCHEMA, ...over },
    headers,
  );
const at = (name: string) => `/v1/event-types/${encodeURIComponent(name)}`;
const post = (payload: unknown, over: object = {}) =>
  t.call<ProblemBody & { id: string }>('POST', '/v1/events', { type: 'order.created', payload, ...over });
const eventCount = async () =>
  (await t.pool.query<{ count: number }>('select count(*)::int from events')).rows[0]!.count;
const auditOf = async (object: string) =>
  (
    await t.call<{ data: { action: string; reason: string | null; before: EventType; after: EventType }[] }>(
      'GET',
      `/v1/audit?object=${encodeURIComponent(object)}`,
    )
  ).body.data;

describe('event types', () => {
  it('are created, read, changed and deleted, and each change is in the audit', async () => {
    const made = await create({ description: 'An order', example: { id: 'a' } });
    expect(made.status).toBe(201);
    const shown = {
      name: 'order.created',
      description: 'An order',
      example: { id: 'a' },
      schema: SCHEMA,
      archived: false,
    };
    expect(made.body).toMatchObject(shown);
    expect((await t.call('GET', at('order.created'))).body).toEqual(made.body);
    const changed = await t.call<EventType>('PATCH', at('order.created'), {
      description: null,
      archived: true,
    });
    expect(changed.body).toMatchObject({ ...shown, description: null, archived: true });
    expect((await t.call('DELETE', at('order.created'))).status).toBe(204);
    expect((await t.call('GET', at('order.created'))).status).toBe(404);
    expect((await t.call('DELETE', at('order.created'))).status).toBe(404);
    expect((await t.call('PATCH', at('order.created'), { archived: true })).status).toBe(404);
    const audit = await auditOf('order.created');
    expect(audit.map(({ action }) => action)).toEqual([
      'event_type.delete',
      'event_type.update',
      'event_type.create',
    ]);
    expect(audit[1]).toMatchObject({
      before: { archived: false },
      after: { archived: true, schema: SCHEMA },
    });
  });

  it('are found by names that hold / and :, and by one that a route begins with', async () => {
    for (const name of ['orders/create', 'org:member/added', 'import', 'a%b']) {
      expect((await create({ name })).status).toBe(201);
      expect((await t.call<EventType>('GET', at(name))).body.name).toBe(name);
      expect((await t.call<EventType>('PATCH', at(name), { description: name })).body.description).toBe(name);
      expect((await t.call('DELETE', at(name))).status).toBe(204);
    }
    for (const name of ['a b', 'a*', 'x'.repeat(129), 'a\0'])
      expect((await t.call('GET', at(name))).status).toBe(404);
  });

  it('are created once for an idempotency key, and once for a name', async () => {
    const key = { 'idempotency-key': 'k1' };
    const name = 'created.once';
    const first = await create({ name }, key);
    const again = await create({ name }, key);
    expect(again.status).toBe(200);
    expect(again.headers.get('idempotent-replayed')).toBe('true');
    expect(again.body).toEqual(first.body);
    expect(await create({ name, description: 'other' }, key)).toMatchObject({
      status: 409,
      body: { code: 'idempotency_conflict' },
    });
    const taken = await create({ name }, { 'idempotency-key': 'k2' });
    expect(taken).toMatchObject({
      status: 409,
      body: { code: 'event_type_exists', errors: [{ path: 'name' }] },
    });
    expect(await auditOf(name)).toHaveLength(1);
  });

  it('are listed by name, archived ones only when asked for', async () => {
    for (const name of ['b', 'a/x', 'a.x', 'c']) await create({ name, archived: name === 'c' });
    interface Listed {
      data: { name: string; has_schema: boolean; schema?: object }[];
      next_cursor: string | null;
    }
    const list = async (query: string) => (await t.call<Listed>('GET', `/v1/event-types${query}`)).body;
    const first = await list('?limit=2');
    expect(first.data.map(({ name }) => name)).toEqual(['a.x', 'a/x']);
    expect(first.data[0]).toMatchObject({ has_schema: true });
    expect(first.data[0]).not.toHaveProperty('schema');
    const second = await list(`?limit=2&cursor=${first.next_cursor}`);
    expect(second).toMatchObject({ data: [{ name: 'b' }], next_cursor: null });
    expect((await list('?archived=true')).data.map(({ name }) => name)).toEqual(['c']);
    expect((await list('?archived=all')).data).toHaveLength(4);
    expect((await t.call<ProblemBody>('GET', '/v1/event-types?cursor=%20')).body.errors[0]!.path).toBe(
      'cursor',
    );
  });

  it.each<[string, object, string]>([
    ['a name with a blank', { name: 'a b' }, 'name'],
    ['a wildcard', { name: 'order.*' }, 'name'],
    ['a description with NUL', { description: 'a\0' }, 'description'],
    ['a long description', { description: 'x'.repeat(4_097) }, 'description'],
    ['a list as schema', { schema: [] }, 'schema'],
    [
      'a schema that is not valid',
      { schema: { properties: { a: { type: 'strng' } } } },
      'schema.properties.a.type',
    ],
    ['a dialect that is no text', { schema: { $schema: 5 } }, 'schema.$schema'],
    ['a schema of elsewhere', { schema: { items: { $ref: 'http://127.0.0.1:1/' } } }, 'schema.items.$ref'],
    [
      'a deep example',
      { example: JSON.parse(`${'['.repeat(2_000)}${']'.repeat(2_000)}`) as unknown },
      'example',
    ],
    [
      'an example that the schema refuses',
      { example: { id: 'a', items: [{ price: 'x' }] } },
      'example.items[0].price',
    ],
    ['an unknown field', { shema: {} }, 'shema'],
  ])('with %s are refused', async (_name, over, path) => {
    const answer = await create(over);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(answer.body.errors.map((error) => error.path)).toContain(path);
    expect((await t.pool.query('select from event_types')).rowCount).toBe(0);

    const { body: before } = await create();
    const patched = await t.call<ProblemBody>('PATCH', at('order.created'), { description: 'new', ...over });
    expect(patched).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(patched.body.errors.map((error) => error.path)).toContain(path);
    expect((await t.call('GET', at('order.created'))).body).toEqual(before);
  });

  it.each([
    ['limit', '0'],
    ['limit', '251'],
    ['cursor', 'x'],
    ['archived', 'maybe'],
    ['name', 'a'],
  ])('are not listed with %s=%s', async (name, value) => {
    const answer = await t.call<ProblemBody>('GET', `/v1/event-types?${name}=${value}`);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(answer.body.errors.map(({ path }) => path)).toEqual([name]);
  });

  it('whose example would no longer be valid are not changed', async () => {
    await create({ example: { id: 'a' } });
    const answer = await t.call<ProblemBody>('PATCH', at('order.created'), {
      schema: { required: ['other'] },
    });
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'example.other' }] } });
    expect((await t.call<EventType>('GET', at('order.created'))).body.schema).toEqual(SCHEMA);
  });
});

describe('an event of a type with a schema', () => {
  it('is refused where it is not valid, naming each place, and nothing is stored', async () => {
    await create();
    const before = await eventCount();
    const answer = await post({ items: [{ price: 1 }, { price: 'x' }] });
    expect(answer).toMatchObject({ status: 422, body: { code: 'schema_violation' } });
    expect(answer.body.errors.map(({ path }) => path).sort()).toEqual([
      'payload.id',
      'payload.items[1].price',
    ]);
    expect((await post({ id: 'a', items: Array(50).fill({ price: 'x' }) })).body.errors).toHaveLength(20);
    const url = 'http://127.0.0.1:9/';
    expect((await t.call('POST', '/v1/send', { url, type: 'order.created', payload: 5 })).status).toBe(422);
    // A body without Content-Length is not read by the fast path.
    const streamed = await fetch(`${t.service.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${ADMIN_KEY}` },
      body: new Blob(['{"type":"order.created","payload":{}}']).stream(),
      duplex: 'half',
    });
    expect([streamed.status, await streamed.json()]).toMatchObject([422, { code: 'schema_violation' }]);
    expect(await eventCount()).toBe(before);
    expect((await post({ id: 'a' })).status).toBe(202);
    expect((await post(5, { type: 'order.deleted' })).status).toBe(202);
  });

  it('is refused alone in a batch', async () => {
    await create();
    const event = (payload: unknown) => ({ type: 'order.created', payload });
    const { body } = await t.call<{ results: { status: number; error?: ProblemBody }[] }>(
      'POST',
      '/v1/events/batch',
      {
        events: [
          event({ id: 'a' }),
          event({ id: 5 }),
          event({ id: 'b' }),
          event({ id: 'c', items: Array(50).fill({ price: 'x' }) }),
        ],
      },
    );
    expect(body.results.map(({ status }) => status)).toEqual([202, 422, 202, 422]);
    expect(body.results[1]!.error).toMatchObject({
      code: 'schema_violation',
      errors: [{ path: 'payload.id' }],
    });
    expect(body.results[3]!.error!.errors).toHaveLength(5);
  });

  it('is answered with 429 where those before it in the batch took their schemas too much work', async () => {
    await create({ schema: { properties: { text: { not: { pattern: 'x[ab]{900}[cd]' } } } } });
    const event = (text: string, key: string) => ({
      type: 'order.created',
      idempotency_key: key,
      payload: { text },
    });
    const send = (events: object[]) =>
      t.call<{ results: { status: number; error?: ProblemBody }[] }>('POST', '/v1/events/batch', { events });
    expect((await send([event('a', 'first')])).body.results[0]!.status).toBe(202);
    const text = 'a'.repeat(5_000);
    const { body } = await send([
      ...Array.from({ length: 5 }, (_, i) => event(text, `k${i}`)),
      event('a', 'first'),
      { type: 'order.deleted', payload: text },
    ]);
    // 5,000 characters times 904 steps each.
    expect(body.results.map(({ status }) => status)).toEqual([202, 202, 202, 429, 429, 200, 202]);
    expect(body.results[3]!.error).toMatchObject({ code: 'schema_work_exceeded' });
    expect((await send([event(text, 'k3'), event(text, 'k4')])).body.results).toMatchObject([
      { status: 202 },
      { status: 202 },
    ]);
  });

  it('is checked by the schema that was answered last', async () => {
    await create();
    for (const type of ['number', 'string', 'boolean']) {
      await t.call('PATCH', at('order.created'), { schema: { type } });
      expect((await post(5)).status).toBe(type === 'number' ? 202 : 422);
    }
    await t.call('PATCH', at('order.created'), { schema: null });
    expect((await post(5)).status).toBe(202);
    await t.call('PATCH', at('order.created'), { schema: { type: 'string' } });
    await t.call('DELETE', at('order.created'));
    expect((await post(5)).status).toBe(202);
  });

  it('that was accepted before the schema is answered as it was', async () => {
    const first = await post(5, { idempotency_key: 'before' });
    await create();
    const again = await post(5, { idempotency_key: 'before' });
    expect(again).toMatchObject({ status: 200, body: { id: first.body.id } });
    expect((await post(5, { idempotency_key: 'after' })).status).toBe(422);
  });

  it('with another content type is a text for its schema', async () => {
    await create({ schema: { type: 'string', maxLength: 5 } });
    const form = { content_type: 'application/x-www-form-urlencoded' };
    expect((await post('a=1', form)).status).toBe(202);
    expect((await post('a=1&b=2', form)).status).toBe(422);
  });
});

describe('an archived event type', () => {
  it('takes no new subscription; those that are there stay, and events are accepted and checked', async () => {
    const endpoint = { url: 'https://example.com/', event_types: ['invoice.paid', 'order.created'] };
    const { body: before } = await t.call<{ id: string }>('POST', '/v1/endpoints', endpoint);
    await create({ archived: true });
    const refused = {
      status: 422,
      body: { code: 'event_type_archived', errors: [{ path: 'event_types[1]' }] },
    };
    expect(await t.call('POST', '/v1/endpoints', endpoint)).toMatchObject(refused);
    expect((await t.call('POST', '/v1/endpoints', { ...endpoint, event_types: ['order.*'] })).status).toBe(
      201,
    );
    const patch = (event_types: string[]) => t.call('PATCH', `/v1/endpoints/${before.id}`, { event_types });
    expect((await patch(['order.created'])).status).toBe(200);
    expect((await patch(['invoice.paid'])).status).toBe(200);
    expect(await patch(['invoice.paid', 'order.created'])).toMatchObject(refused);
    expect((await post({ id: 'a' })).status).toBe(202);
    expect((await post({})).status).toBe(422);
  });
});

describe('an import of an OpenAPI document', () => {
  const webhook = (schema: object, summary = 'A webhook') => ({
    post: { summary, requestBody: { content: { 'application/json': { schema } } } },
  });
  const document = {
    openapi: '3.1.0',
    info: { title: 'x', version: '1' },
    webhooks: {
      'order.created': webhook({ $ref: '#/components/schemas/Order' }),
      'order.deleted': webhook({ type: 'object' }),
      'tree changed': webhook({}),
      'tree.changed': webhook({ $ref: '#/components/schemas/Tree' }),
      'bad.example': webhook({ type: 'string', example: 5 }),
    },
    components: {
      schemas: {
        Order: SCHEMA,
        Tree: { properties: { children: { items: { $ref: '#/components/schemas/Tree' } } } },
      },
    },
  };
  const load = (openapi: object, dry_run?: boolean) =>
    t.call<
      ProblemBody & {
        created: string[];
        updated: string[];
        unchanged: string[];
        refused: { name: string; errors: Fault[] }[];
      }
    >('POST', '/v1/event-types/import/openapi', { openapi, ...(dry_run === undefined ? {} : { dry_run }) });

  it('reports the result of a dry run, imports, and changes nothing the second time', async () => {
    const dry = await load(document, true);
    expect(dry.body).toMatchObject({
      dry_run: true,
      created: ['order.created', 'order.deleted'],
      updated: [],
      unchanged: [],
    });
    expect(dry.body.refused.map(({ name, errors }) => [name, errors[0]!.path])).toEqual([
      ['tree changed', 'name'],
      ['tree.changed', 'schema'],
      ['bad.example', 'example'],
    ]);
    expect((await t.pool.query('select from event_types')).rowCount).toBe(0);
    expect((await post({})).status).toBe(202);

    const first = await load(document);
    expect(first.body).toEqual({ ...dry.body, dry_run: false });
    expect((await post({})).body).toMatchObject({
      code: 'schema_violation',
      errors: [{ path: 'payload.id' }],
    });
    expect((await auditOf('order.deleted'))[0]).toMatchObject({
      action: 'event_type.create',
      reason: /OpenAPI/.source && (expect.stringContaining('OpenAPI') as string),
    });

    const second = await load(document);
    expect(second.body).toMatchObject({
      created: [],
      updated: [],
      unchanged: ['order.created', 'order.deleted'],
    });
    expect(await auditOf('order.deleted')).toHaveLength(1);
  });

  it('changes what is different, and leaves all others and what is archived', async () => {
    await create({ name: 'own' });
    await create({ name: 'order.deleted', archived: true, schema: null });
    const { body } = await load(document);
    expect(body).toMatchObject({ created: ['order.created'], updated: ['order.deleted'] });
    const { body: types } = await t.call<{ data: object[] }>('GET', '/v1/event-types?archived=all');
    expect(types.data).toMatchObject([
      { name: 'order.created', archived: false },
      { name: 'order.deleted', archived: true, has_schema: true, description: 'A webhook' },
      { name: 'own' },
    ]);
  });

  it.each<[string, object, string]>([
    ['no document', [], 'openapi'],
    ['an older version', { openapi: '3.0.3', webhooks: {} }, 'openapi.openapi'],
    ['no webhooks', { openapi: '3.1.0' }, 'openapi.webhooks'],
    [
      'another dialect',
      { openapi: '3.1.0', webhooks: {}, jsonSchemaDialect: 'http://json-schema.org/draft-07/schema#' },
      'openapi.jsonSchemaDialect',
    ],
    [
      'too many webhooks',
      {
        openapi: '3.1.0',
        webhooks: Object.fromEntries(Array.from({ length: 1_001 }, (_, i) => [`w${i}`, {}])),
      },
      'openapi.webhooks',
    ],
  ])('with %s is refused', async (_name, openapi, path) => {
    const { status, body } = await load(openapi);
    expect(status).toBe(400);
    expect(body.errors.map((error) => error.path)).toContain(path);
  });

  it.each<[string, object, string]>([
    ['dry_run as a text', { dry_run: 'no' }, 'dry_run'],
    ['an unknown field', { dryrun: true }, 'dryrun'],
  ])('with %s is refused, and changes nothing', async (_name, over, path) => {
    const body = { openapi: document, ...over };
    const answer = await t.call<ProblemBody>('POST', '/v1/event-types/import/openapi', body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'validation_failed' } });
    expect(answer.body.errors.map((error) => error.path)).toEqual([path]);
    expect((await t.pool.query('select from event_types')).rowCount).toBe(0);
  });

  it('with a deep document is refused', async () => {
    const deep = `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`;
    const body = `{"openapi":{"openapi":"3.1.0","webhooks":{"a":${deep}}}}`;
    const answer = await t.call<ProblemBody>('POST', '/v1/event-types/import/openapi', body);
    expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'openapi' }] } });
  });

  it('refuses a webhook alone whose dialect is no text', async () => {
    const webhooks = { good: webhook({}), bad: webhook({ $schema: 5 }) };
    expect((await load({ openapi: '3.1.0', webhooks })).body).toMatchObject({
      created: ['good'],
      refused: [{ name: 'bad', errors: [{ path: 'schema.$schema' }] }],
    });
  });

  it('counts a component for each webhook that refers to it', async () => {
    const large = (count: number) => ({
      openapi: '3.1.0',
      webhooks: Object.fromEntries(
        Array.from({ length: count }, (_, i) => [`w.${i}`, webhook({ $ref: '#/components/schemas/Large' })]),
      ),
      components: { schemas: { Large: { description: 'x'.repeat(60_000) } } },
    });
    expect(await load(large(70))).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'openapi.webhooks', message: expect.stringContaining('4 MiB') as string }] },
    });
    expect((await load(large(20))).body.created).toHaveLength(20);
  });

  it('may be larger than an event', async () => {
    const large = { ...document, info: { title: 'x'.repeat(1024 * 1024), version: '1' } };
    expect((await load(large)).status).toBe(200);
    expect((await load({ ...large, more: 'x'.repeat(4 * 1024 * 1024) })).status).toBe(413);
  });
});
