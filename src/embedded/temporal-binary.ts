import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { constants } from 'node:fs';
import { access, chmod, copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';

const VERSION = 'v1.5.1';
const MODULE = `github.com/temporalio/cli/cmd/temporal@${VERSION}`;
const DOWNLOAD_MS = 180_000;
const BUILD_PROGRESS_MS = 10_000;

const run = promisify(execFile);

/**
 * The `temporal` CLI, whose dev server is the embedded Temporal: on PATH, in our cache, downloaded by the TypeScript
 * SDK, or built with Go. Throws one sentence with the ways out where none of these works.
 */
export async function findTemporal(options: {
  progress: (line: string) => void;
  env: NodeJS.ProcessEnv;
}): Promise<string> {
  const { progress, env } = options;
  const onPath = await findOnPath('temporal', env);
  if (onPath) return onPath;
  const cache = join(
    env.XDG_CACHE_HOME ?? join(env.HOME ?? homedir(), '.cache'),
    'surehook',
    `temporal-${VERSION}`,
  );
  const cached = join(cache, 'temporal');
  if (await isExecutable(cached)) return cached;

  await mkdir(cache, { recursive: true });
  const scratch = await mkdtemp(join(cache, 'new-'));
  const faults: string[] = [];
  try {
    for (const [name, obtain] of [
      ['download', download],
      ['go install', build],
    ] as const) {
      try {
        const binary = await obtain(scratch, env, progress);
        await chmod(binary, 0o755);
        // Atomic: two processes at once end with one whole binary.
        await rename(binary, cached);
        progress(`Temporal is kept in ${cache}`);
        return cached;
      } catch (error) {
        faults.push(`${name}: ${(error as Error).message.split('\n')[0]}`);
      }
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  throw new Error(
    `No Temporal server could be had (${faults.join('; ')}). ` +
      'Put the temporal CLI on PATH, or install Go so that it can be built, or set TEMPORAL_ADDRESS to a server you have.',
  );
}

async function download(
  scratch: string,
  _env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<string> {
  progress('downloading the Temporal dev server …');
  const { TestWorkflowEnvironment } = await import('@temporalio/testing');
  const got = TestWorkflowEnvironment.createLocal({
    server: { executable: { type: 'cached-download', downloadDir: scratch } },
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('took too long')), DOWNLOAD_MS);
  });
  try {
    // It downloads and then starts the server; only the file is wanted.
    await (await Promise.race([got, late])).teardown();
  } finally {
    clearTimeout(timer);
  }
  const file = (await readdir(scratch)).find((name) => name.startsWith('temporal'));
  if (!file) throw new Error('nothing was stored');
  const copy = join(scratch, 'binary');
  await copyFile(join(scratch, file), copy);
  return copy;
}

async function build(
  scratch: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<string> {
  const go = await findOnPath('go', env);
  if (!go) throw new Error('Go is not installed');
  const began = Date.now();
  const tell = () =>
    progress(
      `building the Temporal dev server with Go, once, about 3 minutes … ${Math.round((Date.now() - began) / 1000)} s`,
    );
  tell();
  const timer = setInterval(tell, BUILD_PROGRESS_MS);
  try {
    const child = spawn(go, ['install', MODULE], {
      env: { ...env, GOBIN: scratch },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2_000)));
    const [code] = (await once(child, 'exit')) as [number | null];
    if (code !== 0) throw new Error(errors.trim().split('\n').at(-1) ?? `go install ended with ${code}`);
  } finally {
    clearInterval(timer);
  }
  const binary = join(scratch, 'temporal');
  await run(binary, ['--version']);
  return binary;
}

async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string | null> {
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const file = join(folder, name);
    if (await isExecutable(file)) return file;
  }
  return null;
}

const isExecutable = (file: string) =>
  access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
