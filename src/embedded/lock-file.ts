import { constants } from 'node:fs';
import { open, rm, stat, utimes, writeFile, type FileHandle } from 'node:fs/promises';
import { once } from 'node:events';
import { createConnection, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BEAT_MS = 1_000;
/** The process of a lock file whose mtime stands still this long is dead. Longer than a network file system caches an mtime. */
const WATCH_MS = 6_000;
/** Longest `sun_path` on macOS and the BSDs, in bytes; Linux allows four more. */
const MAX_SOCKET_PATH = 103;

export interface LockFile {
  release(): Promise<void>;
}

/**
 * Creates a file that shows other processes that its holder is alive: a socket, or a plain file if the file system has
 * no sockets, whose mtime is set every second. Returns null if a file of this name exists. `lost` is called when the
 * file disappears without a release.
 */
export async function createLockFile(dir: string, name: string, lost: () => void): Promise<LockFile | null> {
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

/** Whether a process listens on the socket of a lock. The kernel knows this across containers and for frozen processes. */
export async function isHeld(dir: string, name: string): Promise<boolean> {
  const folder = await open(dir, constants.O_RDONLY);
  try {
    const socket = createConnection(socketPath(dir, folder, name));
    try {
      await once(socket, 'connect');
      return true;
    } catch (error) {
      // The socket's queue is full, so a process holds the lock.
      return (error as NodeJS.ErrnoException).code === 'EAGAIN';
    } finally {
      socket.destroy();
    }
  } finally {
    await folder.close();
  }
}

/** Whether the mtime of a lock file still changes; this compares no clocks of two machines. */
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

/** Returns null if the file system has no sockets, or the path is too long for one. */
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

/** A socket path may have 108 bytes on Linux; the path through the open folder's descriptor is short. */
const socketPath = (dir: string, folder: FileHandle, name: string) =>
  process.platform === 'linux' ? `/proc/self/fd/${folder.fd}/${name}` : join(dir, name);
