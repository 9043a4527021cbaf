import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface Project {
  /** A folder with a package.json and node_modules, and nothing else. */
  dir: string;
  /** The folder of the installed package. */
  installed: string;
  manifest: { version: string; bin: { surehook: string }; dependencies: Record<string, string> };
  tarball: Buffer;
  /** Paths in the tarball. */
  files: string[];
  remove(): Promise<void>;
}

/**
 * `npm pack`, unpacked into an empty project. The dependencies that the packed package.json names, and no others, are
 * linked from this repository: no registry is asked.
 */
export async function installPacked(): Promise<Project> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-package-'));
  const remove = () => rm(dir, { recursive: true, force: true });
  try {
    const pack = ['pack', '--silent', '--json', '--pack-destination', dir];
    const { stdout } = await run('npm', pack, { cwd: ROOT, maxBuffer: 16 * 1024 * 1024 });
    const [packed] = JSON.parse(stdout) as { filename: string; files: { path: string }[] }[];
    const tarball = join(dir, packed!.filename);
    const modules = join(dir, 'node_modules');
    const installed = join(modules, 'surehook');
    await mkdir(modules);
    await run('tar', ['-xzf', tarball, '-C', modules]);
    await rename(join(modules, 'package'), installed);
    const manifest = JSON.parse(
      await readFile(join(installed, 'package.json'), 'utf8'),
    ) as Project['manifest'];
    for (const name of [...Object.keys(manifest.dependencies), '@types/node']) {
      await mkdir(dirname(join(modules, name)), { recursive: true });
      await symlink(join(ROOT, 'node_modules', name), join(modules, name));
    }
    await writeFile(join(dir, 'package.json'), '{"private":true}');
    const files = packed!.files.map(({ path }) => path);
    return { dir, installed, manifest, tarball: await readFile(tarball), files, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}
