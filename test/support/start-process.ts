import type { ChildProcess } from 'node:child_process';
import { inject } from 'vitest';
import { eventually } from './eventually.js';
import { runNode } from './run-process.js';
import { ADMIN_KEY, ENCRYPTION_KEY } from './service.js';

/** A process of one role beside a test service, on the same database; once it is ready. `url` is that of an API. */
export async function startProcess(
  role: 'api' | 'worker',
  databaseUrl: string,
  env: Record<string, string> = {},
): Promise<{ child: ChildProcess; url: string }> {
  const run = runNode(`dist/src/${role}.js`, {
    PORT: '0',
    LOG_LEVEL: 'warn',
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: inject('temporalAddress'),
    SUREHOOK_ADMIN_KEY: ADMIN_KEY,
    SUREHOOK_ENCRYPTION_KEY: ENCRYPTION_KEY,
    SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
    ...env,
  });
  const [, url = ''] = await eventually(async () => {
    if (run.child.exitCode !== null) throw new Error(`It ended with ${run.child.exitCode}: ${run.err}`);
    return /ready(?: on (\S+))?\n/.exec(run.out);
  }, 120_000);
  return { child: run.child, url };
}
