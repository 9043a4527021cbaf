import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptEvents } from '../../src/db/open-deliveries/index.js';
import { getTenant, type TenantDetail } from '../../src/db/tenants.js';
import { newEvent } from '../support/open-deliveries.js';
import { createEndpoint } from '../support/path.js';
import { seedDeliveries, seedOpen } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

const URL = 'http://127.0.0.1:9/';
let t: TestService;
let limited: TestService;
beforeAll(async () => {
  t = await startTestService({ attempts: false, role: 'api', workflows: 'none' });
  limited = await startTestService({
    ...{ attempts: false, role: 'api', workflows: 'none' },
    quotas: { maxEndpoints: 2, maxEventsPerSecond: 5 },
  });
});
afterAll(() => Promise.all([t.stop(), limited.stop()]));

interface ProblemBody {
  code: string;
  detail: string;
  errors: { path: string; message: string }[];
}
const get = async (id: string) =>
  t.call<TenantDetail & ProblemBody>('GET', `/v1/tenants/${encodeURIComponent(id)}`);

test('a tenant is made with a name, metadata and quotas, shown, changed and deleted', async () => {
  const settings = { name: 'Acme', metadata: { crm: '17' }, max_endpoints: 3, max_events_per_second: 100 };
  const made = await t.call('POST', '/v1/tenants', { id: 'acme.com/eu', ...settings });
  expect(made).toMatchObject({
    status: 201,
    body: { id: 'acme.com/eu', ...settings, endpoint_count: 0, open_delivery_count: 0 },
  });
  expect((await get('acme.com/eu')).body).toEqual(made.body);
  const changed = await t.call('PATCH', '/v1/tenants/acme.com%2Feu', { metadata: {}, max_endpoints: null });
  expect(changed).toMatchObject({
    status: 200,
    body: { name: 'Acme', metadata: {}, max_endpoints: null, max_events_per_second: 100 },
  });
  expect((await t.call('DELETE', '/v1/tenants/acme.com%2Feu')).status).toBe(204);
  expect(await get('acme.com/eu')).toMatchObject({ status: 404, body: { code: 'not_found' } });
});

test('a tenant that was made by its first event is shown with defaults, and cannot be made again', async () => {
  await t.call('POST', '/v1/events', { type: 'a.b', payload: 1, tenant: 'used' });
  expect((await get('used')).body).toMatchObject({
    ...{ id: 'used', name: null, metadata: {}, max_endpoints: null, max_events_per_second: null },
  });
  expect(await t.call('POST', '/v1/tenants', { id: 'used' })).toMatchObject({
    status: 409,
    body: { code: 'tenant_exists', errors: [{ path: 'id' }] },
  });
});

test('one key makes one tenant, and its answer is repeated', async () => {
  const post = (body: object) => t.call('POST', '/v1/tenants', body, { 'idempotency-key': 'once' });
  const answers = await Promise.all(Array.from({ length: 5 }, () => post({ id: 'keyed', name: 'one' })));
  expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 201]);
  expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
  expect(await post({ id: 'keyed', name: 'two' })).toMatchObject({ status: 409 });
});

test('the list has every tenant once, page by page', async () => {
  for (const id of ['list-a', 'list-b', 'list-c']) await t.call('POST', '/v1/tenants', { id });
  const ids: string[] = [];
  for (let cursor = ''; ;) {
    const { body } = await t.call<{ data: { id: string }[]; next_cursor: string | null }>(
      'GET',
      `/v1/tenants?limit=2${cursor}`,
    );
    ids.push(...body.data.map(({ id }) => id));
    if (body.next_cursor === null) break;
    cursor = `&cursor=${body.next_cursor}`;
  }
  const { rows } = await t.pool.query<{ id: string }>('select id from tenants order by id');
  expect(ids).toEqual(rows.map(({ id }) => id));
  expect(ids).toEqual(expect.arrayContaining(['list-a', 'list-b', 'list-c']));
});

