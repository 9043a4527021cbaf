import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { SAME_SIGNAL_MS } from '../bootstrap/shutdown-signals.js';
import { ExitError } from './exit-codes.js';

const PASSED_ON = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const;
/** A terminal sends these to its whole process group, the application included. */
const FROM_TERMINAL: readonly string[] = ['SIGINT', 'SIGQUIT'];

/**
 * Runs the application with this terminal and passes signals on to it. Returns its exit code, as a shell has it: 128 and the
 * signal that ended it. Afterwards a signal is ignored for a second, and then ends this process.
 */
export async function runApplication(
  [command, ...args]: [string, ...string[]],
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const application = spawn(command, args, { stdio: 'inherit', env });
  let endedAt: number | null = null;
  for (const name of PASSED_ON) {
    process.on(name, () => {
      if (endedAt !== null) {
        if (performance.now() - endedAt > SAME_SIGNAL_MS) process.exit(128 + constants.signals[name]);
      } else if (!FROM_TERMINAL.includes(name) || !hasTerminal()) application.kill(name);
    });
  }
  try {
    const [code, signal] = (await once(application, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + constants.signals[signal!];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    // The exit codes of a shell.
    if (code === 'ENOENT') throw new ExitError(127, `There is no command ${command}.`, { cause: error });
    throw new ExitError(126, `${command} cannot be run: ${message}`, { cause: error });
  } finally {
    endedAt = performance.now();
  }
}

/** Whether this process belongs to a terminal, wherever its output goes. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
