import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createClient, type ClientOptions, type SurehookClient } from '../../src/client/index.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let server: Server;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const client = (over: ClientOptions = {}) =>
  createClient({ url: t.service.url!, apiKey: ADMIN_KEY, ...over });

/** A request with a fresh timestamp and a signature of no secret. */
const forged = () => ({
  method: 'POST',
  body: '{}',
  headers: {
    'webhook-id': 'evt_1',
    'webhook-timestamp': String(Math.floor(Date.now() / 1000)),
    'webhook-signature': 'v1,AAAA',
  },
});

/** An application of Express with the listeners of a client, registered for a tenant of the test's own. */
async function listen(surehook: SurehookClient, tenant: string): Promise<void> {
  const app = express();
  app.use('/hooks', surehook.receiver);
  server = createServer(app).listen(server?.listening ? 0 : port, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  port = (server.address() as AddressInfo).port;
  await surehook.register(`http://127.0.0.1:${port}/hooks`, { tenant });
}
let port = 0;

const ended = (surehook: SurehookClient, eventId: string) =>
  expect.poll(
    async () => {
      const { data } = await surehook.deliveries.list({ event_id: eventId });
      return data.map(({ status, attempt_count }) => `${status} ${attempt_count}`);
    },
    { timeout: 20_000 },
  );

test('a handler receives the event, verified, and its end acknowledges it', async () => {
  const surehook = client();
  const got: unknown[] = [];
  surehook.on<{ link: string }>('link.clicked', function log(event) {
    got.push([event.type, event.payload.link, event.attempt]);
  });
  await listen(surehook, 'handled');
  const { id } = await surehook.publish('link.clicked', { link: 'a' }, { tenant: 'handled' });
  await ended(surehook, id).toEqual(['DELIVERED 1']);
  expect(got).toEqual([['link.clicked', 'a', 1]]);
});

test('the receiver is the whole server of plain http, too', async () => {
  const surehook = client();
  const got: string[] = [];
  surehook.on('order.*', function plain({ type }) {
    got.push(type);
  });
  server = createServer(surehook.receiver).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = async (path: string) => (await fetch(url + path, { method: 'POST', body: '{}' })).status;
  expect([await post('/plain'), await post('/other'), await post('/%')]).toEqual([503, 404, 500]);
  await surehook.register(url, { tenant: 'plain' });
  const { id } = await surehook.publish('order.made', {}, { tenant: 'plain' });
  await ended(surehook, id).toEqual(['DELIVERED 1']);
  expect(got).toEqual(['order.made']);
});

test('a handler that fails is called again; one that says that it is permanent is not', async () => {
  const surehook = client();
  const tries = { shaky: 0, broken: 0 };
  surehook.on('payment.made', function shaky() {
    if (++tries.shaky < 3) throw new Error('the database is away');
  });
  surehook.on('payment.made', function broken() {
    tries.broken++;
    throw Object.assign(new Error('no such account'), { temporary: false });
  });
  await listen(surehook, 'failing');
  const { id } = await surehook.publish('payment.made', {}, { tenant: 'failing' });
  await expect
    .poll(
      async () => (await surehook.deliveries.list({ event_id: id })).data.map(({ status }) => status).sort(),
      { timeout: 20_000 },
    )
    .toEqual(['DELIVERED', 'FAILED']);
  expect(tries).toEqual({ shaky: 3, broken: 1 });
});

test('an application that starts again, at another address, keeps its endpoint and secret', async () => {
  const first = client();
  first.on('order.*', function ship() {});
  await listen(first, 'again');
  const before = await first.endpoints.list({ tenant: 'again' });
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  port = 0;
  const second = client();
  const got: string[] = [];
  second.on(['order.*', 'refund.*'], function ship({ type }) {
    got.push(type);
  });
  await listen(second, 'again');
  const after = await second.endpoints.list({ tenant: 'again' });
  expect(after.data.map(({ id }) => id)).toEqual(before.data.map(({ id }) => id));
  const { id } = await second.publish('refund.made', {}, { tenant: 'again' });
  await ended(second, id).toEqual(['DELIVERED 1']);
  expect(got).toEqual(['refund.made']);
});

test('requests that Surehook has not signed are refused', async () => {
  const surehook = client();
  let calls = 0;
  surehook.on('x.y', function careful() {
    calls++;
  });
  await listen(surehook, 'strangers');
  const url = `http://127.0.0.1:${port}/hooks/careful`;
  expect((await fetch(url, forged())).status).toBe(400);
  expect((await fetch(url, { method: 'POST', body: '{}' })).status).toBe(400);
  expect((await fetch(`${url}less`, { method: 'POST', body: '{}' })).status).toBe(404);
  expect(calls).toBe(0);
});

test('after a rotation, deliveries that arrive together have the secrets read once, and are verified', async () => {
  let reads = 0;
  const counting: typeof fetch = (target, init) => {
    if ((target as URL).pathname.endsWith('/secret')) reads++;
    return fetch(target, init);
  };
  const surehook = client({ fetch: counting });
  let calls = 0;
  surehook.on('order.*', function turned() {
    calls++;
  });
  await listen(surehook, 'rotated');
  const [endpoint] = (await surehook.endpoints.list({ tenant: 'rotated' })).data;
  await surehook.endpoints.rotateSecret(endpoint!.id, { overlap_seconds: 0 });
  const events = await Promise.all(
    Array.from({ length: 5 }, (_, n) => surehook.publish('order.made', n, { tenant: 'rotated' })),
  );
  for (const { id } of events) await ended(surehook, id).toEqual(['DELIVERED 1']);
  expect([calls, reads]).toEqual([5, 1]);
});

test('after a rotation to ed25519, a listener verifies with the public key', async () => {
  const surehook = client();
  surehook.on('order.*', function asymmetric() {});
  await listen(surehook, 'ed25519');
  const [endpoint] = (await surehook.endpoints.list({ tenant: 'ed25519' })).data;
  await surehook.endpoints.rotateSecret(endpoint!.id, { signature: 'ed25519', overlap_seconds: 0 });
  const { id } = await surehook.publish('order.made', {}, { tenant: 'ed25519' });
  await ended(surehook, id).toEqual(['DELIVERED 1']);
});

test('while the secrets cannot be read, a signature that matches none is answered with 503', async () => {
  let away = false;
  let reads = 0;
  const unreliable: typeof fetch = (target, init) => {
    if (!away) return fetch(target, init);
    reads++;
    return Promise.reject(new TypeError('The API is away.'));
  };
  const surehook = client({ fetch: unreliable, maxRetries: 0 });
  surehook.on('x.y', function cut() {});
  await listen(surehook, 'cut');
  const url = `http://127.0.0.1:${port}/hooks/cut`;
  away = true;
  for (let request = 0; request < 2; request++) {
    const answer = await fetch(url, forged());
    expect(answer.status).toBe(503);
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(50);
  }
  expect(reads).toBe(1);
});

test('an endpoint that was disabled automatically is enabled, one disabled by hand stays disabled', async () => {
  const surehook = client();
  surehook.on('order.*', function idle() {});
  await listen(surehook, 'disabled');
  const { id } = (await surehook.endpoints.list({ tenant: 'disabled' })).data[0]!;
  const again = async () => {
    await surehook.register(`http://127.0.0.1:${port}/hooks`, { tenant: 'disabled' });
    return (await surehook.endpoints.get(id)).status;
  };
  for (const reason of ['failing', 'gone']) {
    await t.pool.query(`update endpoints set status = 'disabled', status_reason = $2 where id = $1`, [
      id,
      reason,
    ]);
    expect(await again()).toBe('enabled');
  }
  await surehook.endpoints.disable(id);
  const warned = once(process, 'warning');
  expect(await again()).toBe('disabled');
  const [warning] = (await warned) as [Error];
  expect([warning.name, warning.message]).toEqual(['SurehookWarning', expect.stringContaining(id)]);
});

test('listeners of the same name in two applications have an endpoint each', async () => {
  const tenant = 'applications';
  for (const application of ['shop', 'billing', undefined, 'shop']) {
    const surehook = client();
    surehook.on('order.*', function book() {});
    const url = `http://127.0.0.1:9/${application ?? 'none'}`;
    await surehook.register(url, { tenant, ...(application === undefined ? {} : { application }) });
  }
  const { data } = await client().endpoints.list({ tenant });
  expect(data.map(({ url, metadata }) => [url, metadata]).reverse()).toEqual([
    ['http://127.0.0.1:9/shop/book', { listener: 'book', application: 'shop' }],
    ['http://127.0.0.1:9/billing/book', { listener: 'book', application: 'billing' }],
    ['http://127.0.0.1:9/none/book', { listener: 'book' }],
  ]);
});

test('a listener whose endpoint was deleted gets another when the application starts again', async () => {
  const first = client();
  first.on('order.*', function kept() {});
  await listen(first, 'deleted');
  const [before] = (await first.endpoints.list({ tenant: 'deleted' })).data;
  await first.endpoints.delete(before!.id);
  const second = client();
  second.on('order.*', function kept() {});
  await second.register(`http://127.0.0.1:${port}/hooks`, { tenant: 'deleted' });
  const { data } = await second.endpoints.list({ tenant: 'deleted' });
  expect(data.map(({ url }) => url)).toEqual([before!.url]);
  expect(data[0]!.id).not.toBe(before!.id);
});
