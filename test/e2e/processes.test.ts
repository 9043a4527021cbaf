import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { Agent, request, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { commandLine, isSameProcess } from '../../src/embedded/process-identity.js';
import { descendants, killTree } from '../faults/process-tree.js';
import { runningWith } from '../support/processes.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { eventually } from '../support/eventually.js';

interface Run {
  pid: number;
  out: string;
  err: string;
  exit: Promise<[number | null, string | null]>;
  url: string;
}

let dir: string;
let receiver: Receiver;
const runs: Run[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-processes-'));
  await chmod(dir, 0o711);
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  for (const { pid } of runs) if (isSameProcess(pid, null)) killTree(pid);
  await rm(dir, { recursive: true, force: true });
});

/** As a terminal runs it: in a process group of its own. */
async function launch(args: string[], over: NodeJS.ProcessEnv = {}): Promise<Run> {
  const child = spawn('npm', ['start', '--', ...args], {
    env: {
      ...process.env,
      DATA_DIR: join(dir, 'data'),
      PORT: '0',
      TEMPORAL_UI_PORT: String(await freePort()),
      SUREHOOK_RETRY_SCALE: '0.01',
      ...over,
    },
    detached: true,
  });
  const exit = once(child, 'close') as Run['exit'];
  const run: Run = { pid: child.pid!, out: '', err: '', exit, url: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (run.out += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (run.err += chunk));
  runs.push(run);
  return run;
}

async function start(): Promise<Run> {
  const run = await launch(['--processes', '2']);
  run.url = await eventually(async () => {
    if (!isSameProcess(run.pid, null)) throw new Error(run.err);
    return /ready on (\S+)[^]*"hello":"world"/.exec(run.out)?.[1];
  }, 90_000);
  return run;
}

const ours = (run: Run, file: string) =>
  descendants(run.pid).filter((pid) => commandLine(pid)?.includes(`dist/src/${file}.js`));
const first = (run: Run) => ours(run, 'main').at(-1)!;
const several = (run: Run) => ours(run, 'bootstrap/cluster-child');

/** The answer's status; the error's code where there is none. */
async function call(
  run: Run,
  method: string,
  path: string,
  body?: unknown,
  agent = new Agent(),
): Promise<{ status: number | string; body: string }> {
  const key = (await readFile(join(dir, 'data', 'admin-key'), 'utf8')).trim();
  try {
    const asked = request(run.url + path, { method, agent, headers: { authorization: `Bearer ${key}` } });
    asked.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return { status: response.statusCode!, body: await text(response) };
  } catch (error) {
    return { status: String((error as { code?: string }).code), body: '' };
  }
}

const post = (run: Run, key: string, agent?: Agent) =>
  call(run, 'POST', '/v1/events', { type: 'a.b', payload: { key }, idempotency_key: key }, agent);
const keysReceived = () => receiver.requests.map(({ body }) => (JSON.parse(body) as { key: string }).key);

async function metric(run: Run, name: string): Promise<number> {
  const { body } = await call(run, 'GET', '/metrics');
  return Number(
    body
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.slice(name.length),
  );
}
const accepted = (run: Run) => metric(run, 'surehook_events_total{result="accepted"}');

/** One after the other, over `clients` connections that are kept, until `go` says no. */
async function load(run: Run, name: string, clients: number, go: (answers: (number | string)[]) => boolean) {
  const answers: (number | string)[] = [];
  const keys: string[] = [];
  await Promise.all(
    Array.from({ length: clients }, async (_, client) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      for (let i = 0; go(answers); i++) {
        const key = `${name}-${client}-${i}`;
        const { status } = await post(run, key, agent);
        answers.push(status);
        if (status === 202) keys.push(key);
        else break;
      }
      agent.destroy();
    }),
  );
  return { answers, keys };
}

