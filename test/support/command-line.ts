import { dirname } from 'node:path';
import { isListening } from '../../src/embedded/ports.js';
import { eventually } from './eventually.js';
import { PYTHON } from './languages.js';
import { runProcess, type ProcessRun } from './run-process.js';

interface Program {
  url: string;
  output(): string;
  /** Waits until its output has this text. */
  printed(text: string | RegExp): Promise<void>;
}

/** A command line that runs as in a terminal: all its processes are one group. */
export interface CommandLine extends Program {
  kill(): Promise<void>;
  /** Ctrl-C; returns once no process of the group is left. */
  interrupt(): Promise<void>;
}

/** Runs a command line in the main folder, as a README shows it, once its program listens at the port. */
export async function startCommandLine(
  line: string,
  port: number,
  env: Record<string, string>,
): Promise<CommandLine> {
  const own = {
    HOME: process.env.HOME,
    PATH: `${dirname(PYTHON)}:${process.env.PATH}`,
    PYTHONPATH: 'clients/python/src',
    PORT: String(port),
    UVICORN_PORT: String(port),
  };
  const run = runProcess('sh', ['-c', line], { detached: true, env: { ...own, ...env } });
  const isGone = () => {
    try {
      return !process.kill(-run.child.pid!, 0);
    } catch {
      return true;
    }
  };
  const end = async (signal: NodeJS.Signals) => {
    if (!isGone()) process.kill(-run.child.pid!, signal);
    await run.exit;
    await eventually(async () => isGone());
  };
  const kill = () => end('SIGKILL');
  try {
    return { ...(await listening(run, line, port)), kill, interrupt: () => end('SIGINT') };
  } catch (error) {
    await kill();
    throw error;
  }
}

/** The program of a process, once it listens at the port. */
async function listening(run: ProcessRun, name: string, port: number): Promise<Program> {
  // The log package of Go writes to standard error.
  const output = () => run.out + run.err;
  const ended = () => run.child.exitCode !== null || run.child.signalCode !== null;
  const waitFor = (ask: () => Promise<boolean>) =>
    eventually(async () => {
      if (ended()) throw new Error(`${name} has ended:\n${output()}`);
      return ask();
    });
  await waitFor(() => isListening(port));
  return {
    url: `http://127.0.0.1:${port}`,
    output,
    printed: async (text) =>
      void (await waitFor(async () =>
        typeof text === 'string' ? output().includes(text) : text.test(output()),
      )),
  };
}
