import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, createKey } from '../support/api-keys.js';
import { startCli } from '../support/cli-process.js';
import { eventually } from '../support/eventually.js';
import { createEndpoint, deliveryIn, postEvent, type Accepted } from '../support/path.js';
import { startReceiver, verified } from '../support/receiver.js';
import type { ProcessRun } from '../support/run-process.js';
import { lockWaits } from '../support/lock-waits.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let env: { SUREHOOK_URL: string; SUREHOOK_API_KEY: string };
beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
  env = { SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY };
});
const runs: ProcessRun[] = [];
afterAll(async () => {
  for (const { child } of runs) child.kill('SIGKILL');
  await t.stop();
});

type Endpoint = Record<'id' | 'url', string> & { event_types: string[]; metadata: Record<string, string> };
const endpointsOf = async (tenant: string) =>
  (await t.call<{ data: Endpoint[] }>('GET', `/v1/endpoints?tenant=${tenant}`)).body.data;

/** An event as text: parsing would change its numbers. */
async function postText(body: string): Promise<Accepted> {
  const headers = { authorization: `Bearer ${ADMIN_KEY}` };
  const response = await fetch(`${t.service.url}/v1/events`, { method: 'POST', headers, body });
  return (await response.json()) as Accepted;
}

/** `surehook listen` for a tenant, once its endpoint is there. */
async function listen(tenant: string, ...args: string[]) {
  const run = startCli(['listen', '--tenant', tenant, ...args], env);
  runs.push(run);
  const endpoint = await eventually(async () => {
    if (run.child.exitCode !== null) throw new Error(run.err);
    return (await endpointsOf(tenant))[0];
  });
  await eventually(async () => run.out.includes('\n') || run.err.includes('Ctrl-C'));
  return { run, endpoint };
}

test('it registers an endpoint, prints verified webhooks, and deletes the endpoint at the end', async () => {
  const { run, endpoint } = await listen('printed', '--events', 'order.*,refund.made');
  expect(endpoint.event_types).toEqual(['order.*', 'refund.made']);
  expect(endpoint.metadata.listener).toMatch(/^surehook listen /);
  const payload = String.raw`{"note":"a\u001b[2Jb","number":12345678901234567890}`;
  const { id, deliveries } = await postText(`{"tenant":"printed","type":"order.made","payload":${payload}}`);
  await deliveryIn(t, deliveries[0]!.id, ['DELIVERED']);
  await eventually(async () => run.out.includes('}\n'));
  expect(run.out).toMatch(new RegExp(`^\\d\\d:\\d\\d:\\d\\d  order\\.made  ${id}  attempt 1$`, 'm'));
  expect(run.out).toContain('  │   "note": "a\\u001b[2Jb",\n  │   "number": 12345678901234567890\n');
  // Anybody on this machine can send a request.
  expect((await fetch(endpoint.url, { method: 'POST', body: '{}' })).status).toBe(400);
  await eventually(async () => run.err.includes('refused: The header webhook-id is missing.'));
  // One Ctrl-C under npm is two signals: that of the terminal, and that of npm.
  run.child.kill('SIGINT');
  await sleep(20);
  run.child.kill('SIGINT');
  const [code] = await run.exit;
  // Where it was about to exit already, the second one is no longer caught: to a shell, that is 130 as well.
  expect([130, 'SIGINT']).toContain(code ?? run.child.signalCode);
  expect(await endpointsOf('printed')).toEqual([]);
});

test('it passes webhooks on as they came, and the answer of the target back', async () => {
  const target = await startReceiver({
    behave: (_, index) =>
      index === 0
        ? { status: 503, headers: { 'retry-after': '1' }, body: 'not yet' }
        : { status: 201, body: 'made' },
  });
  const { run, endpoint } = await listen('passed', '--forward-to', `${target.url}?from=listen`, '--json');
  const { secret } = (await t.call<{ secret: string }>('GET', `/v1/endpoints/${endpoint.id}/secret`)).body;
  const { id, deliveries } = await postEvent(t, {
    ...{ tenant: 'passed', type: 'order.made', payload: { total: 49.9 }, headers: { 'X-Trace': 'a, b' } },
  });
  const { attempts } = await deliveryIn(t, deliveries[0]!.id, ['DELIVERED']);
  expect(attempts.map(({ http_status, response_body }) => [http_status, response_body])).toEqual([
    [503, 'not yet'],
    [201, 'made'],
  ]);
  expect(attempts[0]!.response_headers['retry-after']).toBe('1');
  expect(target.requests.map((request) => verified(secret, request))).toEqual([
    { total: 49.9 },
    { total: 49.9 },
  ]);
  const { path, headers } = target.requests[1]!;
  expect(path).toBe('/hook?from=listen');
  expect(headers).toMatchObject({
    'x-trace': 'a, b',
    'webhook-attempt': '2',
    'content-type': 'application/json',
  });
  expect(headers.host).toBe(`127.0.0.1:${target.port}`);
  await target.close();
  const lost = await postEvent(t, { tenant: 'passed', type: 'order.made', idempotency_key: 'target-away' });
  const [own, ...printed] = await eventually(async () => {
    const lines = run.out.split('\n').slice(0, -1);
    return lines.length >= 4 && lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  });
  expect(own).toEqual({ endpoint: { id: endpoint.id, url: endpoint.url, secret } });
  const fields = { id, type: 'order.made', payload: { total: 49.9 }, error: null };
  expect(printed.slice(0, 2)).toMatchObject([
    { ...fields, attempt: 1, answered: 503 },
    { ...fields, attempt: 2, answered: 201 },
  ]);
  expect(printed[2]).toMatchObject({ id: lost.id, answered: null });
  expect(printed[2]!.error).toContain('ECONNREFUSED');
});

