import { spawn, type ChildProcess, type SpawnOptionsWithoutStdio } from 'node:child_process';
import { once } from 'node:events';

/** The compiled command `surehook`. */
export const CLI = 'dist/src/cli/main.js';

/** A process and what it has printed so far. */
export interface ProcessRun {
  child: ChildProcess;
  out: string;
  err: string;
  exit: Promise<[number | null]>;
}

/** Starts a compiled entry point with nothing but `env` in its environment. */
export const runNode = (
  file: string,
  env: Record<string, string>,
  args: string[] = [],
  { detached = false } = {},
): ProcessRun =>
  runProcess(process.execPath, [file, ...args], { env: { PATH: process.env.PATH, ...env }, detached });

export function runProcess(command: string, args: string[], options: SpawnOptionsWithoutStdio): ProcessRun {
  const child = spawn(command, args, options);
  const run: ProcessRun = { child, out: '', err: '', exit: once(child, 'close') as Promise<[number | null]> };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (run.out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (run.err += text));
  return run;
}
