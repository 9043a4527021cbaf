import { execFile } from 'node:child_process';
import { cp, mkdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A copy of the compiled product: a soak of hours must not notice that the sources change. */
export async function copyProduct(dir: string): Promise<string> {
  const product = join(dir, 'product');
  await mkdir(product);
  await promisify(execFile)(process.execPath, ['build.mjs'], { cwd: ROOT });
  for (const name of ['dist', 'package.json'])
    await cp(join(ROOT, name), join(product, name), { recursive: true });
  await symlink(join(ROOT, 'node_modules'), join(product, 'node_modules'));
  return product;
}
