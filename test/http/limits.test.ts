import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver } from '../support/receiver.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

async function open(): Promise<Socket> {
  const socket = connect(Number(new URL(t.service.url!).port), '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

async function answer(socket: Socket): Promise<string> {
  let text = '';
  for await (const chunk of socket.setEncoding('utf8')) text += String(chunk);
  return text;
}

const head = (length: number) =>
  `POST /v1/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${ADMIN_KEY}\r\ncontent-length: ${length}\r\n\r\n`;

test('oversized headers and bytes that are not HTTP get a problem, and the connection is closed', async () => {
  for (const [text, status] of [
    [`GET /healthz HTTP/1.1\r\nx-big: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['hello\r\n\r\n', 400],
  ] as const) {
    const socket = await open();
    socket.write(text);
    const got = await answer(socket);
    expect(got).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    expect(got).toContain('content-type: application/problem+json');
    expect(JSON.parse(got.split('\r\n\r\n')[1]!)).toMatchObject({ status });
  }
});

test('a request with two Host headers gets 400, and its connection is closed', async () => {
  for (const path of ['/healthz', '/v1/events', '/nothing']) {
    const socket = await open();
    socket.write(`GET ${path} HTTP/1.1\r\nhost: a\r\nHOST: b\r\nauthorization: Bearer ${ADMIN_KEY}\r\n\r\n`);
    const got = await answer(socket);
    expect(got).toMatch(/^HTTP\/1.1 400 /);
    expect(JSON.parse(got.split('\r\n\r\n')[1]!)).toMatchObject({ status: 400, code: 'bad_request' });
  }
});

test('a client that trickles its headers gets 408', async () => {
  const socket = await open();
  socket.write('POST /v1/events HTTP/1.1\r\nhost: x\r\n');
  const drip = setInterval(() => socket.write('x-a: b\r\n'), 200);
  const began = Date.now();
  expect(await answer(socket)).toMatch(/^HTTP\/1.1 408 /);
  clearInterval(drip);
  expect(Date.now() - began).toBeLessThan(15_000);
}, 30_000);

test('a request without a known API key is refused before its body is sent', async () => {
  const socket = await open();
  socket.write('POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n');
  const [first] = (await once(socket, 'data')) as [Buffer];
  expect(first.toString()).toMatch(/^HTTP\/1.1 401 /);
  socket.destroy();
});

test('requests beyond the concurrency limit get 503, and are accepted again after the load', async () => {
  const slow = await Promise.all(Array.from({ length: 256 }, open));
  for (const socket of slow) socket.write(`${head(1000)}{`);
  await expect.poll(async () => (await t.call('GET', '/v1/events')).status, { timeout: 60_000 }).toBe(503);
  const refused = await t.call('POST', '/v1/events', { type: 'a.b', payload: 1 });
  expect(refused).toMatchObject({ status: 503, body: { code: 'overloaded' } });
  expect(refused.headers.get('retry-after')).toBe('1');
  expect((await fetch(`${t.service.url}/healthz`)).status).toBe(200);
  for (const socket of slow) socket.destroy();
  await expect.poll(async () => (await t.call('GET', '/v1/events')).status, { timeout: 60_000 }).toBe(200);
});

test('the kill switch works while requests use all slots, or statements all connections', async () => {
  const slow = await Promise.all(Array.from({ length: 256 }, open));
  for (const socket of slow) socket.write(`${head(1000)}{`);
  await expect.poll(async () => (await t.call('GET', '/v1/events')).status, { timeout: 60_000 }).toBe(503);
  const paused = await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'overload' });
  expect(paused).toMatchObject({ status: 200, body: { paused: true } });
  // While the slow requests still hold all slots.
  expect((await t.call('GET', '/v1/events')).status).toBe(503);
  for (const socket of slow) socket.destroy();
  await expect.poll(async () => (await t.call('GET', '/v1/events')).status, { timeout: 60_000 }).toBe(200);

  const client = await t.pool.connect();
  try {
    await client.query('begin');
    await client.query('lock table endpoints');
    const waiting = Array.from({ length: 40 }, () => t.call('GET', '/v1/endpoints'));
    const blocked = async () => {
      const { rows } = await t.pool.query<{ count: number }>(
        `select count(*)::int from pg_stat_activity
         where wait_event_type = 'Lock' and application_name = 'surehook' and datname = current_database()`,
      );
      return rows[0]!.count;
    };
    await expect.poll(blocked, { timeout: 4_000 }).toBe(20);
    expect(await t.call('POST', '/v1/control/resume', { scope: 'all' })).toMatchObject({ status: 200 });
    // While the statements still hold all connections.
    expect(await blocked()).toBeGreaterThanOrEqual(20);
    await client.query('rollback');
    await Promise.all(waiting);
  } finally {
    await client.query('rollback');
    client.release();
  }
});

test('/metrics counts attempts, accepted events and open deliveries', async () => {
  const receiver = await startReceiver();
  try {
    await createEndpoint(t, receiver.url);
    const event = await postEvent(t, { idempotency_key: 'counted' });
    await t.call('POST', '/v1/events', {
      type: 'order.created',
      payload: { n: 1 },
      idempotency_key: 'counted',
    });
    await deliveryIn(t, event.deliveries[0]!.id);
    await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'count' });
    await postEvent(t, {});
    const response = await fetch(`${t.service.url}/metrics`);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    const text = await response.text();
    for (const line of [
      'surehook_attempts_total{classification="DELIVERED"} 1',
      'surehook_events_total{result="accepted"} 2',
      'surehook_events_total{result="duplicate"} 1',
      'surehook_open_deliveries{status="HELD"} 1',
      'surehook_open_deliveries{status="PENDING"} 0',
      'surehook_overdue_deliveries 0',
      'surehook_overdue_oldest_seconds 0',
      'process_resident_memory_bytes',
    ]) {
      expect(text).toContain(line);
    }
    await t.call('POST', '/v1/control/resume', { scope: 'all' });
  } finally {
    await receiver.close();
  }
});
