import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
});
afterAll(() => t.stop());

interface Endpoint {
  id: string;
  filter: object | null;
  code?: string;
  errors?: { path: string; message: string }[];
}
const create = (over: object = {}) =>
  t.call<Endpoint>('POST', '/v1/endpoints', {
    url: 'https://example.com/',
    event_types: ['order.*'],
    enabled: false,
    ...over,
  });
const reach = async (payload: unknown, tenant: string) => {
  const { body } = await t.call<{ deliveries: { endpoint_id: string }[] }>('POST', '/v1/events', {
    type: 'order.created',
    payload,
    tenant,
  });
  return body.deliveries.map(({ endpoint_id }) => endpoint_id);
};

describe('the filter of an endpoint', () => {
  it('is kept as it was given, shown, changed and removed', async () => {
    const tenant = 'kept';
    const filter = {
      amount: { $gt: 10 },
      'customer.plan': { $in: ['pro'] },
      $or: [{ a: 1 }, { __b: { $exists: false } }],
    };
    const { status, body } = await create({ tenant, filter });
    expect([status, body.filter]).toEqual([201, filter]);
    const path = `/v1/endpoints/${body.id}`;
    expect((await t.call<Endpoint>('GET', path)).body.filter).toEqual(filter);
    expect(await reach({ amount: 11, customer: { plan: 'pro' } }, tenant)).toEqual([body.id]);
    expect(await reach({ amount: 11, customer: { plan: 'free' } }, tenant)).toEqual([]);
    expect((await t.call<Endpoint>('PATCH', path, { description: 'x' })).body.filter).toEqual(filter);
    await t.call('PATCH', path, { filter: { amount: 5 } });
    expect(await reach({ amount: 5 }, tenant)).toEqual([body.id]);
    expect(await reach({ amount: 11, customer: { plan: 'pro' } }, tenant)).toEqual([]);
    expect((await t.call<Endpoint>('PATCH', path, { filter: null })).body.filter).toBeNull();
    expect(await reach({}, tenant)).toEqual([body.id]);
    const { body: audit } = await t.call<{ data: { before: Endpoint; after: Endpoint }[] }>(
      'GET',
      `/v1/audit?object=${body.id}`,
    );
    expect(audit.data[0]).toMatchObject({ before: { filter: { amount: 5 } }, after: { filter: null } });
  });

  it.each<[string, string, string]>([
    ['an unknown operator', '{"$or":[{"a":1},{"a":{"$foo":1}}]}', 'filter.$or[1].a.$foo'],
    ['a list', '[]', 'filter'],
    ['no condition', '{}', 'filter'],
    ['a key that JavaScript hides', '{"__proto__":{"$foo":1}}', 'filter.__proto__.$foo'],
    ['NUL', '{"a":"\\u0000"}', 'filter.a'],
    ['an object that JavaScript cannot convert', '{"a":{"$endsWith":{"toString":1}}}', 'filter.a.$endsWith'],
    ['a number that is rounded', '{"a":9007199254740993}', 'filter.a'],
    ['many levels', `${'{"$not":'.repeat(2_000)}1${'}'.repeat(2_000)}`, 'filter'],
    ['many bytes', `{"a":"${'x'.repeat(5_000)}"}`, 'filter'],
    ['a long list for a long path', `{"${'a'.repeat(150_000)}":{"$in":[${'1,'.repeat(74_999)}1]}}`, 'filter'],
    ['a path that is repeated often', `{"${'a'.repeat(3_600)}":{"$in":[${'1,'.repeat(198)}1]}}`, 'filter'],
  ])('that has %s is refused, naming the place, and nothing changes', async (_name, filter, path) => {
    const { body: before } = await create({ tenant: 'refused' });
    const posted = await t.call<Endpoint>(
      'POST',
      '/v1/endpoints',
      `{"url":"https://example.com/","event_types":["*"],"filter":${filter}}`,
    );
    const patched = await t.call<Endpoint>(
      'PATCH',
      `/v1/endpoints/${before.id}`,
      `{"url":"https://example.org/","filter":${filter}}`,
    );
    for (const { status, body } of [posted, patched]) {
      expect([status, body.code]).toEqual([400, 'validation_failed']);
      expect(body.errors!.map((error) => error.path)).toEqual([path]);
    }
    expect((await t.call('GET', `/v1/endpoints/${before.id}`)).body).toMatchObject({
      url: 'https://example.com/',
      filter: null,
    });
  });

  it('with hostile names and values finds exactly these', async () => {
    const tenant = 'hostile';
    const name = `"] || $ ? (1 == 1) \\ ' $.x @ 😀`;
    const filter = { [name.replaceAll('.', '')]: { $endsWith: `\\"$(.*)'` } };
    const { body } = await create({ tenant, filter });
    expect(await reach({ [name.replaceAll('.', '')]: `a\\"$(.*)'` }, tenant)).toEqual([body.id]);
    expect(await reach({ [name.replaceAll('.', '')]: `a\\"$(xx)'` }, tenant)).toEqual([]);
  });

  it('that cannot be evaluated lets the event go, and is counted', async () => {
    const tenant = 'unread';
    const { body } = await create({ tenant, filter: { a: 1 } });
    const count = async () => {
      const { body: text } = await t.call<string>('GET', '/metrics');
      return Number(/^surehook_unfiltered_events_total (\d+)$/m.exec(text)![1]);
    };
    const before = await count();
    const half = `{"type":"order.created","tenant":"${tenant}","payload":{"a":"\\ud800\\u0000"}}`;
    expect((await t.call<{ deliveries: object[] }>('POST', '/v1/events', half)).body.deliveries).toEqual([]);
    const event = `{"type":"order.created","tenant":"${tenant}","payload":{"a":1e999999}}`;
    const { status, body: accepted } = await t.call<{ deliveries: object[] }>('POST', '/v1/events', event);
    expect(status).toBe(202);
    expect(accepted.deliveries).toMatchObject([{ endpoint_id: body.id }]);
    // The answer of /metrics is up to a second old.
    await expect.poll(count, { timeout: 30_000 }).toBe(before + 1);
  });

  it('is left out of what an endpoint has missed', async () => {
    const tenant = 'missed';
    const events = [];
    for (const plan of ['pro', 'free', 'pro'])
      events.push(
        (
          await t.call<{ id: string }>('POST', '/v1/events', {
            type: 'order.created',
            tenant,
            payload: { plan },
          })
        ).body.id,
      );
    const { body } = await create({ tenant, filter: { plan: 'pro' } });
    const batch = await t.call<{ id: string }>('POST', '/v1/batches', {
      filter: { endpoint_id: body.id, missing: true },
      dry_run: true,
    });
    expect(batch.status).toBe(201);
    const statusOf = async () =>
      (await t.call<{ status: string }>('GET', `/v1/batches/${batch.body.id}`)).body.status;
    await expect.poll(statusOf, { timeout: 60_000 }).not.toBe('PLANNING');
    expect(await statusOf()).toBe('DRY_RUN');
    const { body: items } = await t.call<{ data: { event_id: string }[] }>(
      'GET',
      `/v1/batches/${batch.body.id}/items`,
    );
    expect(items.data.map(({ event_id }) => event_id).sort()).toEqual([events[0], events[2]].sort());
  });
});

