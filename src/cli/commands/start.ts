import { once } from 'node:events';
import { constants } from 'node:os';
import type { Command } from 'commander';
import { SHUTDOWN_SIGNALS } from '../../bootstrap/shutdown-signals.js';
import { ExitError } from '../exit-codes.js';
import type { Io } from '../io.js';

/** `surehook start`: the server with its embedded Postgres and Temporal, until Ctrl-C. */
export function addStart(program: Command, io: Io): void {
  program
    .command('start')
    .description('Run the server; Postgres and Temporal come with it unless yours are set.')
    .option('--processes <n>', 'processes for API and worker (default: one for every two cores)')
    .addHelpText('after', '\nIt prints what the server prints: --json changes nothing.')
    .action(async ({ processes }: { processes?: string }) => {
      const { spawnServer } = await import('../server-process.js');
      const args = processes === undefined ? [] : ['--processes', processes];
      const child = spawnServer(args, { env: io.env, stdio: 'inherit' });
      // A terminal sends Ctrl-C to both; the server takes two within a second as one.
      for (const signal of SHUTDOWN_SIGNALS) process.on(signal, () => child.kill(signal));
      const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
      throw new ExitError(code ?? 128 + constants.signals[signal!]);
    });
}
