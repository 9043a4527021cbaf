import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';

/** A new Temporal server, which has seen no worker: one that was killed counts as a poller for five minutes. */
export async function startOwnTemporal(): Promise<{ address: string; stop: () => Promise<void> }> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-own-temporal-'));
  const binary = await findTemporal({ progress: () => {}, env: process.env });
  const { address, stop } = await startTemporal({ binary, dir, inMemory: true, uiPort: null });
  return {
    address,
    async stop() {
      await stop();
      await rm(dir, { recursive: true });
    },
  };
}
