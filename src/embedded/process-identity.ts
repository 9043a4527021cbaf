import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readlinkSync, statSync } from 'node:fs';

/** When a process began, in the system's own terms; null where it is gone or a zombie. Never compared across systems. */
export function startTime(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) return fromPs(pid, 'lstart=');
  try {
    // proc(5): the name in brackets may hold spaces, so fields are counted behind it; the 22nd is the start time.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

/**
 * Whether `pid` is still the process noted then: numbers are given again, soonest after a restart of the machine.
 * Null asks only whether it runs.
 */
export function isSameProcess(pid: number, started: string | null): boolean {
  const now = pid > 0 ? startTime(pid) : null;
  return now !== null && (started === null || started === now);
}

export function commandLine(pid: number): string | null {
  if (!existsSync('/proc/self/stat')) return fromPs(pid, 'command=');
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || null;
  } catch {
    return null;
  }
}

/** The user a process runs as; null where that cannot be told. */
export function userOf(pid: number): number | null {
  if (!existsSync('/proc/self/stat')) return Number(fromPs(pid, 'uid=') ?? NaN) || null;
  try {
    return statSync(`/proc/${pid}`).uid;
  } catch {
    return null;
  }
}

/** The folder a process works in; null where that cannot be told. */
export function workingFolder(pid: number): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
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
