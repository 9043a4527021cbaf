import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, isListening, requireFreePort } from '../../src/embedded/ports.js';
import { isSameProcess } from '../../src/embedded/process-identity.js';
import { runningWith } from '../support/processes.js';
import { startReceiver } from '../support/receiver.js';
import { eventually } from '../support/eventually.js';

let dir: string;
let env: NodeJS.ProcessEnv;
const started: ChildProcess[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-start-'));
  await chmod(dir, 0o711);
  env = {
    ...process.env,
    DATA_DIR: join(dir, 'data'),
    PORT: '0',
    TEMPORAL_UI_PORT: '0',
    LOG_LEVEL: 'warn',
  };
});
afterAll(async () => {
  for (const child of started)
    if (child.exitCode === null && child.signalCode === null)
      process.kill(child.spawnargs[0] === 'npm' ? -child.pid! : child.pid!, 'SIGKILL');
  for (const pid of await serverPids()) if (isSameProcess(pid, null)) process.kill(pid, 'SIGKILL');
  await rm(dir, { recursive: true, force: true });
});

function launch(command: string, args: string[], over: NodeJS.ProcessEnv = {}, detached = false) {
  const child = spawn(command, args, { env: { ...env, ...over }, detached });
  started.push(child);
  const run = { child, out: '', err: '', exit: once(child, 'close') as Promise<[number | null]> };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.err += text));
  return run;
}

/** The command of `npm start`, without npm in between. */
const start = (over: NodeJS.ProcessEnv = {}) => launch(process.execPath, ['dist/src/main.js'], over);

/** `npm start` itself in a process group of its own, as a terminal runs it. */
const npmStart = (over: NodeJS.ProcessEnv = {}) => launch('npm', ['start'], over, true);

const ready = (run: ReturnType<typeof launch>) =>
  eventually(async () => {
    if (run.child.exitCode !== null) throw new Error(run.err);
    // The last line of what is told below the ready line: the lines come one by one.
    return run.out.includes('surehook ready on') && run.out.includes('"payload":{"hello":"world"}') && run;
  }, 120_000);

async function serverPids(): Promise<number[]> {
  const files = ['postgres/postgres.pid', 'temporal/temporal.pid'].map((file) => join(dir, 'data', file));
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
  return texts.map((text) => Number(text.split(' ')[0])).filter(Boolean);
}

/** Every server of a start has its data folder in its command line. */
async function expectStopped(run: ReturnType<typeof launch>, data: string): Promise<void> {
  expect(await run.exit).toEqual([0, null]);
  expect(run.out.match(/stopping/g)).toHaveLength(1);
  expect(runningWith(data)).toEqual([]);
  expect(() => process.kill(-run.child.pid!, 0)).toThrow('ESRCH');
}

