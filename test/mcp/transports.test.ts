import { request } from 'node:http';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startMcpHttp } from '../../src/mcp/http.js';
import { createKey } from '../support/api-keys.js';
import { connectMcp, overHttp } from '../support/mcp.js';
import { runNode } from '../support/run-process.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

const CLI = 'dist/src/cli/main.js';

let t: TestService;
let served: { url: string; close(): Promise<void> };
beforeAll(async () => {
  t = await startTestService();
  served = await startMcpHttp({
    url: t.service.url!,
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['mcp.example.com'],
    version: 'test',
  });
});
afterAll(async () => {
  await served.close();
  await t.stop();
});

test('surehook mcp serves tools on standard input and output, and ends with its input', async () => {
  const env = { SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY };
  const transport = new StdioClientTransport({ command: process.execPath, args: [CLI, 'mcp'], env });
  const { client, call } = await connectMcp(transport);
  const paused = await call('write_pause', { scope: 'tenant', tenant: 'stdio', reason: 'over stdio' });
  expect(paused).toMatchObject({ isError: false, data: { target: 'stdio', paused: true } });
  const { body } = await t.call<{ pauses: unknown[] }>('GET', '/v1/control');
  expect(body.pauses).toMatchObject([{ tenant: 'stdio', reason: 'over stdio', paused_by: 'admin' }]);
  await client.close();
  const run = runNode(CLI, env, ['mcp']);
  run.child.stdin!.end();
  expect(await run.exit).toEqual([0, null]);
  expect(run.out).toBe('');
});

test('surehook mcp --http prints where it serves, and stops by SIGTERM', async () => {
  const args = [
    'mcp',
    '--http',
    '--port',
    '0',
    '--json',
    '--allow-host',
    'MCP.internal:443',
    'other.internal',
  ];
  const run = runNode(CLI, { SUREHOOK_URL: t.service.url! }, args);
  await expect.poll(() => run.out).toContain('\n');
  const { url } = JSON.parse(run.out) as { url: string };
  const { client, call } = await overHttp(url, ADMIN_KEY);
  expect((await call('read_pauses')).isError).toBe(false);
  await client.close();
  const authorization = `Bearer ${ADMIN_KEY}`;
  for (const host of ['mcp.internal', 'other.internal'])
    expect(await post({ authorization, host }, url)).toMatchObject({ status: 200 });
  run.child.kill('SIGTERM');
  expect(await run.exit).toEqual([0, null]);
});

test('each caller acts with its own API key, and without one nothing is served', async () => {
  const viewer = await overHttp(served.url, (await createKey(t, 'viewer')).key);
  const admin = await overHttp(served.url, ADMIN_KEY);
  const pause = { scope: 'tenant', tenant: 'own-key', reason: 'a try' };
  expect((await viewer.call('write_pause', pause)).text).toContain('403 forbidden');
  expect((await admin.call('write_pause', pause)).isError).toBe(false);
  const unknown = await overHttp(served.url, 'sk_unknown');
  expect((await unknown.call('read_pauses')).text).toContain('401 unauthorized');
  for (const { client } of [viewer, admin, unknown]) await client.close();
  expect((await post({})).status).toBe(401);
});

test('a request that a web page could make by DNS rebinding is refused', async () => {
  const authorization = `Bearer ${ADMIN_KEY}`;
  const own = new URL(served.url).host;
  for (const headers of [
    { host: 'evil.example' },
    { host: own, origin: 'http://evil.example' },
    { host: own, origin: 'null' },
  ])
    expect(await post({ authorization, ...headers })).toMatchObject({ status: 403 });
  for (const headers of [
    { host: own },
    { host: 'mcp.example.com' },
    { host: own, origin: 'http://localhost:6274' },
  ])
    expect(await post({ authorization, ...headers })).toMatchObject({ status: 200 });
});

test('other methods and paths are no part of it', async () => {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  expect((await fetch(served.url, { headers })).status).toBe(405);
  expect((await fetch(`${served.url}/other`, { method: 'POST', headers })).status).toBe(404);
});

/** Without fetch, which lets nobody set `host`. */
function post(headers: Record<string, string>, url = served.url): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const types = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
    const call = request(url, { method: 'POST', headers: { ...types, ...headers } }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.on('end', () => resolve({ status: response.statusCode!, body }));
    });
    call.on('error', reject);
    call.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }));
  });
}
