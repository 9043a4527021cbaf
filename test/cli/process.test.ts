import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { CLI, runNode } from '../support/run-process.js';
import { createDatabase, eventually } from '../support/service.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-start-'));
});
afterAll(() => rm(dir, { recursive: true }));

const ESCAPE = '\u001b';

test('the process ends with the code of the command, and colors its errors only when asked to', async () => {
  const plain = runNode(CLI, {}, ['nonsense']);
  const colored = runNode(CLI, { FORCE_COLOR: '1' }, ['nonsense']);
  const silenced = runNode(CLI, { FORCE_COLOR: '0' }, ['nonsense']);
  const version = runNode(CLI, {}, ['--version']);
  expect(await Promise.all([plain, colored, silenced, version].map(({ exit }) => exit))).toEqual([
    [2, null],
    [2, null],
    [2, null],
    [0, null],
  ]);
  expect(plain.err).toBe("error: unknown command 'nonsense'\n");
  expect(colored.err).toContain(`${ESCAPE}[31merror: ${ESCAPE}[39m`);
  expect(silenced.err).not.toContain(ESCAPE);
  expect(version.out).toMatch(/^\d+\.\d+\.\d+\n$/);
});

test('a reader that closes its pipe ends the command quietly', async () => {
  const run = runNode(CLI, {}, ['--help']);
  run.child.stdout!.destroy();
  expect(await run.exit).toEqual([0, null]);
  expect(run.err).toBe('');
});

test('start runs the server until SIGTERM, and ends with its exit code', async () => {
  const env = {
    ...{ PORT: '0', DATA_DIR: dir, LOG_LEVEL: 'warn', TEMPORAL_ADDRESS: inject('temporalAddress') },
    DATABASE_URL: await createDatabase('cli_start'),
  };
  const wrong = runNode(CLI, { ...env, LOG_LEVEL: 'loud' }, ['start']);
  const run = runNode(CLI, env, ['start', '--processes', '1']);
  expect(await wrong.exit).toEqual([1, null]);
  expect(wrong.err).toContain('LOG_LEVEL: must be one of');
  await eventually(async () => {
    if (run.child.exitCode !== null) throw new Error(run.err);
    return run.out.includes('surehook ready on ');
  });
  run.child.kill('SIGTERM');
  expect(await run.exit).toEqual([0, null]);
  expect(run.out).toContain('stopping …');
});
