import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VERSION } from '../../src/bootstrap/version.js';
import { createOpenApi } from '../../src/http/openapi/document.js';
import { allRoutes } from '../../src/http/routes/index.js';
import { checkAnswer, faultsOf, openApi } from '../support/conformance.js';
import { createEndpoint, postEvent } from '../support/path.js';
import { startReceiver } from '../support/receiver.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

const committed = () => readFile('docs/openapi.json', 'utf8');

test('the committed document is that of the routes (`npm run openapi` writes it)', async () => {
  const text = `${JSON.stringify(createOpenApi(allRoutes, VERSION), null, 2)}\n`;
  if (process.env.UPDATE_OPENAPI) await writeFile('docs/openapi.json', text);
  expect(await committed()).toBe(text);
});

test('the served document is the committed one, and needs no API key', async () => {
  const response = await fetch(`${t.service.url}/openapi.json`);
  expect(response.status).toBe(200);
  expect(response.headers.get('content-type')).toBe('application/json; charset=utf-8');
  expect(await response.json()).toEqual(JSON.parse(await committed()));
});

test('each operation has an id of its own and a summary', () => {
  const ids = allRoutes.map(({ operationId }) => operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { summary } of allRoutes) expect(summary).toMatch(/^[A-Z].*[^.]$/);
});

test('an answer that the document does not declare is noticed', async () => {
  const request = { method: 'GET', path: '/healthz' };
  const headers = new Headers({ 'x-request-id': 'req_1', 'content-type': 'application/json' });
  const check = (over: object) =>
    checkAnswer(request, { status: 200, headers, body: { status: 'ok' }, ...over });
  check({});
  expect(() => check({ body: { status: 'ok', secret: 1 } })).toThrow('additional properties');
  expect(() => check({ body: {} })).toThrow('required');
  expect(() => check({ status: 201 })).toThrow('status is not declared');
  expect(() =>
    check({ headers: new Headers({ ...Object.fromEntries(headers), 'content-type': 'text/html' }) }),
  ).toThrow('content type');
  expect(() => checkAnswer({ method: 'GET', path: '/v1/none' }, { status: 200, headers, body: {} })).toThrow(
    'unknown path',
  );
});

test('each request carries the headers that the document declares for webhooks, and no other', async () => {
  const receiver = await startReceiver();
  try {
    await createEndpoint(t, receiver.url);
    await postEvent(t, {});
    const [request] = await receiver.waitFor((requests) => requests.length > 0);
    const declared = openApi.webhooks.event!.post.parameters!.map(({ name }) => name);
    // Headers that frame the message, and those that the document cannot declare as parameters.
    const http = ['host', 'connection', 'content-length', 'content-type', 'accept'];
    expect(
      Object.keys(request!.headers)
        .filter((name) => !http.includes(name))
        .sort(),
    ).toEqual(declared.sort());
    for (const { name, schema } of openApi.webhooks.event!.post.parameters!)
      expect(faultsOf(schema, request!.headers[name])).toBe('');
  } finally {
    await receiver.close();
  }
});
