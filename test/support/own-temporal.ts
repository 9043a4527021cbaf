import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';

export interface OwnTemporal {
  address: string;
  stop(): Promise<void>;
}

/**
 * A new Temporal server, which has seen no worker: one that was killed counts as a poller for five minutes. Files that
 * start processes need it for their workflows: all processes have the same task queue, and files run at the same time.
 */
export async function startOwnTemporal(): Promise<OwnTemporal> {
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
