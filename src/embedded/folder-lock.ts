import { readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startTime } from './process-identity.js';

const TRIES = 12;
const STEP_BACK_MS = 60;

/**
 * Claims a folder for this process until the answered function is called or the process dies. Answers the pid that has
 * it where another one does.
 *
 * A claim is a file named after its process, made before looking for others: of two at once at least one sees the
 * other, and one that sees another steps back. A dead process's claim is removed by its own name, so that nobody can
 * remove a living one's by mistake, as with one lock file that several find stale.
 */
export async function lockFolder(dir: string): Promise<(() => Promise<void>) | number> {
  const mine = claimOf(process.pid);
  const file = join(dir, mine);
  for (let tries = 1; ; tries++) {
    const made = await writeFile(file, '', { flag: 'wx', mode: 0o600 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw error;
      },
    );
    if (!made) return process.pid;
    const other = await livingClaim(dir, mine);
    if (other === null) return () => rm(file, { force: true });
    await rm(file, { force: true });
    if (tries === TRIES) return other;
    await sleep(STEP_BACK_MS * Math.random());
  }
}

async function livingClaim(dir: string, mine: string): Promise<number | null> {
  for (const name of await readdir(dir)) {
    const pid = Number(/^lock-(\d+)-/.exec(name)?.[1]);
    if (!pid || name === mine) continue;
    if (name === claimOf(pid)) return pid;
    await rm(join(dir, name), { force: true });
  }
  return null;
}

const claimOf = (pid: number) => `lock-${pid}-${(startTime(pid) ?? 'gone').replaceAll(/\W/g, '')}`;
