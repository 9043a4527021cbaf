import type { Command } from 'commander';
import { outputOf } from '../connect.js';
import type { Io } from '../io.js';

/** `surehook migrate`: the migrations alone, before a rollout; every process also migrates at its start. */
export function addMigrate(program: Command, io: Io): void {
  program
    .command('migrate')
    .description('Migrate the database of DATABASE_URL.')
    .action(async (_options: object, command: Command) => {
      const { migrateDatabase } = await import('../migrate-database.js');
      const out = outputOf(io, command);
      const migrated = await migrateDatabase(io.env, (line) => out.note(line));
      out.result({ migrated }, () =>
        out.line(migrated.length > 0 ? `migrated: ${migrated.join(', ')}` : 'nothing to migrate'),
      );
    });
}
