import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Project {
  /** A folder with a package.json and node_modules, and nothing else. */
  dir: string;
  /** The folder of the installed package. */
  installed: string;
  manifest: { version: string; bin: { surehook: string } };
  tarball: Buffer;
  /** Paths in the tarball. */
  files: string[];
  remove(): Promise<void>;
}

/** `npm pack`, and `npm install` of what it made in an empty project; `types` is installed beside it. */
export async function installPacked(types: string[]): Promise<Project> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-package-'));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const pack = ['pack', '--silent', '--json', '--pack-destination', dir];
    const { stdout } = await run('npm', pack, { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 });
    const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    const tarball = join(dir, packed!.filename);
    await writeFile(join(dir, 'package.json'), '{"private":true}');
    const { devDependencies } = await readJson<{ devDependencies: Record<string, string> }>(ROOT);
    const versions = types.map((name) => `${name}@${devDependencies[name]}`);
    const quiet = ['--prefer-offline', '--no-audit', '--no-fund', '--silent'];
    await run('npm', ['install', ...quiet, tarball, ...versions], { cwd: dir });
    const installed = join(dir, 'node_modules/surehook');
    const manifest = await readJson<Project['manifest']>(installed);
    const files = packed!.files.map(({ path }) => path);
    return { dir, installed, manifest, tarball: await readFile(tarball), files, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

const readJson = async <T>(folder: string) =>
  JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as T;
