import { loadConfig } from './config.js';
import { migrate } from './db/migrate.js';
import { messageOf } from './lib/error-text.js';

/** Migrates `DATABASE_URL` and exits, for migrations before a rollout; every process also migrates at its start. */
async function run(): Promise<void> {
  const { databaseUrl } = loadConfig(process.env);
  if (databaseUrl === null) throw new Error('DATABASE_URL must be set.');
  const applied = await migrate(databaseUrl, {
    waiting: (error) => console.error(`waiting for those who use the tables: ${messageOf(error)}`),
  });
  console.log(applied.length > 0 ? `migrated: ${applied.join(', ')}` : 'nothing to migrate');
}

run().catch((error: unknown) => {
  console.error(messageOf(error));
  process.exit(1);
});
