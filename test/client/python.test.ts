import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hasPython, PYTHON } from '../support/languages.js';
import { examplesIn, expectClientExample } from '../support/readme.js';
import { ADMIN_KEY, startTestService, type TestService } from '../support/service.js';

const run = promisify(execFile);
const cwd = new URL('../../clients/python/', import.meta.url);

let t: TestService;
beforeAll(async () => {
  t = await startTestService();
});
afterAll(() => t.stop());

test.skipIf(!hasPython)('the tests of the Python client pass against the real server', async () => {
  const pytest = ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'];
  const { stdout } = await run(PYTHON, pytest, { cwd, env: env() }).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toMatch(/\d+ passed in/);
  expect(stdout).not.toMatch(/failed|error/i);
});

test.skipIf(!hasPython)('the files that are made are current, and the types hold', async () => {
  await run(PYTHON, ['scripts/unasync.py', '--check'], { cwd });
  await run(PYTHON, ['-m', 'mypy', '--cache-dir=/dev/null'], { cwd });
  await run('scripts/types', ['--check'], {
    cwd,
    env: { ...process.env, PATH: `${join(PYTHON, '..')}:${process.env.PATH}` },
  });
});

const INSTALLED = `
import pathlib
import surehook as package

folder = pathlib.Path(package.__file__).parent
print(folder, sorted(path.name for path in folder.glob("*typed")))
`;

/** Names that the examples take from the reader. */
const RECEIVED = `
raw_body = b""
headers: dict[str, str] = {}
secret = ""
`;

test.skipIf(!hasPython)(
  'pip installs the Python client with its types, which hold for the README, whose first example runs',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'surehook-python-'));
    try {
      // Without a registry: what the build and the client need is in the environment.
      const offline = ['--no-index', '--no-build-isolation', '--no-deps', '--target', dir];
      await run(PYTHON, ['-m', 'pip', 'install', ...offline, '.'], { cwd });
      const options = { cwd: dir, env: { ...env(), PYTHONPATH: dir } };
      await expectClientExample('clients/python/README.md', 'python', env(), async (code) => {
        const { stdout } = await run(PYTHON, ['-c', code + INSTALLED], options);
        expect(stdout).toContain(`${join(dir, 'surehook')} ['py.typed']\n`);
      });
      const examples = await examplesIn('clients/python/README.md', 'python');
      const files = examples.map((_, i) => join(dir, `example_${i}.py`));
      await Promise.all(files.map((file, i) => writeFile(file, RECEIVED + examples[i]!)));
      const mypy = ['-m', 'mypy', '--config-file=', '--cache-dir=/dev/null', '--check-untyped-defs'];
      await run(PYTHON, [...mypy, ...files], { ...options, env: { ...options.env, MYPYPATH: dir } });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  },
);

const env = () => ({ ...process.env, SUREHOOK_URL: t.service.url!, SUREHOOK_API_KEY: ADMIN_KEY });