test('a target that resets the connection within its answer leaves the command running', async () => {
  const target = await startReceiver({
    behave: (_, index) => (index === 0 ? { reset: 'mid-body' } : { status: 201 }),
  });
  const { run } = await listen('reset', '--forward-to', target.url, '--json');
  await postEvent(t, { tenant: 'reset', type: 'order.made', idempotency_key: 'target-resets' });
  await eventually(async () => {
    if (run.child.exitCode !== null) throw new Error(run.err);
    return run.out.includes('"answered":null');
  });
  const { id, deliveries } = await postEvent(t, { tenant: 'reset', type: 'order.made' });
  await deliveryIn(t, deliveries[0]!.id, ['DELIVERED']);
  await eventually(async () => run.out.includes(id));
  await target.close();
});

test('with --keep the endpoint stays, and a start at the same port finds it again', async () => {
  const { run, endpoint } = await listen('kept', '--keep');
  run.child.kill('SIGTERM');
  expect((await run.exit)[0]).toBe(143);
  const { port } = new URL(endpoint.url);
  const again = await listen('kept', '--port', port, '--events', 'refund.*');
  expect(await endpointsOf('kept')).toMatchObject([{ id: endpoint.id, event_types: ['refund.*'] }]);
  const { deliveries } = await postEvent(t, { tenant: 'kept', type: 'refund.made' });
  await deliveryIn(t, deliveries[0]!.id, ['DELIVERED']);
  again.run.child.kill('SIGINT');
  await again.run.exit;
  expect(await endpointsOf('kept')).toEqual([]);
});

test('a Ctrl-C while the endpoint is being registered deletes it', async () => {
  const holder = await t.pool.connect();
  await holder.query('begin; lock table endpoints in share mode');
  try {
    const run = startCli(['listen', '--tenant', 'early'], env);
    runs.push(run);
    // Others write to the table as well.
    await eventually(async () => (await lockWaits(t.pool, 'insert into endpoints %')) > 0);
    run.child.kill('SIGINT');
    await holder.query('rollback');
    expect((await run.exit)[0]).toBe(130);
  } finally {
    holder.release(true);
  }
  expect(await endpointsOf('early')).toEqual([]);
  const { rows } = await t.pool.query(`select from endpoints where tenant = 'early'`);
  expect(rows).toHaveLength(1);
});

test('a reader that closes its pipe ends it, and the endpoint is deleted', async () => {
  const { run } = await listen('piped', '--json');
  run.child.stdout!.destroy();
  await postEvent(t, { tenant: 'piped', type: 'order.made', idempotency_key: 'reader-gone' });
  expect((await run.exit)[0]).toBe(0);
  expect(await endpointsOf('piped')).toEqual([]);
});

test('an endpoint that cannot be deleted at the end is named, with the command for it', async () => {
  const { id, key } = await createKey(t, 'admin');
  const run = startCli(['listen', '--tenant', 'stays'], { ...env, SUREHOOK_API_KEY: key });
  runs.push(run);
  await eventually(async () => run.err.includes('Ctrl-C'));
  await t.call('POST', `/v1/api-keys/${id}/revoke`);
  // The server refuses it within a second, not at once.
  await eventually(async () => (await as(t, key).call('GET', '/v1/endpoints')).status === 401);
  run.child.kill('SIGINT');
  expect((await run.exit)[0]).toBe(4);
  const [endpoint] = await endpointsOf('stays');
  expect(run.err).toContain(`error: The endpoint ${endpoint!.id} stays: `);
  expect(run.err).toContain(`\n  Delete it: surehook endpoints delete ${endpoint!.id}\n`);
});

test('endpoints of others are left alone', async () => {
  const own = await createEndpoint(t, 'http://127.0.0.1:9/', {
    tenant: 'mixed',
    metadata: { listener: 'app' },
  });
  const { run } = await listen('mixed');
  expect(await endpointsOf('mixed')).toHaveLength(2);
  run.child.kill('SIGINT');
  await run.exit;
  expect(await endpointsOf('mixed')).toMatchObject([{ id: own.id }]);
});
