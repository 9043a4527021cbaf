import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { isListening } from '../../src/embedded/ports.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { startCountingReceiver, type CountingReceiver } from './counting-receiver.js';
import { createClusterProcess, type ClusterProcess } from './cluster-process.js';
import { launchNode } from './node-process.js';
import { killTree } from './process-tree.js';
import { copyProduct } from './product-copy.js';
import { startProxy, type Proxy } from './proxy.js';

const ADMIN_KEY = 'fault-test-admin-key-of-enough-length';
const PAIRS = [
  'sender→api',
  'api→postgres',
  'worker→postgres',
  'api→temporal',
  'worker→temporal',
  '→receiver',
] as const;

/** An installation of the product, as a load and its verdict need it. */
export type Product = Pick<Cluster, 'call' | 'query' | 'receiver'>;

/** The product as separate processes, each of which can be killed, stopped and started again on its own port. */
export interface Cluster {
  /** Accepts events and makes their first attempts. */
  api: ClusterProcess;
  /** Run the workflows, and with them most retries. */
  workers: [ClusterProcess, ClusterProcess];
  temporal: ClusterProcess;
  postgres: ClusterProcess;
  processes: ClusterProcess[];
  proxies: Record<(typeof PAIRS)[number], Proxy>;
  receiver: CountingReceiver;
  temporalAddress: string;
  /** The file that pauses the API and the workers. */
  pauseFile: string;
  /** Deletes the database of Temporal, which must be away. */
  forget(): Promise<void>;
  /** The log file of a process. */
  logOf(process: ClusterProcess): string;
  call(
    method: string,
    path: string,
    body?: unknown,
    timeoutMs?: number,
  ): Promise<{ status: number; body: unknown }>;
  /** The URL of Postgres, past the proxies. */
  databaseUrl(): string;
  /** Asks Postgres, past the proxies. */
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Kills all processes and removes their files; `keep` leaves the files for a person. */
  end(keep?: boolean): Promise<void>;
}

export async function startCluster(): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-faults-'));
  await chmod(dir, 0o711);
  const release: (() => Promise<unknown>)[] = [];
  const end = async (keep = false) => {
    for (const step of release.splice(0).reverse()) await step();
    if (keep) console.log(`logs and data of the cluster: ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  };
  try {
    return await start(dir, release, end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function start(
  dir: string,
  release: (() => Promise<unknown>)[],
  end: Cluster['end'],
): Promise<Cluster> {
  const receiver = await startCountingReceiver();
  release.push(() => receiver.close());
  const [postgresPort, temporalPort, apiPort] = [await lowPort(), await lowPort(), await lowPort()];
  const targets = [apiPort, postgresPort, postgresPort, temporalPort, temporalPort, receiver.port];
  const started = await Promise.all(targets.map(async (target) => startProxy(await lowPort(), target)));
  release.push(() => Promise.all(started.map((proxy) => proxy.refuse())));
  const proxies = Object.fromEntries(PAIRS.map((pair, i) => [pair, started[i]])) as Cluster['proxies'];

  let databaseUrl = '';
  let product = '';
  const dataDir = join(dir, 'data');
  await mkdir(dataDir);
  const binary = await findTemporal({ progress: console.log, env: process.env });
  const postgres = createClusterProcess(
    'postgres',
    async () => {
      const options = { dir: join(dir, 'postgres'), port: postgresPort, settings: ['fsync=off'] };
      const server = await startPostgres(options);
      databaseUrl = server.url;
      return server;
    },
    [proxies['api→postgres'], proxies['worker→postgres']],
  );
  const temporal = createClusterProcess(
    'temporal',
    () => startTemporal({ binary, dir: join(dir, 'temporal'), port: temporalPort, uiPort: null }),
    [proxies['api→temporal'], proxies['worker→temporal']],
  );
  const through = (url: string, proxy: Proxy) => {
    const changed = new URL(url);
    changed.port = String(proxy.port);
    return changed.toString();
  };
  const launch = (name: string, role: 'api' | 'worker') => () =>
    launchNode(
      product,
      `dist/src/${role}.js`,
      {
        PORT: String(apiPort),
        DATABASE_URL: through(databaseUrl, proxies[`${role}→postgres`]),
        TEMPORAL_ADDRESS: `127.0.0.1:${proxies[`${role}→temporal`].port}`,
        SUREHOOK_ADMIN_KEY: ADMIN_KEY,
        SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(32, 3).toString('base64'),
        SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
        // 5 s, 15 s, 45 s … become 0.25 s, 0.75 s, 2.25 s …
        SUREHOOK_RETRY_SCALE: '0.05',
        DATA_DIR: dataDir,
      },
      join(dir, `${name}.log`),
    );
  const api = createClusterProcess('api', launch('api', 'api'), [proxies['sender→api']]);
  const workers: Cluster['workers'] = [
    createClusterProcess('worker-1', launch('worker-1', 'worker')),
    createClusterProcess('worker-2', launch('worker-2', 'worker')),
  ];
  const processes = [postgres, temporal, api, ...workers];
  release.push(() => Promise.all(processes.map((one) => one.kill())));
  // A test run that is broken off must leave no process.
  const atExit = () => processes.forEach((one) => one.pid() !== null && killTree(one.pid()!));
  process.once('exit', atExit);
  release.push(async () => process.off('exit', atExit));
  const apiUrl = `http://127.0.0.1:${proxies['sender→api'].port}`;
  const cluster: Cluster = {
    ...{ api, workers, temporal, postgres, processes, proxies, receiver, end },
    temporalAddress: `127.0.0.1:${temporalPort}`,
    pauseFile: join(dataDir, 'PAUSE'),
    async forget() {
      for (const name of await readdir(join(dir, 'temporal'))) {
        if (name.startsWith('temporal-')) await rm(join(dir, 'temporal', name));
      }
    },
    logOf: ({ name }) => join(dir, ...(['postgres', 'temporal'].includes(name) ? [name] : []), `${name}.log`),
    async call(method, path, body, timeoutMs = 10_000) {
      const response = await fetch(apiUrl + path, {
        method,
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, body: await response.json() };
    },
    databaseUrl: () => databaseUrl,
    query: async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
      (await pool.query<T>(sql, values)).rows,
  };
  const copied = copyProduct(dir).then((copy) => void (product = copy));
  await all([copied, ...[postgres, temporal].map((one) => one.start())]);
  await all([api, ...workers].map((one) => one.start()));
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, connectionTimeoutMillis: 30_000 });
  pool.on('error', () => {});
  release.push(() => pool.end());
  const url = `http://127.0.0.1:${proxies['→receiver'].port}/hook`;
  const endpoint = await cluster.call('POST', '/v1/endpoints', { url, event_types: ['*'] });
  if (endpoint.status !== 201) throw new Error(JSON.stringify(endpoint.body));
  return cluster;
}

/** Waits for all of them also if one fails: none may begin to run after the end. */
async function all(starts: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/**
 * A port below those the system gives to outgoing connections. One of these could take the port of a server that is away,
 * and a client that tries such a port long enough is connected to itself.
 */
async function lowPort(): Promise<number> {
  // A port of a server that was killed looks free to the tests that run at the same time.
  const share = Number(process.env.VITEST_POOL_ID ?? 0) % 4;
  for (;;) {
    const port = 15_000 + Math.floor((share + Math.random()) * 4_000);
    if (!(await isListening(port))) return port;
  }
}