test.each<[string, string, string, unknown, string]>([
  ['no id', 'POST', '', {}, 'id'],
  ['an id with a blank', 'POST', '', { id: 'a b' }, 'id'],
  ['an unknown field', 'POST', '', { id: 'x', quota: 1 }, 'quota'],
  ['an empty name', 'POST', '', { id: 'x', name: '' }, 'name'],
  ['a name of two lines', 'POST', '', { id: 'x', name: 'a\nb' }, 'name'],
  ['metadata that is a list', 'POST', '', { id: 'x', metadata: [] }, 'metadata'],
  ['metadata that is null', 'POST', '', { id: 'x', metadata: null }, 'metadata'],
  ['a number in metadata', 'POST', '', { id: 'x', metadata: { a: 1 } }, 'metadata.a'],
  ['a NUL in metadata', 'POST', '', { id: 'x', metadata: { a: '\0' } }, 'metadata.a'],
  ['too long a value in metadata', 'POST', '', { id: 'x', metadata: { a: 'x'.repeat(501) } }, 'metadata.a'],
  ['__proto__ in metadata', 'POST', '', '{"id":"x","metadata":{"__proto__":"x"}}', 'metadata.__proto__'],
  [
    'too much metadata',
    'POST',
    '',
    { id: 'x', metadata: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`k${n}`, ''])) },
    'metadata',
  ],
  ['a negative quota', 'POST', '', { id: 'x', max_endpoints: -1 }, 'max_endpoints'],
  ['half an endpoint', 'POST', '', { id: 'x', max_endpoints: 0.5 }, 'max_endpoints'],
  ['a quota beyond an integer', 'POST', '', { id: 'x', max_endpoints: 1e10 }, 'max_endpoints'],
  ['no events at all', 'POST', '', { id: 'x', max_events_per_second: 0 }, 'max_events_per_second'],
  ['another id', 'PATCH', '/used', { id: 'y' }, 'id'],
  ['a quota in words', 'PATCH', '/used', { max_events_per_second: 'ten' }, 'max_events_per_second'],
  ['a foreign cursor', 'GET', '?cursor=ICA', undefined, 'cursor'],
  ['a filter that is not known', 'GET', '?name=x', undefined, 'name'],
])('%s is refused, by the name of its field', async (_name, method, path, body, field) => {
  const before = (await t.pool.query('select * from tenants order by id')).rows;
  const answer = await t.call<ProblemBody>(method, `/v1/tenants${path}`, body);
  expect(answer).toMatchObject({
    status: 400,
    body: { code: 'validation_failed', errors: [{ path: field }] },
  });
  expect((await t.pool.query('select * from tenants order by id')).rows).toEqual(before);
});

test.each(['a b', '..', 'x'.repeat(129), '%00'])('there is no tenant %j', async (id) => {
  const path = `/v1/tenants/${id === '%00' ? id : encodeURIComponent(id)}`;
  for (const [method, body] of [['GET'], ['PATCH', {}], ['DELETE']] as const)
    expect(await t.call(method, path === '/v1/tenants/..' ? '/v1/tenants/%2E%2E' : path, body)).toMatchObject(
      {
        status: 404,
      },
    );
});

