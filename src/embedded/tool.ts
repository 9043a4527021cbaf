import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { toolEnv } from './child-env.js';

const PROGRESS_MS = 5_000;

/**
 * Runs a program that may take minutes, and reports progress every 5 s. `signal` kills the program and its children. If
 * the program fails, its last line on stderr is the error.
 */
export async function runTool(
  command: string,
  args: string[],
  options: { env: NodeJS.ProcessEnv; signal: AbortSignal; doing: string; progress: (line: string) => void },
): Promise<void> {
  const { env, signal, doing, progress } = options;
  signal.throwIfAborted();
  const began = Date.now();
  const showProgress = () => progress(`${doing} … ${Math.round((Date.now() - began) / 1000)} s`);
  showProgress();
  const timer = setInterval(showProgress, PROGRESS_MS);
  // In its own process group: a compiler's children would otherwise go on after it is killed.
  const child = spawn(command, args, {
    env: toolEnv(env),
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const end = () => killGroup(child.pid);
  signal.addEventListener('abort', end);
  process.once('exit', end);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2_000)));
  try {
    const [code] = (await once(child, 'close')) as [number | null];
    signal.throwIfAborted();
    if (code !== 0) throw new Error(errors.trim().split('\n').at(-1) || `ended with ${code}`);
  } finally {
    clearInterval(timer);
    signal.removeEventListener('abort', end);
    process.off('exit', end);
  }
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
