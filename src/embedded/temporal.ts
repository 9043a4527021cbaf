import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { freePort, isListening, requireFreePort } from './ports.js';
import { lastLines, lowerPriority, startServer, stopOrphan } from './process.js';
import { serverVersion } from './temporal-version.js';
import { guardUi, hiddenAddress, type UiGuard } from './ui-guard.js';

const READY_MS = 60_000;
/** The dev server's default of one day would let a workflow id be reused while its idempotency key is still valid. */
const RETENTION_DAYS = 7;

const DYNAMIC_CONFIG = [
  'system.enableActivityEagerExecution=true',
  'matching.enableFairness=true',
  'matching.useNewMatcher=true',
  'matching.numTaskqueueReadPartitions=1',
  'matching.numTaskqueueWritePartitions=1',
  // Once a second: visibility then stores a workflow that has ended by then once, not also at start and first task.
  'history.visibilityProcessorMaxPollRPS=1',
  'history.visibilityTaskBatchSize=1000',
  'frontend.namespaceRPS=20000',
  'history.rps=20000',
  'matching.rps=20000',
  'history.persistenceMaxQPS=20000',
  'matching.persistenceMaxQPS=20000',
  'frontend.persistenceMaxQPS=20000',
  // The HTTP API accepts text/plain from any page in a browser and cannot be turned off: allow it no host.
  'frontend.httpAllowedHosts=[]',
];
// Postgres holds every delivery: the reconciler starts workflows again that a power cut lost here.
const SQLITE = ['journal_mode=wal', 'synchronous=normal'];

export interface EmbeddedTemporal {
  address: string;
  port: number;
  uiUrl: string | null;
  pid: number;
  /** Settles when the process has ended. */
  exited: Promise<void>;
  stop(): Promise<void>;
}

/** Starts the Temporal dev server with its state in `dir`; with `inMemory`, only its log and pid file are there. */
export async function startTemporal(options: {
  binary: string;
  dir: string;
  inMemory?: boolean;
  /** Null: no Web UI; 0: any free port. */
  uiPort: number | null;
  port?: number;
  /** Further dynamic config, `key=value`. */
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
  const ui = { host: hiddenAddress(), port: await freePort() };
  const server = await startServer({
    command: binary,
    args: [
      ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
      ...(uiPort === null ? ['--headless'] : ['--ui-ip', ui.host, '--ui-port', String(ui.port)]),
      ...(inMemory ? [] : ['--db-filename', await databaseFile(dir, binary)]),
      ...(inMemory ? [] : SQLITE.flatMap((pragma) => ['--sqlite-pragma', pragma])),
      ...[...DYNAMIC_CONFIG, ...settings].flatMap((value) => ['--dynamic-config-value', value]),
    ],
    logFile,
    pidFile,
    lastSignal: 'SIGKILL',
  });
  let guard: UiGuard | null = null;
  try {
    await ready(port, server.exited);
    lowerPriority(server.pid);
    if (uiPort !== null) guard = await guardUi(uiPort, ui);
  } catch (error) {
    await server.stop();
    throw new Error(`The Temporal dev server did not start:\n${await lastLines(logFile)}`, { cause: error });
  }
  return {
    address,
    port,
    uiUrl: uiPort === null ? null : `http://127.0.0.1:${uiPort}`,
    pid: server.pid,
    exited: server.exited.then(() => guard?.close()),
    async stop() {
      await guard?.close();
      await server.stop();
    },
  };
}

/** One file for each server version: a server does not migrate the file of another version. */
async function databaseFile(dir: string, binary: string): Promise<string> {
  const version = await serverVersion(binary);
  return join(dir, version === null ? 'temporal.db' : `temporal-${version}.db`);
}

/** Waits until the namespace can be changed, which is later than the port answers. */
async function ready(port: number, exited: Promise<void>): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  const deadline = Date.now() + READY_MS;
  while (!gone) {
    try {
      // A refused gRPC channel waits 1 s before it tries again; a plain socket fails at once.
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