test('a tenant with endpoints or open deliveries is not deleted, and one whose endpoints are gone is', async () => {
  const { id: endpointId } = await createEndpoint(t, URL, { tenant: 'busy' });
  await seedOpen(t.pool, { endpointId, count: 3 });
  expect((await get('busy')).body).toMatchObject({ endpoint_count: 1, open_delivery_count: 3 });
  const refused = { status: 409, body: { code: 'tenant_in_use' } };
  expect(await t.call('DELETE', '/v1/tenants/busy')).toMatchObject(refused);
  // By SQL: deleting it through the API would end its deliveries, too.
  await t.pool.query('update endpoints set deleted_at = now() where id = $1', [endpointId]);
  expect((await get('busy')).body).toMatchObject({ endpoint_count: 0, open_delivery_count: 3 });
  expect(await t.call('DELETE', '/v1/tenants/busy')).toMatchObject(refused);
  await t.pool.query(
    `update open_deliveries set claimed_by = 'prc_test', claim_until = now() + interval '1 hour' where endpoint_id = $1`,
    [endpointId],
  );
  expect((await get('busy')).body).toMatchObject({ open_delivery_count: 3 });
  expect(await t.call('DELETE', '/v1/tenants/busy')).toMatchObject(refused);
  await t.pool.query('delete from open_deliveries where endpoint_id = $1', [endpointId]);
  expect((await t.call('DELETE', '/v1/tenants/busy')).status).toBe(204);
  // The history of a deleted tenant stays, and its next endpoint makes the tenant again.
  expect((await t.call<{ data: unknown[] }>('GET', '/v1/events?tenant=busy')).body.data).toHaveLength(3);
  await createEndpoint(t, URL, { tenant: 'busy' });
  expect((await get('busy')).body).toMatchObject({ endpoint_count: 1 });
});

test('a change is committed before its answer is counted', async () => {
  await t.call('POST', '/v1/tenants', { id: 'counted' });
  const client = await t.pool.connect();
  await client.query('begin; lock table open_deliveries in access exclusive mode');
  const changing = t.call('PATCH', '/v1/tenants/counted', { name: 'changed' });
  const making = t.call('POST', '/v1/tenants', { id: 'counted_too' });
  // The counts wait for the lock.
  await eventually(async () => {
    const { rows } = await client.query(
      `select from tenants where id = 'counted' and name = 'changed' or id = 'counted_too'`,
    );
    return rows.length === 2;
  });
  await client.query('commit');
  client.release();
  expect([(await changing).status, (await making).status]).toEqual([200, 201]);
});

test('a tenant is not deleted while one of its events is being accepted', async () => {
  await createEndpoint(t, URL, { tenant: 'racing' });
  const { rows } = await t.pool.query<{ id: string }>(
    `update endpoints set ad_hoc_key = id where tenant = 'racing' returning id`,
  );
  const client = await t.pool.connect();
  await client.query('begin');
  const event = newEvent({ tenant: 'racing', endpointIds: [rows[0]!.id] });
  await acceptEvents(client, [event], { claimedBy: null, workflow: 'none' });
  // Deleting waits for a moment only: events wait for it meanwhile.
  const refused = { status: 409, body: { code: 'tenant_in_use' } };
  expect(await t.call('DELETE', '/v1/tenants/racing')).toMatchObject(refused);
  await client.query('commit');
  client.release();
  expect(await t.call('DELETE', '/v1/tenants/racing')).toMatchObject(refused);
});

test('a delivery that is retried makes its deleted tenant again', async () => {
  const { id: endpointId } = await createEndpoint(t, URL, { tenant: 'back' });
  const [ended] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  await t.pool.query('update endpoints set ad_hoc_key = id where id = $1', [endpointId]);
  expect((await t.call('DELETE', '/v1/tenants/back')).status).toBe(204);
  expect((await t.call('POST', `/v1/deliveries/${ended!.id}/retry`)).status).toBe(202);
  expect((await get('back')).body).toMatchObject({ open_delivery_count: 1 });
});

