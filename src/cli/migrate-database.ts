import { loadConfig } from '../config.js';
import { migrate } from '../db/migrate.js';
import { messageOf } from '../lib/error-text.js';

/** Migrates `DATABASE_URL`, and returns the names of the migrations that were applied. */
export async function migrateDatabase(
  env: NodeJS.ProcessEnv,
  note: (line: string) => void,
): Promise<string[]> {
  const { databaseUrl } = loadConfig(env);
  if (databaseUrl === null) throw new Error('DATABASE_URL must be set.');
  return migrate(databaseUrl, {
    waiting: (error) => note(`waiting for those who use the tables: ${messageOf(error)}`),
  });
}