describe('a dry run', () => {
  interface Match {
    accepted: boolean;
    errors: { path: string }[];
    data: {
      endpoint_id: string;
      reached: boolean;
      held: boolean;
      pattern: string | null;
      filter: string;
      failed_condition: string | null;
      reason: string | null;
    }[];
    next_cursor: string | null;
  }
  const match = (payload: unknown, tenant: string, query = '') =>
    t.call<Match>('POST', `/v1/endpoints/match${query}`, { type: 'order.created', payload, tenant });

  it('says for each endpoint whether the event would reach it, and why not', async () => {
    const tenant = 'match';
    const enabled = { tenant, enabled: true };
    const ids: Record<string, string> = {};
    const add = async (name: string, over: object) =>
      void (ids[name] = (await create({ ...enabled, ...over })).body.id);
    await add('all', { event_types: ['*', 'order.*'] });
    await add('pro', { filter: { 'customer.plan': 'pro' } });
    await add('range', { filter: { amount: { $gt: 1, $lt: 5 }, other: 1 } });
    await add('invoices', { event_types: ['invoice.*'] });
    await add('off', { enabled: false });
    await add('elsewhere', { tenant: 'match2' });
    const { status, body } = await match({ amount: 9, customer: { plan: 'pro' } }, tenant);
    expect(status).toBe(200);
    expect(body).toMatchObject({ accepted: true, errors: [], next_cursor: null });
    const found = new Map(body.data.map(({ endpoint_id, ...rest }) => [endpoint_id, rest]));
    expect(found.size).toBe(5);
    const of = (name: string) => found.get(ids[name]!);
    expect(of('all')).toMatchObject({
      reached: true,
      held: false,
      pattern: '*',
      filter: 'none',
      reason: null,
    });
    expect(of('pro')).toMatchObject({ reached: true, filter: 'passes', reason: null });
    expect(of('range')).toMatchObject({ reached: false, filter: 'fails', failed_condition: 'amount.$lt' });
    expect(of('range')!.reason).toContain('amount.$lt');
    expect(of('invoices')).toMatchObject({
      reached: false,
      pattern: null,
      reason: expect.stringContaining('event type') as string,
    });
    expect(of('off')).toMatchObject({
      reached: true,
      held: true,
      reason: expect.stringContaining('endpoint disabled (manual)') as string,
    });
    // The same as what happens.
    const reached = body.data.filter((one) => one.reached).map(({ endpoint_id }) => endpoint_id);
    expect(await reach({ amount: 9, customer: { plan: 'pro' } }, tenant)).toEqual(reached.sort());
  });

  it('stores nothing, comes in pages, and says what the schema refuses', async () => {
    const tenant = 'pages';
    for (let i = 0; i < 3; i++) await create({ tenant });
    await t.call('POST', '/v1/event-types', { name: 'order.created', schema: { type: 'object' } });
    const rows = async () =>
      (await t.pool.query<object>('select (select count(*) from events) e, (select count(*) from tenants) t'))
        .rows;
    const before = await rows();
    const first = await match(5, tenant, '?limit=2');
    expect(first.body).toMatchObject({ accepted: false, errors: [{ path: 'payload' }] });
    expect(first.body.data).toHaveLength(2);
    const second = await match(5, tenant, `?limit=2&cursor=${first.body.next_cursor}`);
    expect(second.body).toMatchObject({ data: [{ reached: true }], next_cursor: null });
    expect((await match({}, 'nobody')).body.data).toEqual([]);
    expect(await rows()).toEqual(before);
    await t.call('DELETE', '/v1/event-types/order.created');
  });

  it('says that a filter cannot be evaluated', async () => {
    const tenant = 'unreadable';
    await create({ tenant, filter: { a: 1 } });
    const { body } = await t.call<Match>(
      'POST',
      '/v1/endpoints/match',
      `{"type":"order.created","tenant":"${tenant}","payload":{"a":1e999999}}`,
    );
    expect(body.data).toMatchObject([
      {
        reached: true,
        filter: 'not_evaluated',
        reason: expect.stringContaining('cannot be evaluated') as string,
      },
    ]);
  });

  it('is refused where one API key has three under way', async () => {
    const client = await t.pool.connect();
    try {
      await client.query('begin; lock table endpoints in access exclusive mode');
      const asked = Array.from({ length: 5 }, () => match({}, 'many'));
      const ended: object[] = [];
      for (const one of asked) void one.then(({ status, body }) => ended.push({ status, body }));
      const overloaded = { status: 503, body: { code: 'overloaded' } };
      // Both: one that still waits when the others end would be answered.
      await expect.poll(() => ended, { timeout: 30_000 }).toMatchObject([overloaded, overloaded]);
      await client.query('rollback');
      const statuses = (await Promise.all(asked)).map(({ status }) => status);
      expect(statuses.sort()).toEqual([200, 200, 200, 503, 503]);
    } finally {
      client.release();
    }
  });

  it.each<[string, object, string]>([
    ['no type', { payload: 1 }, 'type'],
    ['no payload', { type: 'a' }, 'payload'],
    ['a wildcard as its type', { type: 'a.*', payload: 1 }, 'type'],
    ['a tenant that is none', { type: 'a', payload: 1, tenant: 'a b' }, 'tenant'],
    ['an unknown field', { type: 'a', payload: 1, x: 1 }, 'x'],
  ])('with %s is refused', async (_name, body, path) => {
    const answer = await t.call<Endpoint>('POST', '/v1/endpoints/match', body);
    expect(answer.status).toBe(400);
    expect(answer.body.errors!.map((error) => error.path)).toEqual([path]);
  });

  it.each([
    ['limit', '101'],
    ['cursor', 'x'],
    ['tenant', 'a'],
  ])('with %s=%s in its query is refused', async (name, value) => {
    const path = `/v1/endpoints/match?${name}=${value}`;
    const answer = await t.call<Endpoint>('POST', path, { type: 'a', payload: 1 });
    expect(answer.status).toBe(400);
    expect(answer.body.errors!.map((error) => error.path)).toEqual([name]);
  });

  it('refuses a payload above 256 KiB like its event', async () => {
    const payload = 'x'.repeat(256 * 1024);
    expect(await match(payload, 'large')).toMatchObject({
      status: 413,
      body: { code: 'payload_too_large', errors: [{ path: 'payload' }] },
    });
  });
});