test('a look at a tenant reads none of its dead endpoints', async () => {
  const { id: endpointId } = await createEndpoint(t, URL, { tenant: 'old' });
  await seedOpen(t.pool, { endpointId, count: 1 });
  await t.pool.query(
    `insert into endpoints (id, tenant, url, event_types, timeout_ms, deleted_at, ad_hoc_key)
     select new_id('ep', now()), 'old', 'http://127.0.0.1:9/', '{}', 1000, case when n % 2 = 0 then now() end,
       case when n % 2 = 1 then 'old-' || n end
     from generate_series(1, 2000) n`,
  );
  const client = await t.pool.connect();
  // As the service's connections are set.
  await client.query('begin; set local enable_seqscan = off; set local enable_bitmapscan = off');
  expect(await getTenant(client, 'old')).toMatchObject({ endpoint_count: 1, open_delivery_count: 1 });
  const { rows } = await client.query<{ read: number }>(
    `select (seq_tup_read + idx_tup_fetch)::int as read from pg_stat_xact_user_tables where relname = 'endpoints'`,
  );
  await client.query('rollback');
  client.release();
  expect(rows[0]!.read).toBeLessThan(100);
});

test('a tenant that posts 20 endpoints at once gets as many as it may have', async () => {
  await t.call('POST', '/v1/tenants', { id: 'five', max_endpoints: 5 });
  const post = () =>
    t.call<ProblemBody>('POST', '/v1/endpoints', { url: URL, event_types: ['*'], tenant: 'five' });
  const answers = await Promise.all(Array.from({ length: 20 }, post));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(5);
  for (const { status, body } of answers.filter((answer) => answer.status !== 201)) {
    expect({ status, body }).toMatchObject({
      ...{ status: 422, body: { code: 'quota_exceeded', errors: [{ path: 'tenant' }] } },
    });
  }
  expect((await get('five')).body.endpoint_count).toBe(5);
  // A deleted one makes room; one more is then refused again.
  const { id } = answers.find(({ status }) => status === 201)!.body as unknown as { id: string };
  await t.call('DELETE', `/v1/endpoints/${id}`);
  expect((await post()).status).toBe(201);
  expect((await post()).status).toBe(422);
  await t.call('PATCH', '/v1/tenants/five', { max_endpoints: 6 });
  expect((await post()).status).toBe(201);
});

test('endpoints of POST /v1/send do not count until they are changed into registered ones', async () => {
  await t.call('POST', '/v1/tenants', { id: 'sender', max_endpoints: 1 });
  const send = async (n: number) =>
    (
      await t.call<{ deliveries: { endpoint_id: string }[] }>('POST', '/v1/send', {
        ...{ url: `${URL}${n}`, payload: 1, tenant: 'sender' },
      })
    ).body.deliveries[0]!.endpoint_id;
  const [first, second] = [await send(1), await send(2)];
  expect((await get('sender')).body.endpoint_count).toBe(0);
  const patch = (id: string) => t.call<ProblemBody>('PATCH', `/v1/endpoints/${id}`, { description: 'kept' });
  expect((await patch(first)).status).toBe(200);
  expect(await patch(second)).toMatchObject({ status: 422, body: { code: 'quota_exceeded' } });
  // A registered one is changed as before.
  expect((await patch(first)).status).toBe(200);
});

test('the configured quotas count for tenants without their own', async () => {
  const post = (tenant: string) =>
    limited.call('POST', '/v1/endpoints', { url: URL, event_types: ['*'], tenant });
  expect([(await post('d')).status, (await post('d')).status, (await post('d')).status]).toEqual([
    201, 201, 422,
  ]);
  await limited.call('POST', '/v1/tenants', { id: 'more', max_endpoints: 3 });
  for (let n = 0; n < 3; n++) expect((await post('more')).status).toBe(201);
});

/** Posts 500 events at once; returns how many were accepted, and how many more the time since allowed. */
async function flood(service: TestService, tenant: string) {
  const began = performance.now();
  const events = Array.from({ length: 500 }, (_, n) => ({ type: 'a.b', payload: n, tenant }));
  const { body } = await service.call<{ results: { status: number; error?: ProblemBody }[] }>(
    'POST',
    '/v1/events/batch',
    { events },
  );
  const seconds = (performance.now() - began) / 1_000;
  const refused = body.results.filter(({ status }) => status !== 202);
  for (const result of refused)
    expect(result).toMatchObject({
      status: 429,
      error: { code: 'rate_limited', errors: [{ path: 'tenant' }] },
    });
  return { accepted: 500 - refused.length, seconds };
}

