import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint } from '../support/path.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

interface ProblemBody {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  errors: { path: string; message: string }[];
}

const rows = async () => {
  const { rows } = await t.pool.query<Record<string, number>>(
    `select (select count(*)::int from events) as events, (select count(*)::int from open_deliveries) as open,
       (select count(*)::int from deliveries) as deliveries,
       (select count(*)::int from endpoints) as endpoints, (select count(*)::int from idempotency_keys) as keys,
       (select count(*)::int from tenants) as tenants`,
  );
  return rows[0];
};

/** Sends a request, and expects this problem and that nothing was stored. */
async function refused(
  [method, path, body, headers]: [string, string, unknown?, Record<string, string>?],
  expected: { status: number; code?: string; field?: string },
): Promise<void> {
  const before = await rows();
  const answer = await t.call<ProblemBody>(method, path, body, headers);
  expect(answer.body).toMatchObject({ status: expected.status, type: 'about:blank' });
  expect(answer.status).toBe(expected.status);
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(answer.headers.get('x-request-id')).toMatch(/^req_/);
  expect(answer.headers.get('cache-control')).toBe('no-store');
  if (expected.code) expect(answer.body.code).toBe(expected.code);
  if (expected.field) expect(answer.body.errors.map((error) => error.path)).toContain(expected.field);
  expect(await rows()).toEqual(before);
}

const event = (over: Record<string, unknown>) => ({ type: 'a.b', payload: 1, ...over });
const endpoint = (over: Record<string, unknown>) => ({
  url: 'https://example.com/',
  event_types: ['*'],
  ...over,
});
const big = 'x'.repeat(256 * 1024);

test.each<[string, unknown, number, string]>([
  ['malformed JSON', '{"type":"a.b","payload":', 400, 'body'],
  ['no body', '', 400, 'body'],
  ['a list', '[]', 400, 'body'],
  ['a type with a space', event({ type: 'order created' }), 400, 'type'],
  ['a type that ends in a full stop', event({ type: 'order.' }), 400, 'type'],
  ['a type of 129 characters', event({ type: 'a'.repeat(129) }), 400, 'type'],
  ['no type', { payload: 1 }, 400, 'type'],
  ['no payload', { type: 'a.b' }, 400, 'payload'],
  ['a number for a type', event({ type: 5 }), 400, 'type'],
  ['an unknown field', event({ paylod: 1 }), 400, 'paylod'],
  ['a key of 300 characters', event({ idempotency_key: 'k'.repeat(300) }), 400, 'idempotency_key'],
  ['a key with a line break', event({ idempotency_key: 'a\nb' }), 400, 'idempotency_key'],
  ['a key with a NUL', event({ idempotency_key: 'a\0b' }), 400, 'idempotency_key'],
  [
    'a key with half a surrogate pair',
    '{"type":"a","payload":1,"idempotency_key":"\\ud800"}',
    400,
    'idempotency_key',
  ],
  ['an empty key', event({ idempotency_key: '' }), 400, 'idempotency_key'],
  ['a tenant with a space', event({ tenant: 'a b' }), 400, 'tenant'],
  ['a tenant of 129 characters', event({ tenant: 'a'.repeat(129) }), 400, 'tenant'],
  ['a tenant that no URL can name', event({ tenant: '..' }), 400, 'tenant'],
  ['a type with a wildcard', event({ type: 'order.*' }), 400, 'type'],
  ['a type with an empty segment', event({ type: 'order..created' }), 400, 'type'],
  ['a type with non-ASCII characters', event({ type: 'größe' }), 400, 'type'],
  ['a payload over 256 KiB', event({ payload: big }), 413, 'payload'],
  ['a payload of 512 KiB', event({ payload: big + big }), 413, 'payload'],
  ['a malformed endpoint id', event({ endpoint_ids: ['ep_1'] }), 400, 'endpoint_ids[0]'],
  ['an unknown endpoint', event({ endpoint_ids: [`ep_${'0'.repeat(32)}`] }), 422, 'endpoint_ids[0]'],
])('an event with %s is refused, and the error names the field', async (_name, body, status, field) => {
  await refused(['POST', '/v1/events', body], { status, field });
});

