import { dirname } from 'node:path';
import { eventually } from './eventually.js';
import { PYTHON } from './languages.js';
import { listening, type Program } from './programs.js';
import { runProcess } from './run-process.js';

/** A command line that runs as in a terminal: all its processes are one group. */
export interface CommandLine extends Program {
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
