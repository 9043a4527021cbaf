import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { deliveryIn } from '../support/path.js';
import { eventually } from '../support/eventually.js';
import { startReceiver, verified, type Receiver } from '../support/receiver.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';
import { jsonOf, surehook, type Surroundings } from '../support/surehook.js';

let t: TestService;
let receiver: Receiver;
let dir: string;
beforeAll(async () => {
  t = await startTestService();
  receiver = await startReceiver();
  dir = await mkdtemp(join(tmpdir(), 'surehook-cli-'));
});
afterAll(async () => {
  await rm(dir, { recursive: true });
  await receiver.close();
  await t.stop();
});

interface Deliveries {
  id: string;
  deliveries: { id: string }[];
}

const run = (args: string[], { env, ...rest }: Surroundings = {}) =>
  surehook(args, {
    env: { SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY, ...env },
    ...rest,
  });
const json = async <T = Record<string, unknown>>(...args: string[]): Promise<T> =>
  jsonOf<T>(await run([...args, '--json']))[0]!;

test('a payload arrives byte for byte, from an argument, a file or standard input', async () => {
  const payload = '{"total": 49.90,"big":12345678901234567890}';
  const file = join(dir, 'payload.json');
  await writeFile(file, payload);
  const { url } = receiver;
  const runs = [
    await run(['send', url, payload]),
    await run(['send', url, `@${file}`]),
    await run(['send', url, '-'], { input: payload }),
  ];
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
  const got = await receiver.waitFor((requests) => requests.length === 3);
  expect(got.map(({ body }) => body)).toEqual([payload, payload, payload]);
  const id = runs[0]!.out.split(' ')[0]!;
  const shown = '{"total":49.90,"big":12345678901234567890}';
  expect((await run(['events', 'get', id])).out).toContain(`\n${shown}\n`);
  expect((await run(['events', 'get', id, '--json'])).out).toMatch(
    new RegExp(`"payload":${escaped(shown)}\\}\n$`),
  );
});

test('a payload that is not JSON is sent as text, with its headers', async () => {
  receiver.requests.length = 0;
  const args = ['--content-type', 'text/plain', '--header', 'x-mine: a: b'];
  expect((await run(['send', receiver.url, 'plain', ...args])).code).toBe(0);
  const [got] = await receiver.waitFor((requests) => requests.length === 1);
  expect(got).toMatchObject({ body: 'plain', headers: { 'x-mine': 'a: b', 'content-type': 'text/plain' } });
});

test('a payload in another encoding is refused', async () => {
  const file = join(dir, 'latin1.txt');
  await writeFile(file, 'Grüße', 'latin1');
  const args = ['send', receiver.url, `@${file}`, '--content-type', 'text/plain'];
  expect(await run(args)).toMatchObject({ code: 2, err: 'error: The payload must be text in UTF-8.\n' });
});

test('an endpoint is created, tested, paused, given a new secret, and deleted', async () => {
  receiver.requests.length = 0;
  const made = await json<{ id: string; secret: string }>(
    ...['endpoints', 'create', receiver.url, '--events', 'cli.made,cli.*', '--tenant', 'made'],
    ...['--data', '{"filter":{"n":1}}'],
  );
  const { id } = made;
  expect(made).toMatchObject({ event_types: ['cli.made', 'cli.*'], filter: { n: 1 }, tenant: 'made' });
  expect((await run(['endpoints', 'get', id])).out).toMatch(/filter +\{"n":1\}/);
  expect(await json('endpoints', 'update', id, '--description', 'the first')).toMatchObject({
    description: 'the first',
  });
  expect((await run(['endpoints', 'test', id])).out).toContain('200');
  expect(verified(made.secret, receiver.requests[0]!)).toBeTruthy();
  expect(await json('endpoints', 'pause', id, '--reason', 'tests')).toMatchObject({ status: 'paused' });
  expect(await json('endpoints', 'resume', id)).toMatchObject({ status: 'enabled' });
  const { secret } = await json<{ secret: string }>('endpoints', 'rotate', id, '--overlap', '60');
  expect((await run(['endpoints', 'secret', id])).out).toMatch(
    new RegExp(`^${escaped(secret)}\n${escaped(made.secret)}  signs until `),
  );
  expect((await run(['endpoints', 'list', '--tenant', 'made'])).out).toMatch(
    new RegExp(`^ID .*URL\n${id} +enabled +made +cli.made,cli.\\* +${escaped(receiver.url)}\n$`),
  );
  expect(await run(['endpoints', 'delete', id])).toMatchObject({ code: 0, out: `${id} is deleted.\n` });
  expect(await run(['endpoints', 'get', id])).toMatchObject({ code: 3, out: '' });
});

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

