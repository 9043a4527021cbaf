import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolder } from './folder-lock.js';

export interface DataDir {
  dir: string;
  readOrCreateSecret(name: string, make: () => string): Promise<{ value: string; created: boolean }>;
  writeSecret(name: string, value: string): Promise<void>;
  close(): Promise<void>;
}

/**
 * Makes the folder and locks it against a second instance; takes over the lock of a dead process. `lost` is called when
 * the lock disappears while it is held.
 */
export async function openDataDir(
  dir: string,
  watch: { say: (line: string) => void; lost: () => void } = { say: () => {}, lost: () => {} },
): Promise<DataDir> {
  // Under root, Postgres runs as another user, who must be able to enter the folder but not to list it.
  const mode = process.getuid?.() === 0 ? 0o711 : 0o700;
  await mkdir(dir, { recursive: true, mode }).catch(unwritable(dir));
  const lock = await lockFolder(dir, watch).catch(unwritable(dir));
  if (typeof lock !== 'function') {
    const where = lock.elsewhere === null ? '' : ` on ${lock.elsewhere}, in another container or machine`;
    throw new Error(
      `The data folder ${dir} is in use by another surehook (pid ${lock.pid}${where}); stop it or set DATA_DIR.`,
    );
  }
  return {
    dir,
    readOrCreateSecret: (name, make) => readOrCreate(join(dir, name), make),
    writeSecret: (name, value) => write(join(dir, name), value),
    close: lock,
  };
}

async function readOrCreate(file: string, make: () => string): Promise<{ value: string; created: boolean }> {
  const known = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  if (known.trim()) return { value: known.trim(), created: false };
  const value = make();
  await write(file, value);
  return { value, created: true };
}

/** Flushes and renames, because data encrypted with a lost key is lost too: the file is complete on disk or absent. */
async function write(file: string, value: string): Promise<void> {
  await rm(`${file}.new`, { force: true });
  await writeFile(`${file}.new`, `${value}\n`, { flag: 'wx', mode: 0o600, flush: true });
  await rename(`${file}.new`, file);
}

const unwritable =
  (dir: string) =>
  (error: NodeJS.ErrnoException): never => {
    throw new Error(`The data folder ${dir} cannot be written (${error.message}); set DATA_DIR.`, {
      cause: error,
    });
  };
