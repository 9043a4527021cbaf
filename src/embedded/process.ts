import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverEnv } from './child-env.js';
import { openLog, readOwn, writeOwn } from './own-files.js';
import { commandLine, isSameProcess, startTime } from './process-identity.js';

/** A server we started, in a process group of its own: a terminal's Ctrl-C reaches only us, and we stop it in order. */
export interface ServerProcess {
  pid: number;
  /** Settles when the process is gone. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/** Sent where SIGINT has not ended a server in time. */
export type LastSignal = 'SIGQUIT' | 'SIGKILL';

export interface ServerCommand {
  command: string;
  args: string[];
  /** Entered before the server becomes its own user. Default: one that every user may enter. */
  cwd?: string;
  /** Both in a folder that only we can change. */
  logFile: string;
  /** Notes the process, so that a next start can end it if we are killed. */
  pidFile: string;
  uid?: number;
  gid?: number;
  lastSignal: LastSignal;
}

const STOP_MS = 10_000;

export async function startServer(options: ServerCommand): Promise<ServerProcess> {
  const { command, args, logFile, pidFile, lastSignal, ...spawnOptions } = options;
  const log = openLog(logFile);
  let child: ChildProcess;
  try {
    child = spawn(command, args, {
      cwd: '/',
      ...spawnOptions,
      env: serverEnv(),
      detached: true,
      stdio: ['ignore', log, log],
    });
    await once(child, 'spawn');
  } finally {
    closeSync(log);
  }
  const pid = child.pid!;
  writeOwn(pidFile, `${pid} ${startTime(pid) ?? ''}\n${commandLine(pid) ?? ''}`);
  // Left running by an exit in the middle of a start, it would hold its port until the next start.
  const onExit = () => child.kill('SIGINT');
  process.once('exit', onExit);
  const exited = once(child, 'exit').then(() => {
    process.off('exit', onExit);
    rmSync(pidFile, { force: true });
  });
  return { pid, exited, stop: () => stopChild(child, exited, lastSignal) };
}

async function stopChild(child: ChildProcess, exited: Promise<void>, lastSignal: LastSignal): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill(lastSignal), STOP_MS);
  await exited;
  clearTimeout(timer);
}

/**
 * Ends a server that outlived a killed parent: the pid file's process, if it is still the same one. Its start time counts
 * from the start of the machine, so that after another start of it the command line has to agree, too.
 */
export async function stopOrphan(pidFile: string, lastSignal: LastSignal): Promise<void> {
  const [, noted, started = '', command] = /^(\d+) (.*)(?:\n([^]+))?$/.exec(readOwn(pidFile)) ?? [];
  const pid = Number(noted);
  if (!isSameProcess(pid, started)) return;
  if (command === undefined || command === commandLine(pid)) await endProcess(pid, lastSignal);
}

/** Ends a process that is not our child, as gently as one that is. */
export async function endProcess(pid: number, lastSignal: LastSignal): Promise<void> {
  const started = startTime(pid) ?? '';
  const signal = (name: NodeJS.Signals) => {
    if (isSameProcess(pid, started)) process.kill(pid, name);
  };
  signal('SIGINT');
  for (let waited = 0; isSameProcess(pid, started); waited += 50) {
    if (waited === STOP_MS) signal(lastSignal);
    if (waited > 2 * STOP_MS) throw new Error(`Process ${pid}, left by an earlier run, does not end.`);
    await sleep(50);
  }
}

const GO_TRACE = /\n\ngoroutine \d+ \[.*\]:\n(?:.+\n\t.+\n?)*/g;

/** The end of a log, for an error's sentence; of a Go server that panicked what it said before its stack trace. */
export async function lastLines(file: string, count = 5): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.replace(GO_TRACE, '').trim().split('\n').slice(-count).join('\n');
}
