import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

interface ProblemBody {
  status: number;
  detail: string;
  code: string;
  errors: { path: string; message: string }[];
}

const size = (body: unknown) => JSON.stringify(body).length;
const unknowns = (count: number) => Array.from({ length: count }, (_, i) => [`k${i}`, 1] as const);
const members = (count: number) => Object.fromEntries(unknowns(count));
const none = '0'.repeat(32);

test.each<[string, string, unknown]>([
  ['unknown fields', '/v1/events', { type: 'a', payload: 1, ...members(90) }],
  ['more fields than any request has', '/v1/events', members(20_000)],
  ['more fields than any batch of events has', '/v1/events/batch', { events: [], ...members(300_000) }],
  ['fields with long names', '/v1/events', { ['x'.repeat(100_000)]: 1, ['y'.repeat(100_000)]: 1 }],
  [
    'endpoint ids that are malformed',
    '/v1/events',
    { type: 'a', payload: 1, endpoint_ids: Array(1_000).fill('x') },
  ],
  ['too many endpoint ids', '/v1/events', { type: 'a', payload: 1, endpoint_ids: Array(60_000).fill('x') }],
  ['delivery ids that are malformed', '/v1/batches', { delivery_ids: Array(10_000).fill('x') }],
  ['too many delivery ids', '/v1/batches', { delivery_ids: Array(100_000).fill('x') }],
  ['too many events', '/v1/events/batch', { events: Array(1_000_000).fill(1) }],
  ['unknown states in a filter', '/v1/batches', { filter: { status: Array(5_000).fill('x') } }],
  ['unknown fields in a filter', '/v1/batches', { filter: members(20_000) }],
  [
    'bad headers',
    '/v1/endpoints',
    { headers: Object.fromEntries(unknowns(32).map(([k]) => [`${k} `, 'v'])) },
  ],
  ['too many headers', '/v1/endpoints', { headers: members(20_000) }],
  ['headers with long names', '/v1/endpoints', { headers: { ['x'.repeat(300_000)]: 'v' } }],
  ['subscriptions that are malformed', '/v1/endpoints', { event_types: Array(100).fill(' ') }],
  ['too many subscriptions', '/v1/endpoints', { event_types: Array(50_000).fill(' ') }],
])('%s are answered with at most 20 errors', async (_name, path, body) => {
  const answer = await t.call<ProblemBody>('POST', path, body);
  expect(answer.status).toBe(400);
  expect(answer.body.errors.length).toBeGreaterThan(0);
  expect(answer.body.errors.length).toBeLessThanOrEqual(20);
  expect(size(answer.body)).toBeLessThan(10_000);
});

test('a value that is too long gets one error, without errors about its contents', async () => {
  const events = { endpoint_ids: Array(60_000).fill('x') };
  const of = async (path: string, body: unknown) =>
    (await t.call<ProblemBody>('POST', path, body)).body.errors.filter(
      ({ path: at }) => !['url'].includes(at),
    );
  expect(await of('/v1/events', { type: 'a', payload: 1, ...events })).toHaveLength(1);
  expect(await of('/v1/events', { type: ' '.repeat(100_000), payload: 1 })).toEqual([
    { path: 'type', message: 'At most 128 characters.' },
  ]);
  expect(await of('/v1/endpoints', { event_types: ['*'], description: '\0'.repeat(5_000) })).toEqual([
    { path: 'description', message: 'At most 1024 characters.' },
  ]);
});

test('a batch of a thousand events with many faults gets an answer smaller than itself, and valid events are accepted', async () => {
  const events = [
    ...Array.from({ length: 499 }, () => ({ type: 'a', payload: 1, ...members(90) })),
    { type: 'a', payload: 1, ...members(200_000) },
    { type: 'good.one', payload: 1 },
    ...Array.from({ length: 499 }, () => ({ type: ' '.repeat(2_000), tenant: ' ', payload: 1 })),
  ];
  const answer = await t.call<{ results: { status: number; error?: ProblemBody }[] }>(
    'POST',
    '/v1/events/batch',
    { events },
  );
  expect(answer.status).toBe(200);
  expect(answer.body.results.map(({ status }) => status)).toEqual(
    events.map(({ type }) => (type === 'good.one' ? 202 : 400)),
  );
  for (const { error } of answer.body.results) expect(error?.errors.length ?? 0).toBeLessThanOrEqual(5);
  expect(size(answer.body)).toBeLessThan(size(events));
});

test.each([1e-310, 0.009, -0.01, 10_001])(
  'a rate of %d is refused when a batch is created, changed or started',
  async (rate) => {
    const expected = { status: 400, body: { errors: [{ path: 'rate_per_second' }] } };
    const body = { delivery_ids: [`del_${none}`], rate_per_second: rate };
    expect(await t.call('POST', '/v1/batches', body)).toMatchObject(expected);
    expect(await t.call('PATCH', `/v1/batches/bat_${none}`, { rate_per_second: rate })).toMatchObject(
      expected,
    );
    expect(await t.call('POST', `/v1/batches/bat_${none}/start`, { rate_per_second: rate })).toMatchObject(
      expected,
    );
  },
);

test('headers named like members of Object.prototype are sent, except __proto__, which is refused', async () => {
  const receiver = await startReceiver();
  try {
    const headers = { constructor: 'c', toString: 't', hasOwnProperty: 'h', valueOf: 'v' };
    const { id } = await createEndpoint(t, receiver.url, { headers, tenant: 'proto' });
    const masked = Object.fromEntries(Object.keys(headers).map((name) => [name, '****']));
    expect((await t.call('GET', `/v1/endpoints/${id}`)).body.headers).toEqual(masked);
    const event = await postEvent(t, { tenant: 'proto' });
    expect(await deliveryIn(t, event.deliveries[0]!.id)).toMatchObject({ status: 'DELIVERED' });
    const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
    expect(receiver.requests[0]!.headers).toMatchObject(Object.fromEntries(lower));

    const asText = `{"url":"${receiver.url}","event_types":["*"],"headers":{"__proto__":"x"}}`;
    const refusal = { status: 400, body: { errors: [{ path: 'headers.__proto__' }] } };
    expect(await t.call('POST', '/v1/endpoints', asText)).toMatchObject(refusal);
    expect(await t.call('PATCH', `/v1/endpoints/${id}`, '{"headers":{"__PROTO__":"x"}}')).toMatchObject({
      status: 400,
    });
    expect(await t.call('POST', '/v1/events', '{"type":"a","payload":1,"__proto__":{"a":1}}')).toMatchObject({
      status: 400,
      body: { errors: [{ path: '__proto__' }] },
    });
  } finally {
    await receiver.close();
  }
});

test('headers that differ only in case are refused by name', async () => {
  const body = { url: 'https://example.com/', event_types: ['*'], headers: { 'X-A': '1', 'x-a': '2' } };
  expect(await t.call('POST', '/v1/endpoints', body)).toMatchObject({
    status: 400,
    body: { errors: [{ path: 'headers.x-a', message: 'Is the same header as X-A.' }] },
  });
});
