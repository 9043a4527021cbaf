import type { Command } from 'commander';
import { apiKeyFor, outputOf, urlOf } from '../connect.js';
import { EXIT_CODES, ExitError } from '../exit-codes.js';
import type { Io } from '../io.js';
import { dim } from '../text.js';

/** `surehook run`: an application with a server beside it, and a line for each attempt. */
export function addRun(program: Command, io: Io): void {
  program
    .command('run')
    .summary('Run an application with Surehook beside it.')
    .description(
      'Run an application with SUREHOOK_URL and SUREHOOK_API_KEY in its environment, and print one line for each attempt. A server is started unless one runs at the URL, and ends with the application.',
    )
    .usage('[options] -- <command...>')
    .argument('<command...>', 'the command of the application')
    .option('--verbose', 'print everything that the server prints')
    .action((words: string[], { verbose = false }: { verbose?: boolean }, command: Command) =>
      run(words as [string, ...string[]], verbose, { io, command }),
    );
}

async function run(
  words: [string, ...string[]],
  verbose: boolean,
  { io, command }: { io: Io; command: Command },
): Promise<void> {
  const [{ startUnlessRunning }, { printAttempts }, { runApplication }, { createClient }] = await Promise.all(
    [
      import('../own-server.js'),
      import('../print-attempts.js'),
      import('../run-application.js'),
      import('../../client/index.js'),
    ],
  );
  const since = Date.now();
  const url = urlOf(io, command);
  // The standard output is the application's.
  const out = outputOf({ ...io, stdout: io.stderr }, command);
  const say = (line: string) => out.note(dim('surehook: '), line);
  const server = await startUnlessRunning({ url, env: io.env, verbose, say });
  let exitCode: number;
  try {
    const apiKey = await apiKeyFor(url, io.env);
    if (!apiKey) throw new ExitError(EXIT_CODES.refused, `No API key for ${url}: set SUREHOOK_API_KEY.`);
    const attempts = await printAttempts(createClient({ url, apiKey }), { out, since, say });
    try {
      exitCode = await runApplication(words, { ...io.env, SUREHOOK_URL: url, SUREHOOK_API_KEY: apiKey });
    } finally {
      await attempts.stop();
    }
  } finally {
    await server?.stop();
  }
  if (exitCode !== 0) throw new ExitError(exitCode);
}