test('bytes that are not UTF-8 are malformed JSON', async () => {
  const body = Buffer.concat([
    Buffer.from('{"type":"a","payload":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ]);
  const response = await fetch(`${t.service.url}/v1/events`, {
    method: 'POST',
    body,
    headers: { authorization: 'Bearer test-admin-key-of-enough-length' },
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ code: 'malformed_json' });
});

test.each<[string, Record<string, unknown>, number, string]>([
  ['credentials in its URL', { url: 'https://a:b@example.com/' }, 400, 'url'],
  ['a scheme that is not http', { url: 'ftp://example.com/' }, 400, 'url'],
  ['javascript for a scheme', { url: 'javascript:alert(1)' }, 400, 'url'],
  ['a URL without a scheme', { url: 'example.com' }, 400, 'url'],
  ['a NUL in its URL', { url: 'http://8.8.8.8/a\0b' }, 400, 'url'],
  ['a line break in its URL', { url: 'http://8.8.8.8/a\nb' }, 400, 'url'],
  ['a tab in its URL', { url: 'http://8.8.8.8/a\tb' }, 400, 'url'],
  ['a space before its URL', { url: ' http://8.8.8.8/' }, 400, 'url'],
  ['a space after its URL', { url: 'http://8.8.8.8/ ' }, 400, 'url'],
  ['a space in its URL', { url: 'http://8.8.8.8/a b' }, 400, 'url'],
  ['one slash before its host', { url: 'http:/8.8.8.8/' }, 400, 'url'],
  ['no slash before its host', { url: 'http:8.8.8.8' }, 400, 'url'],
  ['three slashes before its host', { url: 'http:///8.8.8.8/' }, 400, 'url'],
  ['backslashes in its URL', { url: 'http:\\\\8.8.8.8\\a' }, 400, 'url'],
  ['port 0', { url: 'http://8.8.8.8:0/' }, 400, 'url'],
  ['an empty fragment', { url: 'http://8.8.8.8/#' }, 400, 'url'],
  ['a label of 64 characters', { url: `http://${'a'.repeat(64)}.example.com/` }, 400, 'url'],
  ['an empty label', { url: 'http://a..example.com/' }, 400, 'url'],
  ['a host of 254 characters', { url: `http://${'abc.'.repeat(63)}de/` }, 400, 'url'],
  ['half a surrogate pair in its URL', { url: 'http://8.8.8.8/\ud800' }, 400, 'url'],
  ['a private address', { url: 'http://10.1.2.3/' }, 422, 'url'],
  ['the metadata address', { url: 'http://169.254.169.254/latest' }, 422, 'url'],
  ['a private address in hexadecimal', { url: 'http://0xa000001/' }, 422, 'url'],
  ['an IPv4-mapped private address', { url: 'http://[::ffff:10.0.0.1]/' }, 422, 'url'],
  ['a wildcard in the middle', { event_types: ['order.*.paid'] }, 400, 'event_types[0]'],
  ['a wildcard without a separator', { event_types: ['order*'] }, 400, 'event_types[0]'],
  ['no event types', { event_types: [] }, 400, 'event_types'],
  ['a reserved header', { headers: { 'Webhook-Signature': 'x' } }, 400, 'headers.Webhook-Signature'],
  ['a line break in a header', { headers: { 'x-a': 'b\r\nx: y' } }, 400, 'headers.x-a'],
  ['a timeout of a minute', { timeout_ms: 60_000 }, 400, 'timeout_ms'],
  ['a fractional timeout', { timeout_ms: 1500.5 }, 400, 'timeout_ms'],
  ['a secret that is too short', { secret: 'whsec_AAAA' }, 400, 'secret'],
  ['a NUL in its description', { description: 'a\0' }, 400, 'description'],
  ['an unknown field', { colour: 'red' }, 400, 'colour'],
])('an endpoint with %s is refused, and the error names the field', async (_name, over, status, field) => {
  await refused(['POST', '/v1/endpoints', endpoint(over)], { status, field });
});

test.each([
  'https://8.8.8.8/%20a?b=%5C',
  'https://8.8.8.8:8443',
  'http://[2001:4860:4860::8888]/',
  `https://${'a'.repeat(63)}.invalid./`,
  'HTTPS://BÜCHER.invalid/',
])('the URL %s is accepted', async (url) => {
  expect(await t.call('POST', '/v1/endpoints', endpoint({ url }))).toMatchObject({
    status: 201,
    body: { url },
  });
});

test('a patch is validated by the same rules, and changes nothing when it is refused', async () => {
  const { id } = await createEndpoint(t, 'http://127.0.0.1:9/');
  const before = (await t.call('GET', `/v1/endpoints/${id}`)).body;
  await refused(['PATCH', `/v1/endpoints/${id}`, { url: 'http://10.0.0.1/' }], { status: 422, field: 'url' });
  await refused(['PATCH', `/v1/endpoints/${id}`, { timeout_ms: 1 }], { status: 400, field: 'timeout_ms' });
  await refused(['PATCH', `/v1/endpoints/${id}`, { tenant: 'other' }], { status: 400, field: 'tenant' });
  expect((await t.call('GET', `/v1/endpoints/${id}`)).body).toEqual(before);
});

test.each([
  ['GET', '/v1/events/evt_none'],
  ['GET', '/v1/endpoints/ep_none'],
  ['PATCH', '/v1/endpoints/ep_none'],
  ['DELETE', '/v1/endpoints/ep_none'],
  ['GET', '/v1/endpoints/ep_none/secret'],
  ['GET', '/v1/deliveries/del_none'],
  ['GET', '/v1/deliveries/%00'],
  ['GET', `/v1/deliveries/del_${'0'.repeat(32)}`],
  ['PATCH', `/v1/endpoints/ep_${'0'.repeat(32)}`],
  ['DELETE', `/v1/endpoints/ep_${'0'.repeat(32)}`],
  ['GET', `/v1/events/evt_${'0'.repeat(32)}`],
  ['GET', '/v1/nothing'],
  ['GET', '/nothing'],
])('%s %s is not found', async (method, path) => {
  await refused([method, path, method === 'PATCH' ? {} : undefined], { status: 404, code: 'not_found' });
});

test.each([
  ['PUT', '/v1/events'],
  ['DELETE', `/v1/events/evt_${'0'.repeat(32)}`],
  ['POST', '/v1/deliveries'],
  ['GET', '/v1/deliveries/cancel'],
  ['DELETE', '/v1/events/batch'],
  ['GET', '/v1/send'],
  ['POST', '/healthz'],
  ['POST', '/readyz'],
  ['DELETE', '/metrics'],
])('%s %s is not an allowed method', async (method, path) => {
  await refused([method, path], { status: 405, code: 'method_not_allowed' });
});

test('a refused method is answered with those of the path alone', async () => {
  const allowed = async (path: string) => (await t.call('OPTIONS', path)).headers.get('allow');
  expect(await allowed('/v1/events')).toBe('POST, GET');
  expect(await allowed('/v1/deliveries/cancel')).toBe('POST');
  expect(await allowed(`/v1/deliveries/del_${'0'.repeat(32)}`)).toBe('GET');
});

test.each([
  ['no key', { authorization: '' }],
  ['a wrong key', { authorization: 'Bearer wrong' }],
  ['another scheme', { authorization: 'Basic test-admin-key-of-enough-length' }],
])('a request with %s gets 401, and nothing is stored', async (_name, headers) => {
  await refused(['POST', '/v1/events', event({}), headers], { status: 401, code: 'unauthorized' });
  await refused(['GET', '/v1/endpoints', undefined, headers], { status: 401 });
});

test.each([
  ['/v1/events?limit=0', 'limit'],
  ['/v1/events?limit=251', 'limit'],
  ['/v1/events?cursor=nonsense', 'cursor'],
  ['/v1/events?from=yesterday', 'from'],
  ['/v1/deliveries?status=LOST', 'status'],
  ['/v1/deliveries?state=FAILED', 'state'],
  ['/v1/deliveries?event_id=1', 'event_id'],
  ['/v1/endpoints?status=on', 'status'],
])('%s is refused, and the error names the parameter', async (path, field) => {
  await refused(['GET', path], { status: 400, field });
});

test.each([
  ['2026-01-01T00:00:00+01:00', /write \+ as %2B/],
  ['2026-01-01T00:00:00.5+01:00', /write \+ as %2B/],
  ['2026-01-01T00:00:00', /with its zone, such as 2026-01-31T12:00:00Z/],
  ['2026-01-01', /with its zone, such as 2026-01-31T12:00:00Z/],
])('the refusal of ?from=%s says what to write', async (from, message) => {
  const answer = await t.call<ProblemBody>('GET', `/v1/events?from=${from}`);
  expect(answer).toMatchObject({ status: 400, body: { errors: [{ path: 'from' }] } });
  expect(answer.body.errors[0]!.message).toMatch(message);
  const told = ['2026-01-31T12:00:00Z', '2026-01-31T13:00:00%2B01:00'];
  for (const time of told) expect((await t.call('GET', `/v1/events?from=${time}`)).status).toBe(200);
});

test('a byte order mark before a body is skipped, and the payload is stored unchanged', async () => {
  const payload = '{ "a" : "\ufeff" }';
  for (const [path, body, status] of [
    ['/v1/events', `{"type":"bom","payload":${payload},"idempotency_key":"bom"}`, 202],
    ['/v1/events/batch', `{"events":[{"type":"bom","payload":${payload},"idempotency_key":"bom"}]}`, 200],
    ['/v1/endpoints', JSON.stringify(endpoint({ tenant: 'bom' })), 201],
  ] as const) {
    expect(await t.call('POST', path, `\ufeff${body}`)).toMatchObject({ status });
  }
  const { data } = (await t.call<{ data: { id: string }[] }>('GET', '/v1/events?idempotency_key=bom')).body;
  const { rows } = await t.pool.query('select payload from events where id = $1', [data[0]!.id]);
  expect(rows).toEqual([{ payload }]);
  // U+FEC1 has the same first two bytes.
  expect(await t.call('POST', '/v1/events', `\ufec1{"type":"bom","payload":1}`)).toMatchObject({
    status: 400,
  });
});

test('a payload of 1,000 levels is accepted, a deeper one is refused, and none overflows the stack', async () => {
  const of = (levels: number) =>
    `{"type":"deep","payload":${'['.repeat(levels)}${']'.repeat(levels)},"idempotency_key":"deep"}`;
  expect(await t.call('POST', '/v1/events', of(1_000))).toMatchObject({ status: 202 });
  const known = await t.call('POST', '/v1/events/batch', `{"events":[${of(1_000)},${of(1_001)}]}`);
  expect(known.body).toMatchObject({ results: [{ status: 200 }, { status: 400 }] });
  for (const levels of [1_001, 100_000])
    await refused(['POST', '/v1/events', of(levels)], { status: 400, field: 'payload' });
  await refused(['POST', '/v1/endpoints', '['.repeat(100_000)], { status: 400, code: 'malformed_json' });
  await refused(['POST', '/v1/batches', `{"filter":${'['.repeat(100_000)}${']'.repeat(100_000)}}`], {
    status: 400,
    field: 'filter',
  });
});

test('an idempotency key that differs from its header, or is too long, is refused', async () => {
  const body = event({ idempotency_key: 'a' });
  await refused(['POST', '/v1/events', body, { 'idempotency-key': 'b' }], {
    status: 400,
    field: 'idempotency_key',
  });
  await refused(['POST', '/v1/events', event({}), { 'idempotency-key': 'k'.repeat(256) }], {
    status: 400,
    field: 'Idempotency-Key',
  });
});

test('any posted JSON is accepted or answered with a problem, never with a 500', async () => {
  const path = fc.constantFrom('/v1/events', '/v1/send', '/v1/endpoints');
  const field = fc.constantFrom(
    ...[
      'type',
      'payload',
      'idempotency_key',
      'tenant',
      'url',
      'event_types',
      'headers',
      'endpoint_ids',
      'secret',
    ],
  );
  // Almost valid values reach deeper code than random noise.
  const value = fc.oneof(
    fc.jsonValue(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('a.b', 'default', '*', ['*'], ['a.*'], 'http://[::1]:1/', 'http://127.0.0.1:9/', {
      'x-a': 'b',
    }),
  );
  await fc.assert(
    fc.asyncProperty(path, fc.dictionary(field, value, { maxKeys: 9 }), async (path, body) => {
      const answer = await t.call<ProblemBody>('POST', path, body);
      expect([200, 201, 202, 400, 409, 422]).toContain(answer.status);
      if (answer.status >= 400) expect(answer.body.errors.length).toBeGreaterThan(0);
    }),
    { numRuns: 300 },
  );
}, 60_000);

/** The path to every string of a body, such as `['headers', 'x-a']`. */
function stringsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value === 'string') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => stringsOf(inner, [...path, key]));
}

function changed(value: unknown, [key, ...rest]: string[], to: (text: string) => string): unknown {
  if (key === undefined) return to(value as string);
  const copy = structuredClone(value) as Record<string, unknown>;
  copy[key] = changed(copy[key], rest, to);
  return copy;
}

/** `['event_types', '0']` as `event_types[0]`. */
const fieldOf = (path: string[]) =>
  path
    .map((part) => (/^\d+$/.test(part) ? `[${part}]` : `.${part}`))
    .join('')
    .slice(1);

test('a control character in any text of any request is a 400 that names its field', async () => {
  const none = '0'.repeat(32);
  const text = 'some text';
  const settings = {
    url: 'https://example.com/a',
    event_types: ['order.*'],
    description: text,
    headers: { 'x-a': text },
    retry_on: 'default',
  };
  const inTenant = { tenant: 'acme', idempotency_key: 'key 1', type: 'a.b' };
  const filter = {
    status: ['FAILED'],
    tenant: 'acme',
    endpoint_id: `ep_${none}`,
    event_type: 'a.b',
    classification: 'TIMEOUT',
    from: '2026-01-01T00:00:00Z',
    to: '2026-01-02T00:00:00Z',
  };
  const bodies: [string, string, object][] = [
    ['POST', '/v1/events', { ...inTenant, payload: 1, endpoint_ids: [`ep_${none}`] }],
    ['POST', '/v1/send', { ...inTenant, payload: 1, url: settings.url, headers: settings.headers }],
    ['POST', '/v1/endpoints', { ...settings, tenant: 'acme', secret: `whsec_${'A'.repeat(32)}` }],
    ['PATCH', `/v1/endpoints/ep_${none}`, settings],
    ['POST', '/v1/batches', { delivery_ids: [`del_${none}`], tenant: 'acme', note: text, dry_run: true }],
    ['POST', '/v1/batches', { filter, note: text, dry_run: true }],
    ['PATCH', `/v1/batches/bat_${none}`, { rate_per_second: 1, reason: text }],
    ['POST', `/v1/batches/bat_${none}/start`, { note: text }],
    ['POST', '/v1/control/pause', { scope: 'tenant', tenant: 'acme', reason: text }],
    ['POST', '/v1/control/resume', { scope: 'tenant', tenant: 'acme', reason: text }],
    ...['pause', 'resume', 'enable', 'disable'].map((verb): [string, string, object] => [
      'POST',
      `/v1/endpoints/ep_${none}/${verb}`,
      { reason: text },
    ]),
    ...['cancel', 'retry'].map((verb): [string, string, object] => [
      'POST',
      `/v1/deliveries/del_${none}/${verb}`,
      { reason: text },
    ]),
    ...['pause', 'resume', 'cancel'].map((verb): [string, string, object] => [
      'POST',
      `/v1/batches/bat_${none}/${verb}`,
      { reason: text },
    ]),
  ];
  const places = bodies.flatMap(([method, path, body]) =>
    stringsOf(body).map((place) => ({ method, path, body, place })),
  );
  // C0, DEL and C1. HTTP allows a tab in the value of a header.
  const control = fc.integer({ min: 0, max: 0x40 }).map((n) => String.fromCharCode(n < 0x20 ? n : n + 0x5f));
  const before = await rows();
  for (const { method, path, body, place } of places) {
    await fc.assert(
      fc.asyncProperty(control, fc.nat(), async (character, at) => {
        fc.pre(place[0] !== 'headers' || character !== '\t');
        const insert = (value: string) => {
          const cut = at % (value.length + 1);
          return value.slice(0, cut) + character + value.slice(cut);
        };
        const answer = await t.call<ProblemBody>(method, path, changed(body, place, insert));
        expect([answer.status, answer.body.errors?.[0]?.path]).toEqual([400, expect.any(String)]);
        expect(answer.body.errors[0]!.path.startsWith(fieldOf(place).replace(/\.status\[.*/, ''))).toBe(true);
      }),
      {
        numRuns: 12,
        examples: [
          ['\0', 0],
          ['\0', 7],
          ['\n', 99],
        ],
      },
    );
  }
  expect(await rows()).toEqual(before);
}, 60_000);

test('any posted bytes get 400, never 500', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      const response = await fetch(`${t.service.url}/v1/events`, {
        method: 'POST',
        body: Buffer.from(bytes),
        headers: { authorization: 'Bearer test-admin-key-of-enough-length' },
      });
      await response.body?.cancel();
      expect(response.status).toBe(400);
    }),
    { numRuns: 100 },
  );
}, 60_000);

