import { readFile, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/**
 * Makes the links between the libraries of Postgres that its package leaves to an install script: npm with
 * `ignore-scripts`, pnpm and others run none unless they are told to, and Postgres would miss its libraries.
 */
export async function linkLibraries(native: string): Promise<void> {
  const text = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(text) as { source: string; target: string }[])
    await symlink(basename(source), join(dirname(native), target)).catch(unlessThere);
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw new Error('A library of Postgres cannot be linked.', { cause: error });
}
