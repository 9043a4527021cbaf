import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKey } from '../support/api-keys.js';
import { startCli, writeReadmeApplication } from '../support/cli-process.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver.js';
import { CLI } from '../support/run-process.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let dir: string;
beforeAll(async () => {
  t = await startTestService({ workflows: 'none' });
  dir = await mkdtemp(join(tmpdir(), 'surehook-beside-'));
  await writeFile(
    join(dir, 'signals.mjs'),
    `for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR2'])
      process.on(name, () => {
        console.log(name);
        if (name === 'SIGTERM') setTimeout(() => process.exit(3), 100);
      });
    setInterval(() => {}, 1000);
    console.log('up', process.env.SUREHOOK_URL, process.env.SUREHOOK_API_KEY, String(process.pid));`,
  );
});
afterAll(async () => {
  await t.stop();
  await rm(dir, { recursive: true, force: true });
});

const env = () => ({ SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY });
const node = (file: string) => ['run', '--', process.execPath, join(dir, file)];
const until = (run: { out: string }, text: string) => eventually(async () => run.out.includes(text));

test('a server that runs already is used, and goes on', async () => {
  const receiver = await startReceiver({ behave: () => ({ status: 500 }) });
  await writeReadmeApplication(join(dir, 'app.mjs'), receiver.url);
  const run = startCli(node('app.mjs'), env());
  try {
    const [, port] = await eventually(async () => /listening on (\d+)/.exec(run.out));
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(202);
    await eventually(async () => /attempt 2\/12 .*next attempt in/.test(run.err));
    expect(run.err).not.toContain('surehook:');
  } finally {
    run.child.kill('SIGTERM');
    await receiver.close();
  }
  expect((await run.exit)[0]).toBe(128 + 15);
  expect((await t.call('GET', '/healthz')).status).toBe(200);
});

test('signals are passed on to the application once each, and its exit code is that of the command', async () => {
  // An application appends a path to the URL: it gets it without the slash at its end.
  const run = startCli(node('signals.mjs'), { ...env(), SUREHOOK_URL: `${t.service.url}/` });
  await until(run, `up ${t.service.url} ${ADMIN_KEY} `);
  for (const name of ['SIGINT', 'SIGHUP', 'SIGUSR2', 'SIGTERM'] as const) {
    run.child.kill(name);
    await until(run, `${name}\n`);
  }
  expect((await run.exit)[0]).toBe(3);
  expect(run.out.split('\n').slice(1)).toEqual(['SIGINT', 'SIGHUP', 'SIGUSR2', 'SIGTERM', '']);
});

const hasScript = spawnSync('script', ['--version']).stdout?.includes('util-linux') ?? false;

test.skipIf(!hasScript)('a Ctrl-C at a terminal reaches the application once', async () => {
  // A shell that stays in between would end by the Ctrl-C itself.
  const command = ['exec', process.execPath, CLI, ...node('signals.mjs')].join(' ');
  const terminal = spawn('script', ['-qec', command, '/dev/null'], { env: { ...process.env, ...env() } });
  const run = { out: '' };
  terminal.stdout.setEncoding('utf8').on('data', (text: string) => (run.out += text));
  const exit = new Promise<number | null>((resolve) => terminal.once('exit', resolve));
  const [, pid] = await eventually(async () => /^up \S+ \S+ (\d+)\s/m.exec(run.out));
  terminal.stdin.write('\x03');
  await until(run, 'SIGINT');
  process.kill(Number(pid), 'SIGTERM');
  expect(await exit).toBe(3);
  expect(run.out.match(/SIG\w+/g)).toEqual(['SIGINT', 'SIGTERM']);
});

test('an application goes on when nobody reads the lines any more', async () => {
  const receiver = await startReceiver();
  const run = startCli(node('signals.mjs'), env());
  await until(run, 'up ');
  run.child.stderr!.destroy();
  await t.call('POST', '/v1/send', { url: receiver.url, payload: {} });
  await receiver.waitFor((requests) => requests.length === 1);
  // The feed is read every half a second.
  await sleep(1_500);
  run.child.kill('SIGTERM');
  expect((await run.exit)[0]).toBe(3);
  await receiver.close();
});

test('an unknown command ends with the exit code of a shell', async () => {
  const run = startCli(['run', '--', join(dir, 'nothing')], env());
  expect((await run.exit)[0]).toBe(127);
  expect(run.err).toContain('There is no command');
  const denied = startCli(['run', '--', dir], env());
  expect((await denied.exit)[0]).toBe(126);
});

test('a key that may only publish runs the application without lines; a wrong key does not run it', async () => {
  const { key } = await createKey(t, 'publisher');
  const application = ['run', '--', process.execPath, '-e', 'console.log("ran")'];
  const run = startCli(application, { ...env(), SUREHOOK_API_KEY: key });
  expect((await run.exit)[0]).toBe(0);
  expect([run.out, run.err]).toEqual([
    'ran\n',
    'surehook: The API key may not read attempts: none are printed.\n',
  ]);
  const wrong = startCli(application, { ...env(), SUREHOOK_API_KEY: 'sk_of_another_server' });
  expect((await wrong.exit)[0]).toBe(4);
  expect(wrong.out).toBe('');
});
