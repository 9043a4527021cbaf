import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLockFile, isBeating, isHeld } from './lock-file.js';
import { startTime, systemId } from './process-identity.js';

const TRIES = 12;
const STEP_BACK_MS = 60;
/** `lock-<pid>-<start>-<system>-<host>`; version 0.1.0 omits the last two. */
const LOCK_NAME = /^lock-(\d+)-(\w+)(?:-(\w+)-(.*))?$/;

/** The process that holds a folder. */
export interface Holder {
  pid: number;
  /** The holder's host if that is another container or machine; else null. */
  elsewhere: string | null;
}

/**
 * Locks a folder for this process until the returned function is called or the process dies. Returns the holder if
 * another process holds the folder. `lost` is called when the lock file is gone: another process may then hold the folder.
 *
 * A lock file is named after its process and made before looking for others: of two processes at once at least one sees
 * the other, and a process that sees another steps back. A dead process's file is removed by its own name, so that no
 * process can remove the file of a living one by mistake, as with one shared file that several find stale.
 */
export async function lockFolder(
  dir: string,
  { say, lost }: { say: (line: string) => void; lost: () => void },
): Promise<(() => Promise<void>) | Holder> {
  const mine = lockNameOf(process.pid);
  for (let tries = 1; ; tries++) {
    const lock = await createLockFile(dir, mine, lost);
    if (!lock) return { pid: process.pid, elsewhere: null };
    let other: Holder | null;
    try {
      other = await livingHolder(dir, mine, tries === 1 ? say : () => {});
    } catch (error) {
      await lock.release();
      throw error;
    }
    if (other === null) return () => lock.release();
    await lock.release();
    if (tries === TRIES) return other;
    await sleep(STEP_BACK_MS * Math.random());
  }
}

async function livingHolder(dir: string, mine: string, say: (line: string) => void): Promise<Holder | null> {
  for (const name of await readdir(dir)) {
    const [match, digits, start, system = systemId(), host = ''] = LOCK_NAME.exec(name) ?? [];
    if (match === undefined || name === mine) continue;
    const pid = Number(digits);
    const isHere = system === systemId();
    const holder = { pid, elsewhere: isHere ? null : host };
    if (await isHeld(dir, name)) return holder;
    if (isHere) {
      if (start === startOf(pid)) return holder;
    } else {
      // A pid of another system means nothing here, nor a socket of another machine: only the mtime of the file can tell.
      say(`${dir} was in use on ${host} (pid ${pid}); looking for 6 s whether it still is …`);
      if (await isBeating(dir, name)) return holder;
    }
    await rm(join(dir, name), { force: true });
  }
  return null;
}

const startOf = (pid: number) => (startTime(pid) ?? 'gone').replaceAll(/\W/g, '');

const lockNameOf = (pid: number) =>
  `lock-${pid}-${startOf(pid)}-${systemId()}-${hostname()
    .replaceAll(/[^\w.-]/g, '')
    .slice(0, 32)}`;