test('two processes serve as one: each event once, counts added up, a killed one started again, one stop', async () => {
  const run = await start();
  expect(run.out.match(/ready on/g)).toHaveLength(1);
  expect(run.out.match(/^ {2}admin key /gm)).toHaveLength(1);
  expect(several(run)).toHaveLength(2);
  const endpoint = await call(run, 'POST', '/v1/endpoints', { url: receiver.url, event_types: ['*'] });
  expect(endpoint.status).toBe(201);
  const { id } = JSON.parse(endpoint.body) as { id: string };

  const many = await load(run, 'many', 20, (answers) => answers.length < 200);
  expect(many.answers.every((status) => status === 202)).toBe(true);
  const one = await Promise.all(Array.from({ length: 20 }, () => post(run, 'one')));
  expect(one.map(({ status }) => status).sort()).toEqual([...Array<number>(19).fill(200), 202]);
  expect(new Set(one.map(({ body }) => (JSON.parse(body) as { id: string }).id)).size).toBe(1);
  const total = many.keys.length + 1;
  await receiver.waitFor((requests) => requests.length >= total, 60_000);
  // Each attempt's line in the log tells whose it was.
  const workers = new Set(
    [...run.err.matchAll(/"pid":(\d+)[^\n]*"msg":"attempt"/g)].map(([, pid]) => Number(pid)),
  );
  expect([...workers].sort()).toEqual(several(run).sort());
  for (let asked = 0; asked < 4; asked++) {
    expect(await accepted(run)).toBe(total);
    expect(await metric(run, 'surehook_events_total{result="duplicate"}')).toBe(19);
  }
  await eventually(
    async () => (await metric(run, 'surehook_attempts_total{classification="DELIVERED"}')) === total,
  );

  await call(run, 'POST', `/v1/endpoints/${id}/pause`);
  await Promise.all([post(run, 'held-1'), post(run, 'held-2'), post(run, 'held-3')]);
  // A figure of the whole system, given by each process: it is not added up.
  await eventually(async () => (await metric(run, 'surehook_open_deliveries{status="HELD"}')) === 3);
  await call(run, 'POST', `/v1/endpoints/${id}/resume`);
  await receiver.waitFor((requests) => requests.length >= total + 3, 60_000);

  const before = await accepted(run);
  const victim = several(run)[0]!;
  const killed = await load(run, 'killed', 20, (answers) => {
    if (answers.length === 100) process.kill(victim, 'SIGKILL');
    return answers.length < 300;
  });
  await eventually(async () => /Process \d of 2 is back/.test(run.out), 30_000);
  expect(run.out).toMatch(/Process \d of 2 ended unexpectedly; starting it again …/);
  expect(several(run)).toHaveLength(2);
  expect(several(run)).not.toContain(victim);
  await eventually(async () => {
    const received = new Set(keysReceived());
    return killed.keys.every((key) => received.has(key));
  }, 90_000);
  expect(await accepted(run)).toBeGreaterThanOrEqual(before);
  expect(new Set(keysReceived().filter((key) => !key.startsWith('killed'))).size).toBe(total + 3);
  expect(keysReceived().filter((key) => !key.startsWith('killed'))).toHaveLength(total + 3);

  const pids = [first(run), ...several(run)];
  const stopped = load(run, 'stopped', 20, () => true);
  await eventually(async () => keysReceived().some((key) => key.startsWith('stopped')));
  process.kill(-run.pid, 'SIGINT');
  expect(await run.exit).toEqual([0, null]);
  // Each client was told with an answer that it is the last, and only then was refused; a new connection that comes as the
  // port closes may be reset, unheard: no event of it was accepted.
  const { answers, keys } = await stopped;
  const refused = answers.filter((status) => status !== 202);
  expect(refused).toHaveLength(20);
  expect(refused.filter((status) => status !== 'ECONNREFUSED' && status !== 'ECONNRESET')).toEqual([]);
  expect(keysReceived().filter((key) => key.startsWith('stopped') && !keys.includes(key))).toEqual([]);
  expect(run.out.match(/stopping/g)).toHaveLength(1);
  expect(pids.filter((pid) => isSameProcess(pid, null))).toEqual([]);
  expect(runningWith(dir)).toEqual([]);
}, 300_000);

test('connections past those that each process takes are closed, and a first process that is killed takes all with it', async () => {
  const run = await start();
  const sockets: Socket[] = [];
  let closed = 0;
  while (sockets.length < 2 * 4_096 + 10) {
    // Not more at once than the kernel keeps for who accepts them.
    const batch = Array.from({ length: 200 }, () => connect(Number(new URL(run.url).port), '127.0.0.1'));
    for (const socket of batch)
      socket
        .on('error', () => {})
        .once('close', () => (closed += 1))
        .resume();
    await Promise.all(batch.map((socket) => once(socket, 'connect')));
    sockets.push(...batch);
  }
  // Sooner than a connection that asks nothing is closed anyway.
  await eventually(async () => closed >= 10, 5_000);
  for (const socket of sockets) socket.destroy();
  await eventually(async () => (await call(run, 'GET', '/healthz')).status === 200);

  const pids = several(run);
  expect(pids).toHaveLength(2);
  process.kill(first(run), 'SIGKILL');
  await eventually(async () => !pids.some((pid) => isSameProcess(pid, null)), 10_000);

  const again = await start();
  expect(again.out).not.toMatch(/^ {2}admin key /m);
  // A signal to npm alone, and a second that means now.
  process.kill(again.pid, 'SIGTERM');
  await again.exit;
  expect(runningWith(dir)).toEqual([]);
}, 240_000);

test.each([
  [['--processes', '0'], '--processes: must be a whole number, 1 to 64'],
  [['--processes', 'many'], '--processes: must be a whole number, 1 to 64'],
  [['--process', '2'], '--process: the only argument is --processes with a number'],
])('%j is one sentence, and nothing is started', async (args, sentence) => {
  const run = await launch(args, { DATA_DIR: join(dir, 'none') });
  expect((await run.exit)[0]).toBe(1);
  expect(run.err.trim()).toBe(sentence);
  expect(existsSync(join(dir, 'none'))).toBe(false);
});

test('a fault that keeps all processes from starting is one sentence', async () => {
  const port = await freePort();
  const run = await launch(['--processes', '2'], {
    DATA_DIR: join(dir, 'away'),
    DATABASE_URL: `postgres://me:secret@localhost:${port}/x`,
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  });
  expect((await run.exit)[0]).toBe(1);
  expect(run.err.trim()).toMatch(/^The Postgres of DATABASE_URL, at localhost:\d+, cannot be used: .*\.$/);
  expect(run.err.trim()).not.toContain('\n');
}, 60_000);
