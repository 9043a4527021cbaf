import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, chmod, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { buildWithGo } from './go-build.js';
import { downloadWithSdk } from './sdk-download.js';

const VERSION = 'v1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@${VERSION}`;

const run = promisify(execFile);

/** What a way to obtain it works with. */
export interface Obtain {
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  /** Ends what is under way, and the search. */
  signal: AbortSignal;
}

/**
 * The `temporal` CLI, whose dev server is the embedded Temporal: on PATH, in our cache, downloaded by the TypeScript
 * SDK, or built with Go. Throws one sentence with the ways out where none of these works.
 */
export async function findTemporal(options: {
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  /** Default: `surehook` in the user's cache folder. */
  cacheDir?: string;
  signal?: AbortSignal;
}): Promise<string> {
  const { progress, env, signal = new AbortController().signal } = options;
  const onPath = await findOnPath('temporal', env);
  if (onPath) return onPath;
  const userCache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  const cache = join(options.cacheDir ?? join(userCache, 'surehook'), `temporal-${VERSION}`);
  const cached = join(cache, 'temporal');
  if (await isExecutable(cached)) return cached;

  const obtaining = { progress, env, signal };
  const ways = {
    'download by the SDK': (scratch: string) => downloadWithSdk(scratch, obtaining),
    'go install': async (scratch: string) => {
      const go = await findOnPath('go', env);
      if (!go) throw new Error('Go is not installed');
      return buildWithGo(go, MODULE, scratch, obtaining);
    },
  };
  const faults: string[] = [];
  for (const [name, obtain] of Object.entries(ways)) {
    try {
      await obtainInto(cached, cache, obtain);
      progress(`the Temporal dev server is kept in ${cache}`);
      return cached;
    } catch (error) {
      // A stop is no fault of this way: the next one must not begin.
      signal.throwIfAborted();
      faults.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(
    'No Temporal dev server could be had: put the temporal CLI on PATH, or install Go so that it can be built, ' +
      `or set TEMPORAL_ADDRESS to a server you have.\n  ${faults.join('\n  ')}`,
  );
}

/** Atomic: of two processes at once, the later one replaces a whole binary by a whole binary. */
async function obtainInto(
  cached: string,
  cache: string,
  obtain: (scratch: string) => Promise<string>,
): Promise<void> {
  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'new-'));
  try {
    const binary = await obtain(scratch);
    await chmod(binary, 0o755);
    await run(binary, ['--version']);
    await rename(binary, cached);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return null;
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}
