import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isSameProcess, startTime } from './process.js';

export interface DataDir {
  readOrCreateSecret(name: string, make: () => string): Promise<{ value: string; created: boolean }>;
  close(): Promise<void>;
}

/** Makes the folder and locks it against a second instance; the lock of a process that died is taken over. */
export async function openDataDir(dir: string): Promise<DataDir> {
  await mkdir(dir, { recursive: true });
  // Others may pass through (Postgres runs as a user of its own under root) but not look around.
  await chmod(dir, 0o711);
  const lock = join(dir, 'lock');
  await takeLock(dir, lock);
  return {
    async readOrCreateSecret(name, make) {
      const file = join(dir, name);
      const known = await readFile(file, 'utf8').catch(() => null);
      if (known) return { value: known.trim(), created: false };
      const value = make();
      // Whole or not at all: a half-written key would lock its owner out.
      await writeFile(`${file}.new`, `${value}\n`, { mode: 0o600 });
      await rename(`${file}.new`, file);
      return { value, created: true };
    },
    close: () => rm(lock, { force: true }),
  };
}

async function takeLock(dir: string, lock: string): Promise<void> {
  const mine = `${process.pid} ${startTime(process.pid) ?? ''}`;
  for (let tries = 0; tries < 3; tries++) {
    const taken = await writeFile(lock, mine, { flag: 'wx', mode: 0o600 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code === 'EEXIST') return false;
        throw new Error(`The data folder ${dir} cannot be written: ${error.message}.`, { cause: error });
      },
    );
    if (taken) return;
    const [pid, started] = (await readFile(lock, 'utf8').catch(() => '')).split(' ');
    if (pid && isSameProcess(Number(pid), started || null)) {
      throw new Error(
        `The data folder ${dir} is in use by another surehook (pid ${pid}); stop it or set DATA_DIR.`,
      );
    }
    await rm(lock, { force: true });
  }
  throw new Error(`The data folder ${dir} cannot be locked.`);
}
