import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { freePort, isListening, requireFreePort } from './ports.js';
import { lastLines, startServer, stopOrphan } from './process.js';

const READY_MS = 60_000;
/** The dev server's own day would let a workflow id be used again while its idempotency key still stands. */
const RETENTION_DAYS = 7;

const DYNAMIC_CONFIG = [
  'system.enableActivityEagerExecution=true',
  'matching.enableFairness=true',
  'matching.useNewMatcher=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  // Once a second: a workflow that has ended by then is written there once, not also at its start and first task.
  'history.visibilityProcessorMaxPollRPS=1',
  'history.visibilityTaskBatchSize=1000',
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
  port: number;
  uiUrl: string | null;
  pid: number;
  /** Settles when it is gone. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/** The Temporal dev server with its state in `dir`, or in memory with its log there. */
export async function startTemporal(options: {
  binary: string;
  dir: string;
  inMemory?: boolean;
  /** Null: no Web UI; 0: any free port. */
  uiPort: number | null;
  port?: number;
  /** More of its dynamic config. */
  settings?: string[];
}): Promise<EmbeddedTemporal> {
  const { binary, dir, inMemory = false, settings = [] } = options;
  const uiPort = options.uiPort === 0 ? await freePort() : options.uiPort;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const logFile = join(dir, 'temporal.log');
  const pidFile = join(dir, 'temporal.pid');
  await stopOrphan(pidFile, 'SIGKILL');
  if (uiPort !== null) await requireFreePort(uiPort, '127.0.0.1', 'TEMPORAL_UI_PORT');
  const port = options.port ?? (await freePort());
  const address = `127.0.0.1:${port}`;
  const server = await startServer({
    command: binary,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...(uiPort === null ? ['--headless'] : ['--ui-port', String(uiPort)]),
      ...(inMemory ? [] : ['--db-filename', join(dir, 'temporal.db')]),
      ...(inMemory ? [] : SQLITE.flatMap((pragma) => ['--sqlite-pragma', pragma])),
      ...[...DYNAMIC_CONFIG, ...settings].flatMap((value) => ['--dynamic-config-value', value]),
    ],
    logFile,
    pidFile,
    lastSignal: 'SIGKILL',
  });
  try {
    await ready(port, server.exited);
  } catch (error) {
    await server.stop();
    throw new Error(`The Temporal dev server did not start:\n${await lastLines(logFile)}`, { cause: error });
  }
  return {
    address,
    port,
    uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    pid: server.pid,
    exited: server.exited,
    stop: () => server.stop(),
  };
}

/** Until the namespace can be changed, which is later than the port answers. */
async function ready(port: number, exited: Promise<void>): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  const deadline = Date.now() + READY_MS;
  while (!gone) {
    try {
      // A gRPC channel that finds nobody waits a second before it tries again; a socket knows at once.
      if (await isListening(port)) return await setRetention(`127.0.0.1:${port}`);
      if (Date.now() > deadline) throw new Error('It does not listen.');
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await sleep(50);
  }
  throw new Error('It ended before it was ready.');
}

async function setRetention(address: string): Promise<void> {
  const connection = await Connection.connect({ address, connectTimeout: 2_000 });
  try {
    const config = { workflowExecutionRetentionTtl: msToTs(RETENTION_DAYS * 86_400_000) };
    await connection.withDeadline(Date.now() + 5_000, () =>
      connection.workflowService.updateNamespace({ namespace: 'default', config }),
    );
  } finally {
    await connection.close();
  }
}
