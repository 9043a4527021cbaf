import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { hostname } from 'node:os';

/** When a process began, in the system's own units; null if it is gone or a zombie. Not comparable across systems. */
export function startTime(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) return fromPs(pid, 'lstart=');
  try {
    // proc(5): the name in parentheses may hold spaces, so count fields after it; the 22nd is the start time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/**
 * Whether `pid` is still the process that began at `started`: the system reuses pids, soonest after a reboot. With
 * null, only whether it runs.
 */
export function isSameProcess(pid: number, started: string | null): boolean {
  const now = pid > 0 ? startTime(pid) : null;
  return now !== null && (started === null || started === now);
}

/** Identifies the set of processes whose pids and start times we can read: this container's, since the last boot. */
export function systemId(): string {
  const seen = [
    () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8'),
    () => readlinkSync('/proc/self/ns/pid'),
  ];
  const parts = existsSync('/proc/self/stat') ? seen.map((read) => orEmpty(read)) : [];
  return createHash('sha256')
    .update(parts.every(Boolean) && parts.length ? parts.join() : hostname())
    .digest('hex')
    .slice(0, 16);
}

export function commandLine(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) return fromPs(pid, 'command=');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || null;
  } catch {
    return null;
  }
}

/** The user a process runs as; null if unknown. */
export function userOf(pid: number): number | null {
  if (!existsSync('/proc/self/stat')) return Number(fromPs(pid, 'uid=') ?? NaN) || null;
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** The working folder of a process; null if unknown. */
export function workingFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

function orEmpty(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

function fromPs(pid: number, column: string): string | null {
  try {
    const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
    const line = execFileSync('ps', ['-o', 'stat=', '-o', column, '-p', String(pid)], {
      env,
      encoding: 'utf8',
    });
    const [, state, value] = /^\s*(\S+)\s+(.*)$/m.exec(line) ?? [];
    return !value || state?.startsWith('Z') ? null : value.trim();
  } catch {
    return null;
  }
}
