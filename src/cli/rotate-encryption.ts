import { join } from 'node:path';
import { rotateKeys } from '../bootstrap/rotate-keys.js';
import { loadConfig, type Config } from '../config.js';
import { openDataDir } from '../embedded/data-dir.js';
import { ENCRYPTION_KEY_FILE } from '../embedded/data-files.js';
import { startPostgres } from '../embedded/postgres.js';
import { keptKeys } from '../kept-keys.js';
import { EXIT_CODES, ExitError } from './exit-codes.js';

/**
 * Encrypts every secret again with the first key of SUREHOOK_ENCRYPTION_KEYS, and says which older keys may be removed.
 * With DATABASE_URL it runs beside the processes; the embedded Postgres is started for it, so `npm start` must not run.
 * `forget`: the id of a lost key.
 */
export async function rotateEncryption(
  env: NodeJS.ProcessEnv,
  forget: string | undefined,
): Promise<string[]> {
  // No message repeats the argument: it may be the key itself.
  if (forget !== undefined && !/^[0-9a-f]{8}$/.test(forget))
    throw new ExitError(
      EXIT_CODES.usage,
      '--forget: must be the id of a key, eight hex digits, and not the key.',
    );
  const config = loadConfig(env);
  const database = config.databaseUrl === null ? await embedded(config) : null;
  try {
    const databaseUrl = config.databaseUrl ?? database!.url;
    return await rotateKeys({ databaseUrl, keys: await encryptionKeys(config), forget: forget ?? null });
  } finally {
    await database?.stop();
  }
}

async function encryptionKeys(config: Config): Promise<string[]> {
  const keys = await keptKeys(config);
  if (keys) return keys;
  const file = join(config.dataDir, ENCRYPTION_KEY_FILE);
  throw new Error(`SUREHOOK_ENCRYPTION_KEYS must be set: there is no file ${file}.`);
}

async function embedded({ dataDir: dir }: Config) {
  const dataDir = await openDataDir(dir);
  try {
    const postgres = await startPostgres({ dir: join(dir, 'postgres') });
    return {
      url: postgres.url,
      async stop() {
        await postgres.stop();
        await dataDir.close();
      },
    };
  } catch (error) {
    await dataDir.close();
    throw error;
  }
}
