import { readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Obtain } from './obtain.js';
import { runTool } from './tool.js';

const NO_CONTACT_MS = 10_000;
const DOWNLOAD_MS = 300_000;

// The SDK's downloader also starts the server; we need only the file.
const SCRIPT = `
  const { TestWorkflowEnvironment } = require(process.argv[1]);
  const server = { executable: { type: 'cached-download', downloadDir: process.argv[2], version: process.argv[3] } };
  TestWorkflowEnvironment.createLocal({ server }).then(
    (got) => got.teardown(),
    (error) => { console.error(error.message.split('\\n')[0]); process.exit(1); },
  );`;

/**
 * Downloads the dev server into `folder` with the TypeScript SDK, in a separate process: that process can be ended if
 * the host never answers, and leaves our own Temporal runtime alone.
 */
export async function downloadWithSdk(
  folder: string,
  version: string,
  { env, progress, signal }: Obtain,
): Promise<string> {
  const testing = createRequire(import.meta.url).resolve('@temporalio/testing');
  const gaveUp = new AbortController();
  const giveUp = (why: string) => gaveUp.abort(new Error(why));
  const contact = setTimeout(() => {
    // The SDK opens the file once the host has answered.
    void readdir(folder).then((files) => files.length === 0 && giveUp('the host does not answer'));
  }, NO_CONTACT_MS);
  const deadline = setTimeout(() => giveUp('it takes too long'), DOWNLOAD_MS);
  try {
    await runTool(process.execPath, ['-e', SCRIPT, testing, folder, version], {
      ...{ env, progress },
      doing: 'downloading the Temporal dev server',
      signal: AbortSignal.any([signal, gaveUp.signal]),
    });
  } finally {
    clearTimeout(contact);
    clearTimeout(deadline);
  }
  const name = (await readdir(folder)).find((file) => file.startsWith('temporal'));
  if (!name) throw new Error('nothing was stored');
  return join(folder, name);
}
