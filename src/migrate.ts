import { loadConfig } from './config.js';
import { migrate } from './db/migrate.js';

/** Migrates `DATABASE_URL` and exits, for migrations before a rollout; every process also migrates at its start. */
async function run(): Promise<void> {
  const { databaseUrl } = loadConfig(process.env);
  if (databaseUrl === null) throw new Error('DATABASE_URL must be set.');
  const applied = await migrate(databaseUrl, {
    waiting: (error) => console.error(`waiting for those who use the tables: ${(error as Error).message}`),
  });
  console.log(applied.length > 0 ? `migrated: ${applied.join(', ')}` : 'nothing to migrate');
}

run().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
});
