import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTime } from '../../src/embedded/process-identity.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { serverVersion } from '../../src/embedded/temporal-version.js';
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

/** A wrapper of the binary that reports another version. */
async function oddVersion(): Promise<string> {
  const file = join(dir, 'odd-version');
  const script = `[ "$1" = --version ] && echo 'temporal version 1.8.9 (Server 1.31.9, UI 1.0.0)' || exec ${binary} "$@"`;
  await writeFile(file, `#!/bin/sh\n${script}\n`);
  await chmod(file, 0o755);
  return file;
}

/** A request as a local program or a page in a browser makes it; with a body it is a POST. */
async function get(port: number, path: string, headers: Record<string, string>, body?: string) {
  const method = body === undefined ? 'GET' : 'POST';
  const sent = request({ host: '127.0.0.1', port, path, method, headers, timeout: 2_000 }).end(body);
  sent.on('timeout', () => sent.destroy(new Error('no answer')));
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  return { status: answer.statusCode, body: (await answer.toArray()).join('') };
}

/** Ports on which a process listens, from Linux's /proc. */
function listeningPorts(pid: number): number[] {
  const sockets = readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`));
  const lines = readFileSync('/proc/net/tcp', 'utf8').trim().split('\n').slice(1);
  const fields = lines.map((line) => line.trim().split(/\s+/));
  return fields
    .filter(([, , , state, , , , , , inode]) => state === '0A' && sockets.includes(`socket:[${inode}]`))
    .map(([, local]) => parseInt(local!.split(':')[1]!, 16));
}

describe('the embedded Temporal', () => {
  it('keeps its workflows across a restart, for longer than an idempotency key is valid', async () => {
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

  it('starts a new database file when the server version differs from the last one', async () => {
    const other = await oddVersion();
    const first = await startTemporal({ binary: other, dir: join(dir, 'moved'), uiPort: null });
    await withClient(first.address, (client) =>
      client.workflow.start('waiting', { workflowId: 'before', taskQueue: 'nobody' }),
    );
    await first.stop();

    const second = await startTemporal({ binary, dir: join(dir, 'moved'), uiPort: null });
    await withClient(second.address, async (client) => {
      await expect(client.workflow.getHandle('before').describe()).rejects.toThrow('not found');
    });
    await second.stop();
    const files = (await readdir(join(dir, 'moved'))).filter((name) => name.endsWith('.db')).sort();
    expect(files).toEqual(['temporal-1.31.9.db', `temporal-${await serverVersion(binary)}.db`].sort());
  }, 60_000);

  it('serves its Web UI on request, to this machine only', async () => {
    const temporal = await startTemporal({ binary, dir: join(dir, 'ui'), inMemory: true, uiPort: 0 });
    expect(temporal.uiUrl).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    await expect.poll(async () => (await fetch(temporal.uiUrl!)).status, { timeout: 10_000 }).toBe(200);
    const { port } = new URL(temporal.uiUrl!);
    const namespaces = (host: string) => get(Number(port), '/api/v1/namespaces', { host });
    // The Web UI retries its connection to the server by itself.
    await expect.poll(async () => (await namespaces('localhost')).status, { timeout: 30_000 }).toBe(200);
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`, 'LOCALHOST'])
      expect(await namespaces(host)).toMatchObject({
        status: 200,
        body: expect.stringContaining('"default"') as string,
      });
    // A page whose name resolves to 127.0.0.1 (DNS rebinding) sends that name.
    for (const host of [`evil.example:${port}`, 'localhost.evil.example', '127.0.0.1.evil.example'])
      expect(await namespaces(host)).toMatchObject({
        status: 403,
        body: expect.not.stringContaining('default') as string,
      });
    // Node refuses to send this header in a request without a body: passed on, it would end this process.
    const raw = connect(Number(port), '127.0.0.1');
    raw.write('GET / HTTP/1.1\r\nhost: localhost\r\ntrailer: x\r\nconnection: close\r\n\r\n');
    expect((await raw.toArray()).join('')).toMatch(/^HTTP\/1.1 200 /);
    await temporal.stop();
    await expect(fetch(temporal.uiUrl!)).rejects.toThrow('fetch failed');
  });

  it.skipIf(!existsSync('/proc/net/tcp'))('serves its HTTP API to nobody', async () => {
    const temporal = await startTemporal({ binary, dir: join(dir, 'http'), inMemory: true, uiPort: null });
    await withClient(temporal.address, (client) =>
      client.workflow.start('waiting', { workflowId: 'w', taskQueue: 'nobody' }),
    );
    // The server takes a random port for its HTTP API.
    const terminate = '/api/v1/namespaces/default/workflows/w/terminate';
    const answers = await Promise.all(
      listeningPorts(temporal.pid).flatMap((port) =>
        ['127.0.0.1', 'localhost', 'evil.example', ''].map((host) =>
          get(port, terminate, { host, 'content-type': 'text/plain' }, '{}').catch(() => null),
        ),
      ),
    );
    const statuses = answers.flatMap((answer) => answer?.status ?? []);
    expect(statuses).toContain(403);
    expect(statuses).not.toContain(200);
    await withClient(temporal.address, async (client) => {
      expect((await client.workflow.getHandle('w').describe()).status.name).toBe('RUNNING');
    });
    await temporal.stop();
  });

  it('names TEMPORAL_UI_PORT in its error when the port of the Web UI is in use', async () => {
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
  ])('reports its last output lines when it ends before it is ready: %j', async (said, ...trace) => {
    const stub = join(dir, 'stub');
    await writeFile(stub, `#!/bin/sh\ncat << 'end'\n${[said, ...trace].join('\n')}\nend\nexit 1\n`);
    await chmod(stub, 0o755);
    await expect(startTemporal({ binary: stub, dir: join(dir, 'stubbed'), uiPort: null })).rejects.toThrow(
      new Error(`The Temporal dev server did not start:\n${said}`),
    );
    await rm(join(dir, 'stubbed'), { recursive: true });
  });
});
