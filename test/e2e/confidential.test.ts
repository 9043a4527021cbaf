import { PassThrough } from 'node:stream';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;

beforeAll(async () => {
  receiver = await startReceiver();
  t = await startTestService();
});
afterAll(async () => {
  await t.stop();
  await receiver.close();
});

test('an attempt shows no credential, neither one that was sent nor one that came back', async () => {
  const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl';
  receiver.setBehaviour(({ headers }) => ({
    status: 200,
    headers: {
      'set-cookie': 'sid=of-the-session',
      'x-echo': `you sent ${String(headers['x-api-key'])}`,
      'x-issued': `Bearer ${jwt}`,
      'x-note': 'thanks',
    },
    body: JSON.stringify(headers),
  }));
  await createEndpoint(t, receiver.url, {
    event_types: ['test.confidential'],
    headers: { 'x-jwt': 'opaque-0001', 'x-api-key': 'opaque-0002', 'x-own': jwt, 'x-team': 'blue' },
  });
  const event = await postEvent(t, { type: 'test.confidential' });
  const delivery = await deliveryIn(t, event.deliveries[0]!.id);
  const attempt = delivery.attempts[0]!;
  expect(attempt.request_headers).toMatchObject({
    'x-jwt': '[redacted]',
    'x-api-key': '[redacted]',
    'x-own': '[redacted]',
    'x-team': '[redacted]',
  });
  expect(attempt.response_headers).toMatchObject({
    'set-cookie': '[redacted]',
    'x-echo': 'you sent [redacted]',
    'x-issued': 'Bearer [redacted]',
    'x-note': 'thanks',
  });
  expect(attempt.response_body).toContain('"x-team":"blue"');
  expect(JSON.stringify(attempt)).not.toMatch(/opaque-|of-the-session/);
  // The receiver got them all.
  expect(receiver.requests.at(-1)!.headers).toMatchObject({ 'x-jwt': 'opaque-0001', 'x-own': jwt });
});

test('a forbidden address is told to the operator, and to no tenant', async () => {
  const url = receiver.url.replace('127.0.0.1', 'localhost');
  await createEndpoint(t, url, { event_types: ['test.internal'] });
  await t.call('POST', '/v1/control/pause', { scope: 'all', reason: 'until the strict one runs' });
  const event = await postEvent(t, { type: 'test.internal' });

  const lines = new PassThrough();
  let log = '';
  lines.on('data', (text: Buffer) => (log += text.toString()));
  const { databaseUrl, taskQueue } = t;
  await t.stop();
  t = await startTestService({
    databaseUrl,
    taskQueue,
    allowNetworks: [],
    log: pino({}, lines),
    pollEveryMs: 50,
  });
  await t.call('POST', '/v1/control/resume', { scope: 'all' });
  const delivery = await deliveryIn(t, event.deliveries[0]!.id);
  expect(delivery).toMatchObject({ status: 'FAILED', status_reason: 'ADDRESS_BLOCKED' });
  expect(delivery.attempts[0]).toMatchObject({
    error: 'The name localhost leads to an address that is not allowed.',
    remote_address: null,
  });
  expect(JSON.stringify(delivery)).not.toMatch(/127\.0\.0\.1|::1/);
  expect(log).toMatch(/"host":"localhost","address":"(127\.0\.0\.1|::1)"/);

  for (const path of ['/v1/endpoints', '/v1/send']) {
    const body = path === '/v1/send' ? { url, payload: 1 } : { url, event_types: ['*'] };
    const refused = await t.call('POST', path, body);
    expect(refused).toMatchObject({ status: 422, body: { code: 'address_blocked' } });
    expect(JSON.stringify(refused.body)).not.toMatch(/127\.0\.0\.1|::1/);
  }
});

test('the audit shows URLs without their query', async () => {
  const url = 'https://host.invalid/hooks?key=0123456789';
  const { id } = await createEndpoint(t, url, { event_types: ['test.audit'] });
  await t.call('PATCH', `/v1/endpoints/${id}`, { url: `${url}-next` });
  await t.call('DELETE', `/v1/endpoints/${id}`);
  const { body } = await t.call<{ data: { before: unknown; after: unknown }[] }>(
    'GET',
    `/v1/audit?object=${id}`,
  );
  const told = { url: 'https://host.invalid/hooks' };
  expect(body.data).toMatchObject([
    { action: 'endpoint.delete', before: told, after: null },
    { action: 'endpoint.update', before: told, after: told },
    { action: 'endpoint.create', before: null, after: told },
  ]);
  expect(JSON.stringify(body)).not.toContain('0123456789');
});
