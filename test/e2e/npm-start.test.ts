import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort, requireFreePort } from '../../src/embedded/ports.js';
import { isSameProcess } from '../../src/embedded/process-identity.js';
import { startReceiver } from '../support/receiver.js';
import { eventually } from '../support/service.js';

let dir: string;
let env: NodeJS.ProcessEnv;
const started: ChildProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-start-'));
  await chmod(dir, 0o711);
  env = {
    ...process.env,
    DATA_DIR: join(dir, 'data'),
    PORT: String(await freePort()),
    TEMPORAL_UI_PORT: String(await freePort()),
    LOG_LEVEL: 'warn',
  };
});
afterAll(async () => {
  for (const child of started)
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  for (const pid of await serverPids()) if (isSameProcess(pid, null)) process.kill(pid, 'SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

/** What `npm start` runs, without npm in between. */
function start(over: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'src/main.ts'], { env: { ...env, ...over } });
  started.push(child);
  const run = { child, out: '', err: '', exit: once(child, 'close') as Promise<[number | null]> };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.err += text));
  return run;
}

const ready = (run: ReturnType<typeof start>) =>
  eventually(async () => {
    if (run.child.exitCode !== null) throw new Error(run.err);
    // The last line of what is told below the ready line: the lines come one by one.
    return run.out.includes('surehook ready on') && run.out.includes('"payload":{"hello":"world"}');
  }, 90_000);

async function serverPids(): Promise<number[]> {
  const files = ['postgres/postgres.pid', 'temporal/temporal.pid'].map((file) => join(dir, 'data', file));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.map((text) => Number(text.split(' ')[0])).filter(Boolean);
}

test('from nothing to a delivered webhook, stopped cleanly, found again, recovered after a kill', async () => {
  const receiver = await startReceiver();
  const url = `http://127.0.0.1:${env.PORT}`;
  const send = async (key: string) => {
    const adminKey = (await readFile(join(dir, 'data', 'admin-key'), 'utf8')).trim();
    const response = await fetch(`${url}/v1/send`, {
      method: 'POST',
      headers: { authorization: `Bearer ${adminKey}` },
      body: JSON.stringify({ url: receiver.url, payload: { hello: 'world' }, idempotency_key: key }),
    });
    return response.status;
  };
  try {
    const first = start();
    await ready(first);
    expect(first.out).toContain(`surehook ready on ${url}`);
    expect(first.out).toMatch(/admin key +sk_/);
    expect(first.out).toContain(`Temporal UI   http://127.0.0.1:${env.TEMPORAL_UI_PORT}`);
    expect(first.out).toContain('curl');
    expect(await send('first')).toBe(202);
    await receiver.waitFor((requests) => requests.length === 1, 15_000);

    const second = start({ PORT: '0' });
    expect((await second.exit)[0]).toBe(1);
    expect(second.err).toMatch(/^The data folder .* is in use by another surehook \(pid \d+\)/);

    const pids = await serverPids();
    expect(pids).toHaveLength(2);
    first.child.kill('SIGINT');
    expect((await first.exit)[0]).toBe(0);
    expect(pids.filter((pid) => isSameProcess(pid, null))).toEqual([]);

    const again = start();
    await ready(again);
    expect(again.out).not.toMatch(/admin key +sk_/);
    expect(await send('first')).toBe(200);
    again.child.kill('SIGKILL');
    await again.exit;

    const recovered = start();
    await ready(recovered);
    expect(await send('first')).toBe(200);
    expect(await send('second')).toBe(202);
    await receiver.waitFor((requests) => requests.length === 2, 15_000);
    const last = await serverPids();
    recovered.child.kill('SIGTERM');
    expect((await recovered.exit)[0]).toBe(0);
    expect(last.filter((pid) => isSameProcess(pid, null))).toEqual([]);
  } finally {
    await receiver.close();
  }
}, 240_000);

test('a port in use and a bad variable are one clear sentence and exit code 1', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  try {
    const port = String((taken.address() as { port: number }).port);
    const run = start({ PORT: port });
    expect((await run.exit)[0]).toBe(1);
    expect(run.err.trim()).toBe(`Port ${port} on 127.0.0.1 is in use; stop what listens there or set PORT.`);
    await expect(requireFreePort(Number(port), '127.0.0.1', 'TEMPORAL_UI_PORT')).rejects.toThrow(
      'TEMPORAL_UI_PORT',
    );
  } finally {
    taken.close();
  }
  const bad = start({ LOG_LEVEL: 'loud' });
  expect((await bad.exit)[0]).toBe(1);
  expect(bad.err).toMatch(/^LOG_LEVEL: /);
}, 60_000);

test('a Ctrl-C while a server is starting leaves nothing behind', async () => {
  const run = start({ DATA_DIR: join(dir, 'interrupted') });
  await eventually(async () => run.out.includes('starting Temporal'), 60_000);
  run.child.kill('SIGINT');
  expect((await run.exit)[0]).toBe(0);
  expect(run.out).not.toContain('ready');
  for (const server of ['postgres', 'temporal']) {
    const pid = await readFile(join(dir, `interrupted/${server}/${server}.pid`), 'utf8').catch(() => null);
    expect(pid).toBeNull();
  }
}, 120_000);

test('no way to get Temporal names the ways out, and nothing is left running', async () => {
  const empty = await mkdtemp(join(dir, 'empty-'));
  const run = start({ DATA_DIR: join(dir, 'no-temporal'), PATH: empty, HOME: empty, XDG_CACHE_HOME: empty });
  const [code] = await run.exit;
  expect(code).toBe(1);
  expect(run.err).toMatch(/temporal CLI on PATH, or install Go .* or set TEMPORAL_ADDRESS/);
  const pid = await readFile(join(dir, 'no-temporal/postgres/postgres.pid'), 'utf8').catch(() => null);
  expect(pid).toBeNull();
}, 240_000);
