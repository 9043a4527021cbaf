import { join } from 'node:path';
import type { Obtain } from './obtain.js';
import { runTool } from './tool.js';

/** Builds a Go program from its module into `folder`, and returns its path. */
export async function buildWithGo(
  go: string,
  module: string,
  folder: string,
  { env, progress, signal }: Obtain,
): Promise<string> {
  await runTool(go, ['install', module], {
    env: { ...env, GOBIN: folder },
    doing: 'building the Temporal dev server with Go (the first build takes about 3 minutes)',
    ...{ progress, signal },
  });
  return join(folder, module.split('/').at(-1)!.split('@')[0]!);
}
