import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTime } from '../../src/embedded/process-identity.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { runningWith } from '../support/processes.js';

let dir: string;
let binary: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-temporal-'));
  binary = await findTemporal({ progress: console.log, env: process.env });
});
afterAll(async () => {
  expect(runningWith(dir)).toEqual([]);
  await rm(dir, { recursive: true, force: true });
});

async function withClient<T>(address: string, use: (client: Client) => Promise<T>): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection }));
  } finally {
    await connection.close();
  }
}

describe('the embedded Temporal', () => {
  it('keeps its workflows through stop and start, for longer than an idempotency key stands', async () => {
    const options = { binary, dir: join(dir, 'kept'), uiPort: null };
    const first = await startTemporal(options);
    await withClient(first.address, (client) =>
      client.workflow.start('waiting', { workflowId: 'kept', taskQueue: 'nobody' }),
    );
    await first.stop();
    expect(startTime(first.pid)).toBeNull();

    const second = await startTemporal(options);
    await withClient(second.address, async (client) => {
      expect((await client.workflow.getHandle('kept').describe()).status.name).toBe('RUNNING');
      const { config } = await client.workflowService.describeNamespace({ namespace: 'default' });
      expect(Number(config?.workflowExecutionRetentionTtl?.seconds)).toBe(7 * 86_400);
    });
    await second.stop();
  });

  it('shows its Web UI where asked', async () => {
    const temporal = await startTemporal({ binary, dir: join(dir, 'ui'), inMemory: true, uiPort: 0 });
    expect(temporal.uiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect.poll(async () => (await fetch(temporal.uiUrl!)).status, { timeout: 10_000 }).toBe(200);
    await temporal.stop();
  });

  it('names the variable where the port of the Web UI is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    const { port } = taken.address() as AddressInfo;
    await expect(startTemporal({ binary, dir: join(dir, 'taken'), uiPort: port })).rejects.toThrow(
      `Port ${port} on 127.0.0.1 is in use; stop what listens there or set TEMPORAL_UI_PORT.`,
    );
    taken.close();
  });

  it.each([
    ['the disk is full'],
    ['the disk is full\npanic: no port', '', 'goroutine 1 [running]:', 'main.main()', '\t/main.go:18 +0x96'],
  ])('says with its last lines why it ended before it was ready: %j', async (said, ...trace) => {
    const stub = join(dir, 'stub');
    await writeFile(stub, `#!/bin/sh\ncat << 'end'\n${[said, ...trace].join('\n')}\nend\nexit 1\n`);
    await chmod(stub, 0o755);
    await expect(startTemporal({ binary: stub, dir: join(dir, 'stubbed'), uiPort: null })).rejects.toThrow(
      new Error(`The Temporal dev server did not start:\n${said}`),
    );
    await rm(join(dir, 'stubbed'), { recursive: true });
  });
});
