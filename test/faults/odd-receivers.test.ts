import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

/** Receivers that brought other senders of webhooks down. */
let t: TestService;
let receiver: Receiver;
let tenant: string;
let nth = 0;

beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());
beforeEach(async () => {
  tenant = `rival_${nth++}`;
  receiver = await startReceiver();
  return () => receiver.close();
});

const perEvent = () => {
  const counts = new Map<string, number>();
  for (const { headers } of receiver.requests) {
    const id = String(headers['webhook-id']);
    counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return [...counts.values()];
};

test('60 keys, each posted five times at once: 60 events, 60 requests', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  const posts = Array.from({ length: 300 }, (_, i) =>
    t.call<Accepted>('POST', '/v1/events', {
      ...{ type: 'a.b', tenant, payload: { n: i % 60 } },
      idempotency_key: `key-${i % 60}`,
    }),
  );
  const answers = await Promise.all(posts);
  expect(answers.filter(({ status }) => status === 202)).toHaveLength(60);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(240);
  for (const id of new Set(answers.map(({ body }) => body.deliveries[0]!.id)))
    await deliveryIn(t, id, ['DELIVERED']);
  expect(perEvent()).toEqual(Array(60).fill(1));
}, 60_000);

test('a receiver that takes 6 s to answer gets each event once', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  receiver.setBehaviour(() => ({ status: 200, afterMs: 6_000 }));
  const events = await Promise.all(Array.from({ length: 40 }, () => postEvent(t, { tenant })));
  for (const { deliveries } of events) {
    expect(await deliveryIn(t, deliveries[0]!.id, undefined, 40_000)).toMatchObject({
      status: 'DELIVERED',
      attempt_count: 1,
    });
  }
  expect(perEvent()).toEqual(Array(40).fill(1));
}, 60_000);

test('a receiver that drips its body keeps a connection for two seconds: its status counts', async () => {
  await createEndpoint(t, receiver.url, { tenant, timeout_ms: 9_000 });
  receiver.setBehaviour(() => ({ trickle: { everyMs: 4_000 } }));
  const { deliveries } = await postEvent(t, { tenant });
  const delivery = await deliveryIn(t, deliveries[0]!.id, ['DELIVERED'], 20_000);
  expect(delivery.attempts).toMatchObject([
    {
      classification: 'DELIVERED',
      http_status: 200,
      truncated: true,
      error: expect.stringContaining('Time ran out') as string,
    },
  ]);
  expect(delivery.attempts[0]!.latency_ms).toBeLessThan(9_000);
}, 40_000);

test('NUL in an answer and bytes in its headers that are no UTF-8 cost nobody anything', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  const odd = Buffer.concat([
    Buffer.from('HTTP/1.1 200 OK\r\nx-odd: '),
    Buffer.from([0xff, 0xfe, 0x80]),
    Buffer.from('\r\ncontent-length: 3\r\nconnection: close\r\n\r\na\0b'),
  ]);
  receiver.setBehaviour((_request, index) => (index % 2 ? { status: 200 } : { raw: odd }));
  const events = await Promise.all(Array.from({ length: 10 }, () => postEvent(t, { tenant })));
  for (const { deliveries } of events) {
    expect(await deliveryIn(t, deliveries[0]!.id)).toMatchObject({ status: 'DELIVERED', attempt_count: 1 });
  }
});

test('a payload with NUL and half a character in it, escaped as JSON has them, arrives as it was posted', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  const payload = String.raw`{"nul":"\u0000", "half":"\ud800", "\u0000":"\udc00\ud800"}`;
  const body = `{"type":"a.b","tenant":"${tenant}","payload":${payload}}`;
  const answer = await t.call<Accepted>('POST', '/v1/events', body);
  expect(answer.status).toBe(202);
  expect(await deliveryIn(t, answer.body.deliveries[0]!.id)).toMatchObject({ status: 'DELIVERED' });
  expect(receiver.requests.map((request) => request.body)).toEqual([payload]);
});

test('a backlog makes no retry come before its time', async () => {
  await createEndpoint(t, receiver.url, { tenant });
  const first = new Set<string>();
  receiver.setBehaviour(({ headers }) => {
    const id = String(headers['webhook-id']);
    const known = first.has(id);
    first.add(id);
    return known ? { status: 200 } : { status: 503, headers: { 'retry-after': '200' } };
  });
  // Scaled by 0.01: each is due again after 2 s, while the others still wait for their first attempt.
  const events = await Promise.all(Array.from({ length: 200 }, () => postEvent(t, { tenant })));
  for (const { deliveries } of events) await deliveryIn(t, deliveries[0]!.id, ['DELIVERED'], 60_000);
  const { rows } = await t.pool.query<{ early: number }>(
    `select count(*)::int as early from attempts a join attempts b
       on b.delivery_id = a.delivery_id and b.number = a.number + 1
     where b.started_at < (a.detail->>'next_attempt_at')::timestamptz`,
  );
  expect(rows).toEqual([{ early: 0 }]);
  expect(perEvent()).toEqual(Array(200).fill(2));
}, 120_000);
