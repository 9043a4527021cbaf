import { afterAll, beforeAll, expect, test } from 'vitest';
import { followAttempts } from '../../src/cli/follow-attempts.js';
import { createClient } from '../../src/client/index.js';
import { freePort } from '../../src/embedded/ports.js';
import { startCli } from '../support/cli-process.js';
import { eventually } from '../support/eventually.js';
import { createEndpoint, deliveryIn, postEvent } from '../support/path.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
let port: number;
beforeAll(async () => {
  port = await freePort();
  t = await startTestService({ workflows: 'none', port });
  const status = (path: string) => (path.endsWith('/gone') ? 404 : path.endsWith('/shaky') ? 500 : 204);
  receiver = await startReceiver({ behave: ({ path }) => ({ status: status(path) }) });
});
afterAll(() => Promise.all([t.stop(), receiver.close()]));

const env = () => ({ SUREHOOK_URL: `http://127.0.0.1:${port}`, SUREHOOK_API_KEY: ADMIN_KEY });
const tails: ReturnType<typeof startCli>[] = [];
afterAll(() => tails.forEach(({ child }) => child.kill()));

/** `surehook tail` once it reads. */
async function tail(...args: string[]) {
  const run = startCli(['tail', ...args], env());
  tails.push(run);
  return run;
}
const lines = (run: { out: string }) => run.out.split('\n').slice(0, -1);
const many = (run: { out: string }, count: number) =>
  eventually(async () => lines(run).length >= count && lines(run));

/** Posts an event to an endpoint of a tenant of its own. */
async function post(tenant: string, path: string, type = 'order.made') {
  const { id } = await createEndpoint(t, `${receiver.url}/${path}`, { tenant, event_types: [type] });
  const { deliveries } = await postEvent(t, { tenant, type });
  return { endpoint: id, delivery: deliveries[0]!.id };
}

test('attempts before and after its start are one line each, in columns, without colors', async () => {
  const { delivery } = await post('lines', 'fine');
  await deliveryIn(t, delivery);
  const run = await tail('--tenant', 'lines');
  await many(run, 1);
  await post('lines', 'gone', 'refund.made');
  const [first, second] = await many(run, 2);
  expect(first).toMatch(
    /^\d\d:\d\d:\d\d {2}INFO {3}order\.made {8}http:\S+\/fine +attempt 1\/12 {2}DELIVERED {11}204 {2}delivered in [\d.]+ m?s$/,
  );
  expect(second).toMatch(
    / {2}ERROR {2}refund\.made +http:\S+\/gone +attempt 1\/12 {2}HTTP_4XX_PERMANENT {2}404 {2}failed, no further attempt$/,
  );
  const columns = (line: string) => ['http', 'attempt', '04  '].map((text) => line.indexOf(text));
  expect(columns(second!)).toEqual(columns(first!));
});

test('filters choose attempts by type, endpoint and status', async () => {
  const { endpoint } = await post('chosen', 'shaky', 'chosen.shaky');
  const { delivery } = await post('chosen', 'gone', 'other.gone');
  await deliveryIn(t, delivery);
  const runs = await Promise.all([
    tail('--tenant', 'chosen', '--type', 'chosen.*', '--newest', '250'),
    tail('--endpoint', endpoint, '--newest', '250'),
    tail('--tenant', 'chosen', '--status', 'failed,delivered', '--newest', '250'),
  ]);
  const [byType, byEndpoint, byStatus] = await Promise.all([
    many(runs[0], 3),
    many(runs[1], 3),
    many(runs[2], 1),
  ]);
  for (const line of [...byType, ...byEndpoint])
    expect(line).toMatch(/ WARN {3}chosen\.shaky .* next attempt in /);
  expect(byStatus.every((line) => line.includes('other.gone'))).toBe(true);
});

test('with --json each attempt is an object a line, across a restart of the server, and none is lost', async () => {
  const run = await tail('--json', '--tenant', 'restarted', '--newest', '250');
  const plain = await tail('--tenant', 'restarted', '--newest', '250');
  const { delivery, endpoint } = await post('restarted', 'shaky');
  await Promise.all([many(run, 2), many(plain, 2)]);
  await t.service.stop();
  await eventually(async () => [run, plain].every(({ err }) => err.includes('broke off. Trying again …')));
  const { databaseUrl, taskQueue, pool } = t;
  t = { ...(await startTestService({ workflows: 'none', port, databaseUrl, taskQueue })) };
  await pool.end();
  await eventually(async () => plain.err.includes('the server answers again'));
  const { attempt_count: made } = await eventually(async () => {
    const { body } = await t.call<{ attempt_count: number }>('GET', `/v1/deliveries/${delivery}`);
    return body.attempt_count > 3 && body;
  });
  const attempts = (await many(run, made)).map((line) => JSON.parse(line) as Record<string, unknown>);
  expect(attempts.slice(0, made).map(({ number }) => number)).toEqual(
    Array.from({ length: made }, (_, n) => n + 1),
  );
  expect(attempts[0]).toMatchObject({ delivery_id: delivery, endpoint_id: endpoint, status: 'IN_PROGRESS' });
  await eventually(async () => run.err.endsWith('{"note":"the server answers again"}\n'));
});

test('a server that fails once more after its database became another one is followed all the same', async () => {
  const ahead = Buffer.from('18446744073709551615 ').toString('base64url');
  let count = 0;
  const client = createClient({
    ...{ url: env().SUREHOOK_URL, apiKey: ADMIN_KEY },
    async fetch(input, init) {
      const url = new URL(input);
      count += 1;
      if (count === 2) url.searchParams.set('after', ahead);
      if (count === 3) throw new TypeError('fetch failed');
      return fetch(url, init);
    },
  });
  const notes: string[] = [];
  const options = { filters: { tenant: 'another' }, newest: 0, note: (text: string) => notes.push(text) };
  const attempts = followAttempts(client, options);
  const next = attempts.next();
  await Promise.race([next, eventually(async () => notes.length === 3)]);
  expect(notes).toEqual([
    'the database is another one now; showing what follows',
    expect.stringMatching(/ Trying again …$/),
    'the server answers again',
  ]);
  const { delivery } = await post('another', 'fine');
  expect((await next).value).toMatchObject({ delivery_id: delivery, number: 1 });
  await attempts.return();
});

test('without a server, and with a wrong option, it ends at once and says why', async () => {
  const away = startCli(['tail'], { ...env(), SUREHOOK_URL: `http://127.0.0.1:${await freePort()}` });
  expect((await away.exit)[0]).toBe(6);
  const wrong = startCli(['tail', '--status', 'broken'], env());
  expect((await wrong.exit)[0]).toBe(2);
  expect(wrong.err).toContain('delivered, retrying, failed, cancelled');
});
