import { getEventListeners } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { fetch as fetchOfUndici } from 'undici';
import {
  ConnectionError,
  createClient,
  NotFoundError,
  ServerError,
  SurehookError,
  type ClientOptions,
} from '../../src/client/index.js';
import { startReceiver, type Behave, type Receiver } from '../support/receiver.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

const CONTROL = { status: 200, body: '{"paused":false}' };

let t: TestService;
let receiver: Receiver | undefined;
beforeAll(async () => {
  t = await startTestService();
});
afterEach(async () => {
  await receiver?.close();
  receiver = undefined;
});
afterAll(() => t.stop());

const real = (over: ClientOptions = {}) => createClient({ url: t.service.url!, apiKey: ADMIN_KEY, ...over });

/** A client of a server that behaves like this. */
async function clientOf(behave: Behave, over: ClientOptions = {}) {
  receiver = await startReceiver({ behave });
  return createClient({ url: new URL(receiver.url).origin, ...over });
}

test('a request whose answer breaks off is made again', async () => {
  const surehook = await clientOf((_, index) => (index === 0 ? { reset: 'mid-body' } : CONTROL));
  await expect(surehook.control.get()).resolves.toEqual({ paused: false });
  expect(receiver!.requests).toHaveLength(2);
});

test('an answer that always breaks off is a connection error', async () => {
  const surehook = await clientOf(() => ({ reset: 'mid-body' }), { maxRetries: 1 });
  await expect(surehook.control.get()).rejects.toBeInstanceOf(ConnectionError);
  expect(receiver!.requests).toHaveLength(2);
});

test('an answer that is not JSON is an error of the client', async () => {
  const surehook = await clientOf(() => ({ status: 200, body: '<html>' }));
  await expect(surehook.control.get()).rejects.toBeInstanceOf(SurehookError);
  expect(receiver!.requests).toHaveLength(1);
});

test('a problem that is not JSON has its status', async () => {
  const headers = { 'content-type': 'application/problem+json' };
  const surehook = await clientOf(() => ({ status: 501, headers, body: '{' }));
  await expect(surehook.control.get()).rejects.toMatchObject({
    name: 'ServerError',
    status: 501,
    problem: null,
  });
});

test('another implementation of fetch can be used', async () => {
  const surehook = real({ fetch: fetchOfUndici as unknown as typeof fetch });
  const { id } = await surehook.endpoints.create({ url: 'https://example.com/', event_types: ['*'] });
  await surehook.endpoints.delete(id);
  await expect(surehook.endpoints.get(id)).rejects.toBeInstanceOf(NotFoundError);
});

test('a deletion whose answer was lost succeeds; one of nothing does not', async () => {
  const { id } = await real().endpoints.create({ url: 'https://example.com/', event_types: ['*'] });
  let tries = 0;
  const lossy: typeof fetch = async (...given) => {
    const answer = await fetch(...given);
    if (++tries === 1) throw new TypeError('The answer is lost.');
    return answer;
  };
  await expect(real({ fetch: lossy }).endpoints.delete(id)).resolves.toBeNull();
  expect(tries).toBe(2);
  await expect(real().endpoints.delete(id)).rejects.toBeInstanceOf(NotFoundError);
});

test('a redirect is an error at once, which names its target', async () => {
  const headers = { location: 'https://surehook.example/v1/control' };
  const surehook = await clientOf(() => ({ status: 308, headers }));
  await expect(surehook.control.get()).rejects.toMatchObject({
    name: 'ApiError',
    status: 308,
    message: expect.stringContaining(`redirects to ${headers.location}`) as string,
  });
  expect(receiver!.requests).toHaveLength(1);
});

test('a header that cannot be sent is an error at once, which does not quote the API key', async () => {
  const surehook = await clientOf(() => CONTROL, { apiKey: 'sk_se\ncret' });
  const message = 'The header authorization has characters that HTTP does not allow.';
  await expect(surehook.control.get()).rejects.toMatchObject({ name: 'SurehookError', message });
  const { events } = real();
  const key = events.createMany({ events: [] }, { idempotencyKey: 'größe-€' });
  await expect(key).rejects.toThrow('The header idempotency-key');
  expect(receiver!.requests).toEqual([]);
});

test('a test of an endpoint is not made again', async () => {
  const surehook = await clientOf(() => ({ status: 503 }));
  await expect(surehook.endpoints.test('ep_1')).rejects.toBeInstanceOf(ServerError);
  expect(receiver!.requests).toHaveLength(1);
});

test('a signal that outlives its requests keeps nothing of them', async () => {
  const { signal } = new AbortController();
  const surehook = await clientOf((_, index) =>
    index === 0 ? { status: 503, headers: { 'retry-after': '0' } } : CONTROL,
  );
  await surehook.control.get({ signal });
  expect(receiver!.requests).toHaveLength(2);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});

test('a caller that aborts between two tries gets the reason of its own signal', async () => {
  const surehook = await clientOf(() => ({ status: 503, headers: { 'retry-after': '60' } }));
  const control = new AbortController();
  const call = surehook.control.get({ signal: control.signal });
  await receiver!.waitFor((requests) => requests.length === 1);
  const reason = new Error('not needed any more');
  setTimeout(() => control.abort(reason), 200);
  await expect(call).rejects.toBe(reason);
  expect(receiver!.requests).toHaveLength(1);
});
