import { constants } from 'node:fs';
import { open, rm, stat, utimes, writeFile, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BEAT_MS = 1_000;
/** A claim whose time stands still for so long is no living one's: longer than a network file system keeps a time. */
const WATCH_MS = 6_000;
/** sun_path of macOS and the BSDs; Linux has four more. */
const MAX_SOCKET_PATH = 103;

export interface Claim {
  release(): Promise<void>;
}

/**
 * Makes a claim that others can see to be alive: a socket, where the file system has them, whose time is set again every
 * second. Null where there is one of this name. `lost` is called once it is gone without having been released.
 */
export async function makeClaim(dir: string, name: string, lost: () => void): Promise<Claim | null> {
  const file = join(dir, name);
  const folder = await open(dir, constants.O_RDONLY);
  let server: Server | null;
  try {
    server = await listen(socketPath(dir, folder, name));
    if (server === null) await writeFile(file, '', { flag: 'wx', mode: 0o600 });
  } catch (error) {
    await folder.close();
    if (/^(EADDRINUSE|EEXIST)$/.test((error as NodeJS.ErrnoException).code ?? '')) return null;
    throw error;
  }
  const beat = setInterval(() => {
    const now = new Date();
    utimes(file, now, now).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT' || released) return;
      clearInterval(beat);
      lost();
    });
  }, BEAT_MS).unref();
  let released = false;
  return {
    async release() {
      released = true;
      clearInterval(beat);
      if (server) await new Promise((done) => server.close(done));
      await rm(file, { force: true });
      await folder.close();
    },
  };
}

/** Whether a process listens at a claim. The kernel knows it across containers, and of a process that is frozen, too. */
export async function isHeld(dir: string, name: string): Promise<boolean> {
  const folder = await open(dir, constants.O_RDONLY);
  try {
    const socket = createConnection(socketPath(dir, folder, name));
    try {
      await once(socket, 'connect');
      return true;
    } catch (error) {
      // Its queue is full: somebody has it.
      return (error as NodeJS.ErrnoException).code === 'EAGAIN';
    } finally {
      socket.destroy();
    }
  } finally {
    await folder.close();
  }
}

/** Whether the time of a claim still changes; the clocks of two machines are not compared. */
export async function isBeating(dir: string, name: string): Promise<boolean> {
  const time = () =>
    stat(join(dir, name)).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    );
  const first = await time();
  for (let waited = 0; waited < WATCH_MS; waited += 200) {
    await sleep(200);
    const now = await time();
    if (now !== first) return now !== null;
  }
  return false;
}

/** Null where the file system has no sockets, or the path is too long for one. */
async function listen(path: string): Promise<Server | null> {
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH) return null;
  const server = createServer((accepted) => accepted.destroy()).listen(path);
  try {
    await once(server, 'listening');
    return server.unref();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') throw error;
    return null;
  }
}

/** A socket's path may have 108 bytes: by way of the open folder it needs few. */
const socketPath = (dir: string, folder: FileHandle, name: string) =>
  process.platform === 'linux' ? `/proc/self/fd/${folder.fd}/${name}` : join(dir, name);