test('a batch beyond the rate has a 429 for each event that is too many, and stores the others', async () => {
  await limited.call('POST', '/v1/tenants', { id: 'fast', max_events_per_second: 100 });
  // The default rate allows 5 at once.
  await eventually(async () => {
    await sleep(300);
    return (await flood(limited, 'fast')).accepted >= 20;
  });
  const { accepted, seconds } = await flood(limited, 'slow');
  expect(accepted).toBeGreaterThanOrEqual(5);
  expect(accepted).toBeLessThanOrEqual(5 + 5 * seconds + 1);
  const { rows } = await limited.pool.query(`select from events where tenant = 'slow'`);
  expect(rows).toHaveLength(accepted);
  // Nothing was taken from another tenant.
  expect((await limited.call('POST', '/v1/events', { type: 'a.b', payload: 1, tenant: 'calm' })).status).toBe(
    202,
  );
});

test('a batch above the rate that is sent again with its key is accepted in the end', async () => {
  const events = Array.from({ length: 30 }, (_, n) => ({ type: 'a.b', payload: n, tenant: 'patient' }));
  const send = async () =>
    (
      await limited.call<{ results: { status: number }[] }>(
        ...(['POST', '/v1/events/batch', { events }, { 'idempotency-key': 'again' }] as const),
      )
    ).body.results.map(({ status }) => status);
  const first = await send();
  // The default rate allows 5 at once.
  expect(first.filter((status) => status === 202).length).toBeGreaterThanOrEqual(5);
  expect(first).toContain(429);
  await eventually(async () => {
    await sleep(1_000);
    return (await send()).every((status) => status === 200);
  });
  // Known ones are answered when nothing is left of the rate, too.
  await eventually(async () => (await flood(limited, 'patient')).accepted < 500);
  expect((await send()).every((status) => status === 200)).toBe(true);
});

test.each([
  ['a plain post', '/v1/events', {}],
  ['a post that the router takes', '/v1/events?', {}],
  ['a webhook to a URL', '/v1/send', { url: URL }],
])('%s beyond the rate is answered with 429 and when to come back', async (_name, path, over) => {
  const tenant = `rate-${path.length}`;
  const post = () => limited.call<ProblemBody>('POST', path, { type: 'a.b', payload: 1, tenant, ...over });
  // As many at a time as no second of a slow machine allows.
  const answers = await eventually(async () => {
    const posted = await Promise.all(Array.from({ length: 40 }, post));
    return posted.some(({ status }) => status === 429) && posted;
  });
  const refused = answers.find(({ status }) => status === 429)!;
  expect(refused.body).toMatchObject({ code: 'rate_limited', errors: [{ path: 'tenant' }] });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(refused.headers.get('ratelimit-policy')).toBe('"tenant";q=5;w=1');
  expect(refused.headers.get('ratelimit')).toBe('"tenant";r=0;t=1');
});

test('a changed rate counts in the running process, and a deleted tenant has the default again', async () => {
  const accepted = async () => (await flood(t, 'changing')).accepted;
  expect(await accepted()).toBe(500);
  await t.call('PATCH', '/v1/tenants/changing', { max_events_per_second: 3 });
  await eventually(async () => (await accepted()) < 500);
  await t.call('PATCH', '/v1/tenants/changing', { max_events_per_second: null });
  await eventually(async () => (await accepted()) === 500);
  await t.call('PATCH', '/v1/tenants/changing', { max_events_per_second: 3 });
  await eventually(async () => (await accepted()) < 500);
  expect((await t.call('DELETE', '/v1/tenants/changing')).status).toBe(204);
  await eventually(async () => (await accepted()) === 500);
});
