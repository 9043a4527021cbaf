import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

const run = promisify(execFile);
const cwd = new URL('../../clients/python/', import.meta.url);
/** Made by `.ci/python`; without it, these tests are skipped. */
const PYTHON =
  process.env.SUREHOOK_PYTHON ??
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'surehook-ci/python/bin/python');

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

test.skipIf(!existsSync(PYTHON))('the tests of the Python client pass against the real server', async () => {
  const env = { ...process.env, SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY };
  const { stdout } = await run(PYTHON, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'], { cwd, env }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toMatch(/\d+ passed in/);
  expect(stdout).not.toMatch(/failed|error/i);
});

test.skipIf(!existsSync(PYTHON))('the files that are made are current, and the types hold', async () => {
  await run(PYTHON, ['scripts/unasync.py', '--check'], { cwd });
  await run(PYTHON, ['-m', 'mypy', '--cache-dir=/dev/null'], { cwd });
  await run('scripts/types', ['--check'], {
    cwd,
    env: { ...process.env, PATH: `${join(PYTHON, '..')}:${process.env.PATH}` },
  });
});
