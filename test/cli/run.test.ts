import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { startCli, writeReadmeApplication } from '../support/cli-process.js';
import { eventually } from '../support/eventually.js';
import { runningWith, serverOf } from '../support/processes.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import type { ProcessRun } from '../support/run-process.js';

let dir: string;
let data: string;
let application: string;
let receiver: Receiver;
let env: Record<string, string>;
const runs: ProcessRun[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-run-'));
  await chmod(dir, 0o711);
  data = join(dir, 'data');
  application = join(dir, 'app.mjs');
  receiver = await startReceiver({ behave: () => ({ status: 500 }) });
  await writeReadmeApplication(application, receiver.url);
  env = {
    SUREHOOK_URL: `http://127.0.0.1:${await freePort()}`,
    DATA_DIR: data,
    TEMPORAL_UI_PORT: '0',
    SUREHOOK_PROCESSES: '1',
    // Retries after 1 s and 3 s.
    SUREHOOK_RETRY_SCALE: '0.2',
    // Variables of applications, which would stop the server.
    ...{ PORT: '1', DATABASE_URL: 'mysql://app@localhost/app', LOG_LEVEL: 'WARNING' },
  };
});
afterAll(async () => {
  for (const { child } of runs) if (child.exitCode === null) child.kill('SIGTERM');
  await receiver.close();
  await eventually(async () => runningWith(data).length === 0);
  await rm(dir, { recursive: true, force: true });
});

/** Starts the application, and returns how to ask it for a webhook. */
async function run() {
  const surehook = startCli(['run', '--', process.execPath, application], env);
  runs.push(surehook);
  const [, port, pid] = await eventually(async () => {
    if (surehook.child.exitCode !== null) throw new Error(surehook.err);
    return /listening on (\d+) (\d+)/.exec(surehook.out);
  });
  const ask = async () => (await fetch(`http://127.0.0.1:${port}/`)).status;
  return { surehook, ask, kill: () => process.kill(Number(pid), 'SIGKILL') };
}

const said = (surehook: ProcessRun, what: RegExp) => eventually(async () => what.exec(surehook.err));

/** The line of an attempt that was answered with 500. */
const lineOf = (number: number | string) =>
  new RegExp(
    `^\\d\\d:\\d\\d:\\d\\d  WARN   message +${receiver.url} +attempt ${number}/12 +HTTP_5XX_RETRYABLE  500  next attempt in [\\d.]+ m?s$`,
    'm',
  );

/** The servers of a run have the data folder in their command line. */
const expectStopped = () => eventually(async () => runningWith(data).length === 0, 30_000);

test('an application that was killed goes on, at the next run, with what it handed over', async () => {
  const first = await run();
  expect(await first.ask()).toBe(202);
  await said(first.surehook, lineOf(1));
  await said(first.surehook, lineOf(2));
  await said(first.surehook, /^surehook: dashboard http:\S+#token=\S+$/m);
  first.kill();
  expect((await first.surehook.exit)[0]).toBe(137);
  expect(first.surehook.out.split('\n')).toHaveLength(2);
  expect(first.surehook.err).toMatch(/^surehook: starting Postgres/);
  await expectStopped();
  const ids = () => new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
  const before = receiver.requests.length;

  const second = await run();
  await said(second.surehook, lineOf(before + 1));
  expect(second.surehook.err).not.toMatch(lineOf(`[1-${before}]`));
  expect(ids().size).toBe(1);

  // A server that dies is started again, and has lost nothing.
  process.kill(serverOf(data), 'SIGKILL');
  await said(second.surehook, /^surehook: the server ended unexpectedly; starting it again …$/m);
  await said(second.surehook, /^surehook: the server is back$/m);
  expect(await second.ask()).toBe(202);
  await said(second.surehook, lineOf(1));

  // No server outlives the command, however that ends.
  second.surehook.child.kill('SIGKILL');
  second.kill();
  await expectStopped();
});

test('a server that does not start is reported with its own error', async () => {
  const surehook = startCli(['run', '--', 'true'], { ...env, SUREHOOK_RETRY_SCALE: 'fast' });
  expect((await surehook.exit)[0]).toBe(1);
  expect(surehook.err).toMatch(/^surehook: SUREHOOK_RETRY_SCALE: .*\nerror: The server did not start\.\n$/);
  const far = startCli(['run', '--', 'true'], { ...env, SUREHOOK_URL: 'https://127.0.0.1:1' });
  expect((await far.exit)[0]).toBe(6);
  expect(far.err).toContain('No server answers at https://127.0.0.1:1');
});