// Concurrent: most of a start is waiting for servers.
describe.concurrent('npm start', { timeout: 240_000 }, () => {
  test('from nothing to a delivered webhook, stopped cleanly, found again, recovered after a kill', async () => {
    const receiver = await startReceiver();
    const ports = { PORT: String(await freePort()), TEMPORAL_UI_PORT: String(await freePort()) };
    const url = `http://127.0.0.1:${ports.PORT}`;
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
      const first = start(ports);
      await ready(first);
      expect(first.out).toContain(`surehook ready on ${url}`);
      expect(first.out).toMatch(/admin key +sk_/);
      expect(first.out).toContain(`Temporal UI   http://127.0.0.1:${ports.TEMPORAL_UI_PORT}`);
      expect(first.out).toContain('curl -s -H @');
      const [, link] = /^ +dashboard +(\S+)$/m.exec(first.out)!;
      const [page, token] = link!.split('#token=');
      expect(page).toBe(`${url}/sign-in`);
      const html = await fetch(page!, { headers: { accept: 'text/html' } });
      expect(await html.text()).toContain('<div id="root">');
      const signIn = () => fetch(`${url}/session`, { method: 'POST', body: JSON.stringify({ token }) });
      expect([(await signIn()).status, (await signIn()).status]).toEqual([200, 401]);
      expect(await send('first')).toBe(202);
      await receiver.waitFor((requests) => requests.length === 1);

      const second = start();
      expect((await second.exit)[0]).toBe(1);
      expect(second.err).toMatch(/^The data folder .* is in use by another surehook \(pid \d+\)/);

      const pids = await serverPids();
      expect(pids).toHaveLength(2);
      first.child.kill('SIGINT');
      expect((await first.exit)[0]).toBe(0);
      expect(pids.filter((pid) => isSameProcess(pid, null))).toEqual([]);

      const again = start(ports);
      await ready(again);
      expect(again.out).not.toMatch(/admin key +sk_/);
      expect(await send('first')).toBe(200);
      again.child.kill('SIGKILL');
      await again.exit;

      const recovered = start(ports);
      await ready(recovered);
      expect(await send('first')).toBe(200);
      expect(await send('second')).toBe(202);
      await receiver.waitFor((requests) => requests.length === 2);
      // It finds the embedded servers by the data folder and the API.
      const doctor = launch(process.execPath, ['dist/src/cli/main.js', 'doctor'], ports);
      expect((await doctor.exit)[0], doctor.out).toBe(0);
      expect(doctor.out).toMatch(/^ok +disk +[\d.]+ GiB free for .*\nok +postgres +Postgres 18/m);
      const last = await serverPids();
      recovered.child.kill('SIGTERM');
      expect((await recovered.exit)[0]).toBe(0);
      expect(last.filter((pid) => isSameProcess(pid, null))).toEqual([]);
    } finally {
      await receiver.close();
    }
  });

  test('a port in use and a bad variable are one clear sentence and exit code 1', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    try {
      const port = String((taken.address() as { port: number }).port);
      const run = start({ PORT: port });
      expect((await run.exit)[0]).toBe(1);
      expect(run.err.trim()).toBe(
        `Port ${port} on 127.0.0.1 is in use; stop what listens there or set PORT.`,
      );
      await expect(requireFreePort(Number(port), '127.0.0.1', 'TEMPORAL_UI_PORT')).rejects.toThrow(
        'TEMPORAL_UI_PORT',
      );
    } finally {
      taken.close();
    }
    const both = start({ PORT: '18931', METRICS_PORT: '18931' });
    expect((await both.exit)[0]).toBe(1);
    expect(both.err.trim()).toBe('METRICS_PORT: 18931 is the port of the API or of the Web UI already.');
    const bad = start({ LOG_LEVEL: 'loud' });
    expect((await bad.exit)[0]).toBe(1);
    expect(bad.err).toMatch(/^LOG_LEVEL: /);
  });

  test('a SIGTERM to npm alone stops all of it', async () => {
    const data = join(dir, 'stopped by SIGTERM');
    const run = npmStart({ DATA_DIR: data });
    await ready(run);
    expect(runningWith(data).length).toBeGreaterThan(1);
    process.kill(run.child.pid!, 'SIGTERM');
    await expectStopped(run, data);
  });

  test('the printed commands deliver a first webhook, in a folder of any name, and a Ctrl-C, which npm passes on as well, stops all', async () => {
    const port = String(await freePort());
    const data = join(dir, "a folder's name");
    const run = npmStart({ DATA_DIR: data });
    await ready(run);
    // Port 9000 may be in use where this runs.
    const printed = run.out
      .replaceAll('127.0.0.1:9000', `127.0.0.1:${port}`)
      .replaceAll('listen(9000', `listen(${port}`);
    const [, receive] = /^ +(node -e .*)$/m.exec(printed)!;
    const [, curl] = /^ +(curl [^]*?\}')$/m.exec(printed)!;
    const receiver = launch('sh', ['-c', `exec ${receive}`]);
    await eventually(() => isListening(Number(port)));

    const [answer] = (await once(launch('sh', ['-c', curl!]).child.stdout, 'data')) as [string];
    const { deliveries } = JSON.parse(answer) as { deliveries: { id: string }[] };
    const key = (await readFile(join(data, 'admin-key'), 'utf8')).trim();
    const [, url] = /ready on (\S+)/.exec(run.out)!;
    const delivery = await eventually(async () => {
      const response = await fetch(`${url}/v1/deliveries/${deliveries[0]!.id}`, {
        headers: { authorization: `Bearer ${key}` },
      });
      const { status } = (await response.json()) as { status: string };
      return /DELIVERED|FAILED/.test(status) && status;
    });
    expect(delivery).toBe('DELIVERED');
    await eventually(async () => receiver.out.includes('{"hello":"world"}'));
    expect(receiver.out).toContain('POST /');

    receiver.child.kill('SIGTERM');
    expect(runningWith(data).length).toBeGreaterThan(1);
    process.kill(-run.child.pid!, 'SIGINT');
    await expectStopped(run, data);
  });

  test('a second signal, a while after the first, ends it at once', async () => {
    // A Postgres that takes connections and never answers keeps the stop waiting.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as { port: number };
    try {
      const run = start({ DATA_DIR: join(dir, 'twice'), DATABASE_URL: `postgres://a:b@127.0.0.1:${port}/c` });
      await once(silent, 'connection');
      run.child.kill('SIGINT');
      await eventually(async () => run.out.includes('stopping'));
      run.child.kill('SIGINT');
      await new Promise((done) => setTimeout(done, 1_200));
      expect(run.child.exitCode).toBeNull();
      run.child.kill('SIGINT');
      expect((await run.exit)[0]).toBe(1);
    } finally {
      silent.close();
    }
  });

  test.each(['main', 'api', 'worker'])(
    'a Postgres that is not there is one sentence of %s, which names the variable and the server',
    async (file) => {
      const port = await freePort();
      const run = launch(process.execPath, [`dist/src/${file}.js`], {
        DATA_DIR: join(dir, `away-${file}`),
        DATABASE_URL: `postgres://me:secret@localhost:${port}/x`,
        TEMPORAL_ADDRESS: '127.0.0.1:1',
        SUREHOOK_ADMIN_KEY: 'test-admin-key-of-enough-length',
        SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(32).toString('base64'),
      });
      expect((await run.exit)[0]).toBe(1);
      const where = `The Postgres of DATABASE_URL, at localhost:${port}, cannot be used: connect ECONNREFUSED`;
      expect(run.err.trim()).toMatch(new RegExp(`^${where} .*\\.$`));
      expect(run.err).not.toContain('secret');
    },
  );

  test('a Ctrl-C while Temporal is built ends the build, and nothing else is begun', async () => {
    const bin = join(dir, 'bin');
    await mkdir(bin);
    await writeFile(
      join(bin, 'go'),
      `#!/bin/sh\n/bin/sleep 600 &\necho $! > ${join(bin, 'compiler')}\nwait\n`,
    );
    await chmod(join(bin, 'go'), 0o755);
    const run = start({
      ...{ DATA_DIR: join(dir, 'built'), PATH: bin, XDG_CACHE_HOME: join(dir, 'no-cache') },
      HTTPS_PROXY: 'http://127.0.0.1:9',
    });
    const compiler = await eventually(
      () => readFile(join(bin, 'compiler'), 'utf8').then(Number, () => 0),
      60_000,
    );
    run.child.kill('SIGINT');
    expect((await run.exit)[0]).toBe(0);
    expect(run.out).not.toContain('starting');
    await eventually(async () => !isSameProcess(compiler, null));
  });

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
  });

  test('no way to get Temporal names the ways out, and nothing is left running', async () => {
    const empty = await mkdtemp(join(dir, 'empty-'));
    const run = start({
      DATA_DIR: join(dir, 'no-temporal'),
      PATH: empty,
      HOME: empty,
      XDG_CACHE_HOME: empty,
    });
    const [code] = await run.exit;
    expect(code).toBe(1);
    expect(run.err).toMatch(/temporal CLI on PATH, or install Go .* or set TEMPORAL_ADDRESS/);
    const pid = await readFile(join(dir, 'no-temporal/postgres/postgres.pid'), 'utf8').catch(() => null);
    expect(pid).toBeNull();
  });
});
