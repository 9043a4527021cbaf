import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTime } from '../../src/embedded/process-identity.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { runningWith } from '../support/processes.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-orphans-'));
  await chmod(dir, 0o711);
});
afterAll(async () => {
  expect(runningWith(dir)).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

/** Starts a server from a child process, ends that process with a signal and returns the pid of the server. */
async function orphan(
  module: string,
  start: string,
  options: object,
  signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL',
): Promise<number> {
  const url = new URL(`../../src/embedded/${module}.ts`, import.meta.url).href;
  const code = `const { ${start} } = await import('${url}');
    const server = await ${start}(${JSON.stringify(options)});
    process.on('SIGTERM', () => process.exit(0));
    console.log(server.pid);
    setInterval(() => {}, 60_000);`;
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(parent.stdout, 'data')) as [Buffer];
  parent.kill(signal);
  await once(parent, 'exit');
  return Number(line.toString());
}

describe('a server that outlived its killed parent', () => {
  it('is ended before the next Postgres starts on its data', async () => {
    const options = { dir: join(dir, 'pg') };
    const left = await orphan('postgres', 'startPostgres', options);
    expect(startTime(left)).not.toBeNull();
    const postgres = await startPostgres(options);
    expect(startTime(left)).toBeNull();
    await postgres.stop();
  });

  it('is ended before the next Temporal starts on its file', async () => {
    const binary = await findTemporal({ progress: console.log, env: process.env });
    const options = { binary, dir: join(dir, 'temporal'), uiPort: null };
    const left = await orphan('temporal', 'startTemporal', options);
    expect(startTime(left)).not.toBeNull();
    const temporal = await startTemporal(options);
    expect(startTime(left)).toBeNull();
    await temporal.stop();
  });
});

describe('a server whose parent exits without stopping it', () => {
  it('ends with its parent', async () => {
    const left = await orphan('postgres', 'startPostgres', { dir: join(dir, 'left') }, 'SIGTERM');
    await expect.poll(() => startTime(left), { timeout: 10_000 }).toBeNull();
  });
});
