import { readdir, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { builtFile } from '../../lib/built-file.js';

/** The dashboard as it was built: in memory, so that a build under a running process does not mix two versions. */
export interface PageFiles {
  /** The entry of operators and that of the portal; null: not built. */
  index: string | null;
  portal: string | null;
  /** By path, such as `/assets/index-a1b2.js`, and among them the compressed ones, such as `/assets/index-a1b2.js.br`. */
  assets: ReadonlyMap<string, Buffer>;
  /** The style sheet of the operator for the portal. */
  portalCss: string;
}

export const BUILT_PAGE = builtFile('dashboard');

/** `css`: the file with the style sheet of the portal. Without a build, everything is null or empty. */
export async function readPage(dir: string, css: string | null): Promise<PageFiles> {
  const html = (name: string) => readFile(join(dir, name), 'utf8').catch(unlessMissing(null));
  const entries = await readdir(join(dir, 'assets'), { recursive: true, withFileTypes: true }).catch(
    unlessMissing([]),
  );
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const assets = await Promise.all(
    paths.map(
      async (path) => [`/${relative(dir, path).split(sep).join('/')}`, await readFile(path)] as const,
    ),
  );
  return {
    index: await html('index.html'),
    portal: await html('portal.html'),
    assets: new Map(assets),
    portalCss: css === null ? '' : await readFile(css, 'utf8'),
  };
}

function unlessMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return value;
    throw error;
  };
}
