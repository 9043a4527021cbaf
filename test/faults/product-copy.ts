import { execFile } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of the sources with a workflow bundle built once: each start of a worker would build it, for 4 s of CPU. */
export async function copyProduct(dir: string): Promise<string> {
  const product = join(dir, 'product');
  await mkdir(product);
  for (const name of ['src', 'workflows', 'activities', 'package.json', 'tsconfig.json'])
    await cp(join(ROOT, name), join(product, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(product, 'node_modules'));
  const build = ['--import', 'tsx', 'src/temporal/build-workflow-bundle.ts'];
  await promisify(execFile)(process.execPath, build, { cwd: product });
  return product;
}
