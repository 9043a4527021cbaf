import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { runTool } from '../../src/embedded/tool.js';

const SECRETS = {
  SUREHOOK_ADMIN_KEY: 'secret-admin-key',
  SUREHOOK_ENCRYPTION_KEY: 'secret-encryption-key',
  DATABASE_URL: 'postgres://me:secret-password@db/x',
  TEMPORAL_API_KEY: 'secret-api-key',
};
const OTHERS = { AWS_SECRET_ACCESS_KEY: 'secret-of-another-program', HTTPS_PROXY: 'http://proxy:3128' };

let dir: string;
const before = { ...process.env };
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-env-'));
  await chmod(dir, 0o711);
});
afterAll(async () => {
  process.env = before;
  await rm(dir, { recursive: true, force: true });
});

/** The environment of a process, as its user can read it. */
const environOf = (pid: number) => readFile(`/proc/${pid}/environ`, 'utf8');

it.runIf(process.platform === 'linux')('embedded servers get no secret from the environment', async () => {
  const binary = await findTemporal({ progress: console.log, env: process.env });
  Object.assign(process.env, SECRETS, OTHERS);
  const postgres = await startPostgres({ dir: join(dir, 'pg') });
  const temporal = await startTemporal({ binary, dir: join(dir, 'temporal'), inMemory: true, uiPort: null });
  try {
    for (const { pid } of [postgres, temporal]) {
      const environ = await environOf(pid);
      expect(environ).toContain('PATH=');
      expect(environ).not.toMatch(/secret|SUREHOOK|DATABASE_URL|proxy/);
    }
  } finally {
    await temporal.stop();
    await postgres.stop();
  }
});

it('download and build tools get the environment with its proxies, without the secrets of Surehook', async () => {
  const file = join(dir, 'told');
  await runTool('/bin/sh', ['-c', `env > '${file}'`], {
    env: { ...before, ...SECRETS, ...OTHERS },
    signal: new AbortController().signal,
    doing: 'telling',
    progress: () => {},
  });
  const told = await readFile(file, 'utf8');
  expect(told).toContain('HTTPS_PROXY=http://proxy:3128');
  for (const name of Object.keys(SECRETS)) expect(told).not.toContain(name);
});
