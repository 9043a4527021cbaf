import { execFile, spawnSync } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { CLI, runNode } from '../support/run-process.js';
import { createDatabase, eventually } from '../support/service.js';
import { surehook } from '../support/surehook.js';

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

/** Loads the script from the file `_surehook` and asks as a Tab after `surehook deliveries li` does. */
const COMPLETE = {
  bash: [
    '-c',
    '. ./_surehook; COMP_WORDS=(surehook deliveries li) COMP_CWORD=2; _surehook; echo "${COMPREPLY[@]}"',
  ],
  // `compadd` exists only within a completion.
  zsh: [
    '-fc',
    'compadd() { print -r -- "${(@P)2}"; }; fpath=(.); autoload -U _surehook; words=(surehook deliveries li) CURRENT=3; _surehook',
  ],
  fish: ['-c', 'source ./_surehook; complete -C "surehook deliveries li"'],
};

test.for(Object.entries(COMPLETE))('%s completes by its script', async ([shell, args], { skip }) => {
  skip(spawnSync(shell, ['-c', 'true']).status !== 0, `${shell} is not installed`);
  const command = join(dir, 'surehook');
  await writeFile(command, `#!/bin/sh\nexec '${process.execPath}' '${resolve(CLI)}' "$@"\n`);
  await chmod(command, 0o755);
  await writeFile(join(dir, '_surehook'), (await surehook(['completion', shell])).out);
  const env = { PATH: `${dir}:${process.env.PATH}`, HOME: dir };
  expect((await promisify(execFile)(shell, args, { cwd: dir, env })).stdout).toBe('list\n');
});

test('start runs the server until its terminal is closed, and ends with its exit code', async () => {
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
  run.child.kill('SIGHUP');
  expect(await run.exit).toEqual([0, null]);
  expect(run.out).toContain('stopping …');
});
