import { readdir, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isBeating, isHeld, makeClaim } from './claim.js';
import { startTime, systemId } from './process-identity.js';

const TRIES = 12;
const STEP_BACK_MS = 60;
/** `lock-<pid>-<start>-<system>-<host>`; version 0.1.0 omits the last two. */
const CLAIM = /^lock-(\d+)-(\w+)(?:-(\w+)-(.*))?$/;

/** The process that holds a folder. */
export interface Holder {
  pid: number;
  /** The holder's host if that is another container or machine; else null. */
  elsewhere: string | null;
}

/**
 * Claims a folder for this process until the returned function is called or the process dies. Returns the holder if
 * another process holds the folder. `lost` is called when the claim is gone: another process may then hold it.
 *
 * A claim is named after its process and made before looking for others: of two processes at once at least one sees the
 * other, and a process that sees another steps back. A dead process's claim is removed by its own name, so that no
 * process can remove a living claim by mistake, as with one lock file that several find stale.
 */
export async function lockFolder(
  dir: string,
  { say, lost }: { say: (line: string) => void; lost: () => void },
): Promise<(() => Promise<void>) | Holder> {
  const mine = claimOf(process.pid);
  for (let tries = 1; ; tries++) {
    const claim = await makeClaim(dir, mine, lost);
    if (!claim) return { pid: process.pid, elsewhere: null };
    let other: Holder | null;
    try {
      other = await livingClaim(dir, mine, tries === 1 ? say : () => {});
    } catch (error) {
      await claim.release();
      throw error;
    }
    if (other === null) return () => claim.release();
    await claim.release();
    if (tries === TRIES) return other;
    await sleep(STEP_BACK_MS * Math.random());
  }
}

async function livingClaim(dir: string, mine: string, say: (line: string) => void): Promise<Holder | null> {
  for (const name of await readdir(dir)) {
    const [claim, digits, start, system = systemId(), host = ''] = CLAIM.exec(name) ?? [];
    if (claim === undefined || name === mine) continue;
    const pid = Number(digits);
    const isHere = system === systemId();
    const holder = { pid, elsewhere: isHere ? null : host };
    if (await isHeld(dir, name)) return holder;
    if (isHere) {
      if (start === startOf(pid)) return holder;
    } else {
      // A pid of another system means nothing here, nor a socket of another machine: only the claim's mtime can tell.
      say(`${dir} was in use on ${host} (pid ${pid}); looking for 6 s whether it still is …`);
      if (await isBeating(dir, name)) return holder;
    }
    await rm(join(dir, name), { force: true });
  }
  return null;
}

const startOf = (pid: number) => (startTime(pid) ?? 'gone').replaceAll(/\W/g, '');

const claimOf = (pid: number) =>
  `lock-${pid}-${startOf(pid)}-${systemId()}-${hostname()
    .replaceAll(/[^\w.-]/g, '')
    .slice(0, 32)}`;
