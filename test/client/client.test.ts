import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import {
  AuthenticationError,
  BadRequestError,
  ConnectionError,
  createClient,
  NotFoundError,
  SurehookError,
  TimeoutError,
} from '../../src/client/index.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let servers: Server[] = [];
beforeAll(async () => {
  t = await startTestService();
});
afterAll(async () => {
  for (const server of servers) server.closeAllConnections();
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  servers = [];
  await t.stop();
});

const client = (over = {}) => createClient({ url: t.service.url!, apiKey: ADMIN_KEY, ...over });

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  servers.push(server);
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an event is published, and its delivery listed', async () => {
  const receiver = await serve((request, response) => {
    request.resume();
    response.writeHead(204).end();
  });
  const surehook = client();
  const endpoint = await surehook.endpoints.create({ url: receiver, event_types: ['client.*'] });
  const event = await surehook.publish('client.tried', { a: 1 });
  expect(event.deliveries).toHaveLength(1);
  const { data, next_cursor } = await surehook.deliveries.list({ endpoint_id: endpoint.id });
  expect(data.map(({ event_id }) => event_id)).toEqual([event.id]);
  expect(next_cursor).toBeNull();
  await surehook.endpoints.delete(endpoint.id);
  await expect(surehook.endpoints.get(endpoint.id)).rejects.toBeInstanceOf(NotFoundError);
});

test('a webhook is sent to a URL that nobody registered', async () => {
  const got: string[] = [];
  const receiver = await serve((request, response) => {
    request.on('data', (chunk: Buffer) => got.push(chunk.toString()));
    request.on('end', () => response.writeHead(204).end());
  });
  const { data, response } = await client().send(receiver, { hello: 'world' }).withResponse();
  expect(response.status).toBe(202);
  expect(data.deliveries).toHaveLength(1);
  await expect.poll(() => got.join('')).toBe('{"hello":"world"}');
});

test('a list is read whole, page after page', async () => {
  const surehook = client();
  const names = Array.from({ length: 7 }, (_, index) => `page.n${index}`);
  for (const name of names) await surehook.eventTypes.create({ name });
  const read: string[] = [];
  for await (const { name } of surehook.eventTypes.list({ limit: 3 })) read.push(name);
  expect(read.filter((name) => name.startsWith('page.')).sort()).toEqual(names);
});

test('a request whose answer was lost is made again with the same key: one event', async () => {
  let tries = 0;
  const keys = new Set<string>();
  const lossy = await serve((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => void pass());
    const pass = async () => {
      const body = Buffer.concat(chunks).toString();
      keys.add((JSON.parse(body) as { idempotency_key: string }).idempotency_key);
      const { authorization = '' } = request.headers;
      const answer = await fetch(t.service.url + request.url!, {
        method: 'POST',
        body,
        headers: { authorization },
      });
      const text = await answer.text();
      tries++;
      if (tries === 1) return request.socket.destroy();
      if (tries === 2) return response.writeHead(503, { 'retry-after': '0' }).end();
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(text);
    };
  });
  const event = await client({ url: lossy }).publish('lost.answer', { n: 1 });
  expect(event.duplicate).toBe(true);
  expect([tries, keys.size]).toEqual([3, 1]);
  const { data } = await client().events.list({ type: 'lost.answer' });
  expect(data).toHaveLength(1);
});

test('a refusal is an error of its status, with the fields, and is not tried again', async () => {
  let tries = 0;
  const counting: typeof fetch = (...given) => {
    tries++;
    return fetch(...given);
  };
  const refused = client({ fetch: counting }).endpoints.create({ url: 'nonsense', event_types: ['*'] });
  const error = await refused.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(BadRequestError);
  expect(error).toMatchObject({ name: 'BadRequestError', status: 400, errors: [{ path: 'url' }] });
  expect((error as BadRequestError).requestId).toMatch(/\S/);
  expect(tries).toBe(1);
  await expect(client({ apiKey: 'wrong' }).control.get()).rejects.toBeInstanceOf(AuthenticationError);
});

test('a server that does not answer, or is not there, is a connection error', async () => {
  const silent = await serve(() => {});
  const waited = client({ url: silent, timeoutMs: 50, maxRetries: 1 }).control.get();
  await expect(waited).rejects.toBeInstanceOf(TimeoutError);
  const away = client({ url: 'http://127.0.0.1:1', maxRetries: 0 }).control.get();
  await expect(away).rejects.toBeInstanceOf(ConnectionError);
});

test('an empty variable is one that is not set, and a wrong URL is refused at once', async () => {
  const seen: unknown[] = [];
  const sender = async (url: URL, { headers }: RequestInit) => {
    seen.push(url.href, Object.fromEntries(headers as Headers));
    return Response.json({});
  };
  vi.stubEnv('SUREHOOK_URL', '').stubEnv('SUREHOOK_API_KEY', '');
  const bare = createClient({ fetch: sender as typeof fetch });
  vi.unstubAllEnvs();
  await bare.control.get();
  expect(seen).toEqual(['http://127.0.0.1:8080/v1/control', { accept: 'application/json' }]);
  expect(() => createClient({ url: 'surehook.internal' })).toThrow(SurehookError);
});

test('a caller that aborts gets the reason of its own signal, and no further try is made', async () => {
  const silent = await serve(() => {});
  const control = new AbortController();
  const call = client({ url: silent }).control.get({ signal: control.signal });
  const reason = new Error('not needed any more');
  control.abort(reason);
  await expect(call).rejects.toBe(reason);
});
