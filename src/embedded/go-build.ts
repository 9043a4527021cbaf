import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const PROGRESS_MS = 5_000;

/** Builds a Go program from its module into `folder`, telling every few seconds that it is still at it. */
export async function buildWithGo(
  go: string,
  module: string,
  folder: string,
  env: NodeJS.ProcessEnv,
  progress: (line: string) => void,
): Promise<string> {
  const began = Date.now();
  const seconds = () => Math.round((Date.now() - began) / 1000);
  const tell = () =>
    progress(
      `building the Temporal dev server with Go (the first build takes about 3 minutes) … ${seconds()} s`,
    );
  tell();
  const timer = setInterval(tell, PROGRESS_MS);
  try {
    const child = spawn(go, ['install', module], {
      env: { ...env, GOBIN: folder },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors = (errors + text).slice(-2_000)));
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new Error(errors.trim().split('\n').at(-1) || `ended with ${code}`);
  } finally {
    clearInterval(timer);
  }
  return join(folder, module.split('/').at(-1)!.split('@')[0]!);
}
