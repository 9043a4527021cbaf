import { Command } from 'commander';
import { VERSION } from '../bootstrap/version.js';
import { addCompletion } from './commands/completion.js';
import { addControl } from './commands/control.js';
import { addDeliveries } from './commands/deliveries.js';
import { addDoctor } from './commands/doctor.js';
import { addEndpoints } from './commands/endpoints.js';
import { addEvents } from './commands/events.js';
import { addKeys } from './commands/keys.js';
import { addListen } from './commands/listen.js';
import { addMigrate } from './commands/migrate.js';
import { addMcp } from './commands/mcp.js';
import { addPublish } from './commands/publish.js';
import { addReplay } from './commands/replay.js';
import { addRun } from './commands/run.js';
import { addSend } from './commands/send.js';
import { addStart } from './commands/start.js';
import { addTail } from './commands/tail.js';
import type { Io } from './io.js';
import { reportError } from './report-error.js';

/** Each adds a command, in the order of the help. */
const COMMANDS = [
  addStart,
  addRun,
  addMigrate,
  addSend,
  addPublish,
  addEvents,
  addDeliveries,
  addEndpoints,
  addReplay,
  addControl,
  addListen,
  addTail,
  addKeys,
  addDoctor,
  addMcp,
  addCompletion,
];

/** The command `surehook`. A command loads what is heavy when it runs: help and small commands start at once. */
export function createProgram(io: Io): Command {
  const program = new Command('surehook')
    .description('Durable webhook delivery.')
    .version(VERSION, '-v, --version', 'Show the version.')
    .helpOption('-h, --help', 'Show this help.')
    .helpCommand('help [command]', 'Show the help of a command.')
    .option('--url <url>', 'URL of the server (default: SUREHOOK_URL, else http://127.0.0.1:8080)')
    .option('--json', 'write JSON: one object a line')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Written by `reportError`, as every error.
      outputError: () => {},
    })
    .exitOverride();
  for (const add of COMMANDS) add(program, io);
  return program;
}

/** Runs the command line, and returns its exit code. */
export async function runCli(args: string[], io: Io): Promise<number> {
  try {
    await createProgram(io).parseAsync(args, { from: 'user' });
    return 0;
  } catch (error) {
    const own = args.includes('--') ? args.slice(0, args.indexOf('--')) : args;
    return reportError(error, io, own.includes('--json'));
  }
}
