import { mkdtemp, chmod, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';

declare module 'vitest' {
  interface ProvidedContext {
    databaseUrl: string;
    temporalAddress: string;
  }
}

/** One real Postgres and one real Temporal server for the whole run; each test file takes a database of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-test-'));
  await chmod(dir, 0o711);
  const binary = await findTemporal({ progress: console.log, env: process.env });
  const postgres = await startPostgres({
    dir: join(dir, 'postgres'),
    settings: ['fsync=off', 'max_connections=200'],
  });
  const temporal = await startTemporal({ binary, dir: join(dir, 'temporal'), inMemory: true, uiPort: null });
  project.provide('databaseUrl', postgres.url);
  project.provide('temporalAddress', temporal.address);
  return async () => {
    await temporal.stop();
    await postgres.stop();
    await rm(dir, { recursive: true, force: true });
  };
}
