import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { serverEnv } from './child-env.js';
import { openLog, readOwn, writeOwn } from './own-files.js';
import { commandLine, isSameProcess, startTime } from './process-identity.js';

/** A server we started, in its own process group: a terminal's Ctrl-C reaches only us, and we stop servers in order. */
export interface ServerProcess {
  pid: number;
  /** Settles when the process has ended. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/** Sent if SIGINT has not ended a server within 10 s. */
export type LastSignal = 'SIGQUIT' | 'SIGKILL';

export interface ServerCommand {
  command: string;
  args: string[];
  /** Entered before the server becomes its own user. Default: `/`, which every user may enter. */
  cwd?: string;
  /** Must be, like `pidFile`, in a folder that only we can change. */
  logFile: string;
  /** Names the process, so that the next start can end it if we are killed. */
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
  // If we exit in the middle of a start, a server left running would hold its port until the next start.
  const onExit = () => child.kill('SIGINT');
  process.once('exit', onExit);
  const exited = once(child, 'exit').then(() => {
    process.off('exit', onExit);
    rmSync(pidFile, { force: true });
  });
  return { pid, exited, stop: () => stopChild(child, exited, lastSignal) };
}

/** Lower than that of a process whose work cannot wait; of all, only as far as the system allows it. */
const LOWER_PRIORITY = 10;

/** Lets a server's work wait where the CPU is short. */
export function lowerPriority(pid: number): void {
  const quietly = (change: () => void) => {
    try {
      change();
    } catch {
      // Not this system, or the server has ended.
    }
  };
  // Linux has a priority for each thread, and of each session where it groups them.
  const lower = (id: number) => quietly(() => setPriority(id, LOWER_PRIORITY));
  lower(pid);
  quietly(() => readdirSync(`/proc/${pid}/task`).forEach((thread) => lower(Number(thread))));
  quietly(() => writeFileSync(`/proc/${pid}/autogroup`, String(LOWER_PRIORITY)));
}

async function stopChild(child: ChildProcess, exited: Promise<void>, lastSignal: LastSignal): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill(lastSignal), STOP_MS);
  await exited;
  clearTimeout(timer);
}

/**
 * Ends a server that outlived a killed parent: the pid file's process, if it is still the same one. Start times count
 * from boot, so a process after a reboot may have the same one: the command line has to match too.
 */
export async function stopOrphan(pidFile: string, lastSignal: LastSignal): Promise<void> {
  const [, noted, started = '', command] = /^(\d+) (.*)(?:\n([^]+))?$/.exec(readOwn(pidFile)) ?? [];
  const pid = Number(noted);
  if (!isSameProcess(pid, started)) return;
  if (command === undefined || command === commandLine(pid)) await endProcess(pid, lastSignal);
}

/** Ends a process that is not our child: SIGINT, after 10 s `lastSignal`; throws if it still runs after 20 s. */
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

/** The last lines of a log, for an error message, without the stack trace of a Go server that panicked. */
export async function lastLines(file: string, count = 5): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.replace(GO_TRACE, '').trim().split('\n').slice(-count).join('\n');
}
