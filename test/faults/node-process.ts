import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { lastLines } from '../../src/embedded/process.js';
import type { Launched } from './cluster-process.js';
import { sleep } from './wait.js';

const READY_MS = 240_000;

/** Starts one of the product's processes from `cwd`; the pid is the process's own. Ready at its first line. */
export async function launchNode(
  cwd: string,
  file: string,
  env: Record<string, string>,
  logFile: string,
): Promise<Launched> {
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [file], {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', log],
  });
  closeSync(log);
  const exited = once(child, 'exit') as Promise<[number | null]>;
  const ready = once(child.stdout!, 'data').then(() => true);
  if (!(await Promise.race([ready, exited.then(() => false), sleep(READY_MS).then(() => false)]))) {
    child.kill('SIGKILL');
    throw new Error(`${file} did not start:\n${await lastLines(logFile)}`);
  }
  return {
    pid: child.pid!,
    async stop() {
      child.kill('SIGTERM');
      const [code] = await exited;
      if (code !== 0) throw new Error(`${file} ended with ${code}:\n${await lastLines(logFile)}`);
    },
  };
}