const LISTS = [
  ...[
    '/v1/events?cursor=',
    '/v1/events?after=',
    '/v1/events/search?text=abc&cursor=',
    '/v1/deliveries?cursor=',
  ],
  ...['/v1/endpoints?cursor=', '/v1/batches?cursor=', '/v1/audit?cursor=', '/v1/api-keys?cursor='],
  ...['/v1/portal-sessions?cursor=', '/v1/tenants?cursor=', '/v1/event-types?cursor=', '/v1/issues?cursor='],
];
const ISSUE = `iss_${'a'.repeat(32)}`;

test.each(LISTS)('%s refuses cursors that no page had', async (path) => {
  const times = ['2026-99-99 99:99:99', '2026-02-30 00:00:00', '0000-01-01 00:00:00', '2026-01-01 24:00:00'];
  const odd = [
    '2026-01-01 1.1.1.1',
    '2026-01-01 00:00:00.1234567',
    '99999-01-01 00:00:00',
    '2026-01-01 00:00:60',
  ];
  const texts = [...times, ...odd].map((time) => `t ${time}+00 ${ISSUE}`);
  for (const text of [...texts, '18446744073709551616 ', 'a\0b', '\n', '\ud800']) {
    const cursor = Buffer.from(text).toString('base64url');
    expect((await t.call('GET', path + cursor)).status, text).toBe(400);
  }
});
