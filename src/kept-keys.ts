import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { keysOf } from './config-values.js';
import type { Config } from './config.js';
import { ENCRYPTION_KEY_FILE } from './embedded/data-files.js';

/** The encryption keys that are set, else those of the data folder; null: neither can be read. */
export async function keptKeys({ encryptionKeys, dataDir }: Config): Promise<string[] | null> {
  if (encryptionKeys) return encryptionKeys;
  const text = await readFile(join(dataDir, ENCRYPTION_KEY_FILE), 'utf8').catch(() => null);
  return text === null ? null : keysOf(text);
}
