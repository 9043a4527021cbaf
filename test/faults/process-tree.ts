import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** Every process has a parent: a Postgres is one process and many children, each in a group of its own. */
function parents(): Map<number, number> {
  if (!existsSync('/proc/self/stat')) {
    const lines = execFileSync('ps', ['-A', '-o', 'pid=', '-o', 'ppid='], { encoding: 'utf8' }).split('\n');
    return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
  }
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(pids.map((pid) => [Number(pid), parentOf(pid)]));
}

function parentOf(pid: string): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ')[1]);
  } catch {
    return 0;
  }
}

export function descendants(root: number): number[] {
  const parentOfEach = parents();
  const found = [root];
  for (const pid of found) for (const [child, parent] of parentOfEach) if (parent === pid) found.push(child);
  return found.slice(1);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** Stops the process and its children, which go on from where they were. The parent first: it then makes no more of them. */
export function freezeTree(root: number): void {
  signal(root, 'SIGSTOP');
  for (const pid of descendants(root)) signal(pid, 'SIGSTOP');
}

export function thawTree(root: number): void {
  for (const pid of [...descendants(root), root]) signal(pid, 'SIGCONT');
}

/** kill -9 for the process and its children at once, stopped or not. */
export function killTree(root: number): void {
  signal(root, 'SIGSTOP');
  for (const pid of [root, ...descendants(root)]) signal(pid, 'SIGKILL');
}
