import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { freePort, lastLines, requireFreePort, startServer, stopOrphan } from './process.js';

const READY_MS = 60_000;

const DYNAMIC_CONFIG = [
  'system.enableActivityEagerExecution=true',
  'matching.enableFairness=true',
  'matching.useNewMatcher=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  'frontend.namespaceRPS=20000',
  'history.rps=20000',
  'matching.rps=20000',
  'history.persistenceMaxQPS=20000',
  'matching.persistenceMaxQPS=20000',
  'frontend.persistenceMaxQPS=20000',
];
// Postgres holds the contract; what a power cut takes here, the sweep starts again.
const SQLITE = ['journal_mode=wal', 'synchronous=normal'];

export interface EmbeddedTemporal {
  address: string;
  uiUrl: string | null;
  pid: number;
  stop(): Promise<void>;
}

/** The Temporal dev server with its state in `dir`, or in memory with its log there. */
export async function startTemporal(options: {
  binary: string;
  dir: string;
  inMemory?: boolean;
  /** Null: no Web UI. */
  uiPort: number | null;
}): Promise<EmbeddedTemporal> {
  const { binary, dir, uiPort, inMemory = false } = options;
  await mkdir(dir, { recursive: true });
  const logFile = join(dir, 'temporal.log');
  const pidFile = join(dir, 'temporal.pid');
  await stopOrphan(pidFile);
  if (uiPort !== null) await requireFreePort(uiPort, '127.0.0.1', 'TEMPORAL_UI_PORT');
  const port = await freePort();
  const address = `127.0.0.1:${port}`;
  const server = await startServer({
    command: binary,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
      ...(inMemory ? [] : ['--db-filename', join(dir, 'temporal.db')]),
      ...(inMemory ? [] : SQLITE.flatMap((pragma) => ['--sqlite-pragma', pragma])),
      ...DYNAMIC_CONFIG.flatMap((value) => ['--dynamic-config-value', value]),
    ],
    logFile,
    pidFile,
    lastSignal: 'SIGKILL',
  });
  try {
    await ready(address, server.exited);
  } catch (error) {
    await server.stop();
    throw new Error(`The Temporal dev server did not start: ${await lastLines(logFile)}`, { cause: error });
  }
  return {
    address,
    uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    pid: server.pid,
    stop: () => server.stop(),
  };
}

/** Until the namespace answers, which is later than the port. */
async function ready(address: string, exited: Promise<void>): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  const deadline = Date.now() + READY_MS;
  for (;;) {
    try {
      const connection = await Connection.connect({ address, connectTimeout: 2_000 });
      try {
        await connection.workflowService.describeNamespace({ namespace: 'default' });
        return;
      } finally {
        await connection.close();
      }
    } catch (error) {
      if (gone || Date.now() > deadline) throw error;
      await sleep(100);
    }
  }
}
