import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A server we started, in a process group of its own: a terminal's Ctrl-C reaches only us, and we stop it in order. */
export interface ServerProcess {
  pid: number;
  /** Settles when the process is gone. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

const STOP_MS = 10_000;

export interface ServerCommand {
  command: string;
  args: string[];
  logFile: string;
  pidFile: string | null;
  env?: NodeJS.ProcessEnv;
  uid?: number;
  gid?: number;
  /** Sent where SIGINT has not ended it within ten seconds. */
  lastSignal: 'SIGQUIT' | 'SIGKILL';
}

export async function startServer(options: ServerCommand): Promise<ServerProcess> {
  const { command, args, logFile, pidFile, lastSignal, ...spawnOptions } = options;
  const log = openSync(logFile, 'a');
  const child = spawn(command, args, { ...spawnOptions, detached: true, stdio: ['ignore', log, log] });
  // Rejects with the child's own error where the command cannot be run.
  await once(child, 'spawn');
  const pid = child.pid!;
  if (pidFile) writeFileSync(pidFile, `${pid} ${startTime(pid) ?? ''}`);
  const exited = once(child, 'exit').then(() => {
    if (pidFile) rmSync(pidFile, { force: true });
  });
  return { pid, exited, stop: () => stopChild(child, exited, lastSignal) };
}

async function stopChild(
  child: ChildProcess,
  exited: Promise<void>,
  lastSignal: NodeJS.Signals,
): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGINT');
  const timer = setTimeout(() => child.kill(lastSignal), STOP_MS);
  await exited;
  clearTimeout(timer);
}

/** Ends a server that outlived a killed parent: the pid file's process, if it is still the same one. */
export async function stopOrphan(pidFile: string): Promise<void> {
  const [pid, started] = (await readFile(pidFile, 'utf8').catch(() => '')).split(' ');
  if (!pid || !isSameProcess(Number(pid), started || null)) return;
  process.kill(Number(pid), 'SIGINT');
  for (let waited = 0; isSameProcess(Number(pid), started || null); waited += 100) {
    if (waited === STOP_MS) process.kill(Number(pid), 'SIGKILL');
    await sleep(100);
  }
}

/** Whether `pid` runs and began when it was noted: pids are used again. Without a note, running is enough. */
export function isSameProcess(pid: number, started: string | null): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const now = startTime(pid);
  return now === 'gone' ? false : started === null || now === null || started === now;
}

/** The kernel's start time of a process (proc(5), stat field 22); null where there is no /proc, `gone` for a zombie. */
export function startTime(pid: number): string | null {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? 'gone' : (fields[19] ?? null);
  } catch {
    return null;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Rejects with one sentence naming the way out where nothing can listen there. */
export async function requireFreePort(port: number, host: string, variable: string): Promise<void> {
  const probe = createServer().listen(port, host);
  await once(probe, 'listening').catch((error: NodeJS.ErrnoException) => {
    const why = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be used (${error.message})`;
    throw new Error(`Port ${port} on ${host} ${why}; stop what listens there or set ${variable}.`);
  });
  probe.close();
  await once(probe, 'close');
}

/** The end of a log, for an error's sentence. */
export async function lastLines(file: string, count = 5): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trim().split('\n').slice(-count).join('\n');
}
