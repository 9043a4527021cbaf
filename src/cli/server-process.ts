import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../main.js', import.meta.url));

/** Starts what `npm start` runs, or another entry point to it, with the settings of Node that it needs. */
export const spawnServer = (
  args: string[],
  options: SpawnOptions & { env: NodeJS.ProcessEnv },
  file = MAIN,
): ChildProcess =>
  spawn(process.execPath, ['--max-semi-space-size=32', file, ...args], {
    ...options,
    // Names are resolved on these threads: slow ones must not keep the others waiting.
    env: { UV_THREADPOOL_SIZE: '64', ...options.env },
  });