test('a delivery is explained in words, and what the endpoint answered cannot control the terminal', async () => {
  const failing = await startReceiver({
    behave: () => ({ status: 422, body: '\u001b[2Jno\u202e such \u009b31morder' }),
  });
  const { deliveries } = await json<Deliveries>('send', failing.url, '{}', '--tenant', 'explained');
  const { id } = deliveries[0]!;
  await deliveryIn(t, id);
  const { out } = await run(['deliveries', 'explain', id]);
  expect(out).toMatch(
    /The endpoint answered 422\. No further .*\n {2}│ \\u001b\[2Jno\\u202e such \\u009b31morder\n$/,
  );
  expect(out).toContain(`${id}  FAILED\n  The endpoint refused the request`);
  expect(await run(['deliveries', 'cancel', id])).toMatchObject({ code: 5, out: '' });
  failing.setBehaviour(() => ({ status: 204 }));
  const again = await json<{ id: string }>('deliveries', 'retry', id, '--reason', 'fixed');
  await deliveryIn(t, again.id);
  const listed = await run([
    'deliveries',
    'list',
    '--tenant',
    'explained',
    '--status',
    'delivered',
    '--from',
    '1h',
  ]);
  expect(listed.out).toContain(again.id);
  expect(listed.out).not.toContain(id);
  await failing.close();
});

test('a list has one object a line down to its limit, and the table says that there is more', async () => {
  for (const n of [1, 2, 3]) await run(['publish', 'cli.listed', `{"n":${n},"word":"needle-${n}"}`]);
  const all = jsonOf<Deliveries>(
    await run(['events', 'list', '--type', 'cli.listed', '--limit', '0', '--json']),
  );
  expect(all).toHaveLength(3);
  const two = await run(['events', 'list', '--type', 'cli.listed', '--limit', '2']);
  expect(two.out.trim().split('\n')).toHaveLength(3);
  expect(two.err).toContain('There are more');
  const found = await run(['events', 'search', 'needle-2', '--json']);
  expect(jsonOf<Deliveries>(found).map(({ id }) => id)).toEqual([all[1]!.id]);
  expect((await run(['events', 'get', all[1]!.id])).out).toContain('{"n":2,"word":"needle-2"}');
  expect(await run(['events', 'list', '--type', 'cli.nothing'])).toMatchObject({ code: 0, out: '' });
});

test('the same key and request is accepted once', async () => {
  const args = ['publish', 'cli.once', '{"n":1}', '--key', 'cli-once'];
  expect(await json(...args)).toMatchObject({ duplicate: false });
  expect((await run(args)).out).toContain('accepted before');
  expect(await run(['publish', 'cli.once', '{"n":2}', '--key', 'cli-once'])).toMatchObject({ code: 5 });
});

test('a key is shown once, does what its role may, and nothing after it is revoked', async () => {
  const made = await run(['keys', 'create', 'reader', '--role', 'viewer']);
  const key = made.out.trim();
  const [, id] = /This is the key (\S+)\./.exec(made.err) ?? [];
  const asReader = (...args: string[]) => run(args, { env: { SUREHOOK_API_KEY: key } });
  expect(await asReader('events', 'list')).toMatchObject({ code: 0 });
  expect(await asReader('pause', '--reason', 'x')).toMatchObject({ code: 4 });
  expect((await run(['keys', 'list'])).out).not.toContain(key);
  expect((await run(['keys', 'revoke', id!])).out).toContain('revoked');
  // The server refuses it within a second, not at once.
  const refused = await eventually(async () => {
    const answer = await asReader('events', 'list');
    return answer.code !== 0 && answer;
  });
  expect(refused).toMatchObject({ code: 4 });
  expect(refused.err).toContain('Set SUREHOOK_API_KEY');
});

test('a key ends at a time, or in so many hours or days', async () => {
  const create = (name: string, expires: string) =>
    json<{ expires_at: string }>('keys', 'create', name, '--role', 'viewer', '--expires', expires);
  expect((await create('dated', '2099-01-31')).expires_at).toBe('2099-01-31T00:00:00.000Z');
  const began = Date.now();
  const { expires_at } = await create('monthly', '30d');
  const days = (time: number) => (Date.parse(expires_at) - time) / 86_400_000;
  expect(days(Date.now())).toBeLessThanOrEqual(30);
  expect(days(began)).toBeGreaterThanOrEqual(30);
});

test('the admin key of the data folder is used for a server on this machine, and for no other', async () => {
  const env = { SUREHOOK_API_KEY: '', DATA_DIR: dir };
  await writeFile(join(dir, 'admin-key'), `${ADMIN_KEY}\n`);
  expect(await run(['keys', 'list'], { env })).toMatchObject({ code: 0 });
  const { apiKeyFor } = await import('../../src/cli/connect.js');
  for (const url of ['https://surehook.example', 'http://127.0.0.1.example', 'http://10.0.0.1'])
    expect(await apiKeyFor(url, env)).toBeUndefined();
});

test('a tenant is paused with its reason, and resumed', async () => {
  const paused = await run(['pause', '--tenant', 'held', '--reason', 'their firewall blocks us']);
  expect(paused.out).toMatch(/^tenant held is paused: their firewall blocks us \(admin, /);
  expect((await run(['resume', '--tenant', 'held'])).out).toBe('nothing is paused\n');
  expect(await run(['pause'])).toMatchObject({ code: 2 });
});
