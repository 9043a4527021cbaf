import { stat, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { ADMIN_AUTH_FILE, ADMIN_KEY_FILE, ENCRYPTION_KEY_FILE } from '../embedded/data-files.js';
import { fail, ok, warn, type Check, type Look } from './check.js';

/** As `engines` of package.json. */
const NODE = { major: 20, minor: 19 };
const GIB = 1024 ** 3;
/** Postgres refuses to write on a full disk, and events with it. */
const DISK = { fail: GIB / 4, warn: 2 * GIB };
const SECRETS = [ADMIN_KEY_FILE, ADMIN_AUTH_FILE, ENCRYPTION_KEY_FILE];
const OTHERS_MAY = 0o077;

export const nodeVersion: Check<string> = {
  check: 'node',
  async look(version) {
    const [major = 0, minor = 0] = version.split('.').map(Number);
    return major > NODE.major || (major === NODE.major && minor >= NODE.minor)
      ? ok(`Node ${version}`)
      : fail(`Node ${version}`, `Install Node ${NODE.major}.${NODE.minor} or newer.`);
  },
};

const dataFolder: Check<Config> = {
  check: 'data folder',
  async look({ dataDir }) {
    const modes = await Promise.all(SECRETS.map((name) => modeOf(join(dataDir, name))));
    const open = SECRETS.filter((_, index) => ((modes[index] ?? 0) & OTHERS_MAY) !== 0);
    return open.length > 0
      ? warn(
          `other users may read ${open.join(', ')} in ${dataDir}`,
          `chmod 600 ${open.map((name) => join(dataDir, name)).join(' ')}`,
        )
      : ok(dataDir);
  },
};

const disk: Check<Config> = {
  check: 'disk',
  async look({ dataDir }) {
    const { bavail, bsize } = await statfs(dataDir);
    return judgeDisk(bavail * bsize, dataDir);
  },
};

/** `free`: in bytes. */
export function judgeDisk(free: number, dataDir: string): Look {
  const found = `${(free / GIB).toFixed(1)} GiB free for ${dataDir}`;
  const mend = 'Free some space, or move DATA_DIR: on a full disk no event is accepted.';
  if (free < DISK.fail) return fail(found, mend);
  return free < DISK.warn ? warn(found, mend) : ok(found);
}

/** The checks where the state is kept in the data folder. */
export const folderChecks = [dataFolder, disk];

const modeOf = (file: string): Promise<number | null> =>
  stat(file).then(
    ({ mode }) => mode,
    () => null,
  );
