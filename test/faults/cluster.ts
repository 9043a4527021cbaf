import { chmod, mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { isListening } from '../../src/embedded/ports.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { startCountingReceiver, type CountingReceiver } from './counting-receiver.js';
import { launchNode } from './node-process.js';
import { createPart, type Part } from './part.js';
import { killTree } from './process-tree.js';
import { startProxy, type Proxy } from './proxy.js';

export type Lane = 'auto' | 'workflow' | 'direct';

const ADMIN_KEY = 'fault-test-admin-key-of-enough-length';
const PAIRS = [
  'sender→api',
  'api→postgres',
  'worker→postgres',
  'api→temporal',
  'worker→temporal',
  'worker→receiver',
] as const;

/** The product as separate processes, each of which can be killed, stopped and started again on its own port. */
export interface Cluster {
  api: Part;
  workers: [Part, Part];
  temporal: Part;
  postgres: Part;
  parts: Part[];
  proxies: Record<(typeof PAIRS)[number], Proxy>;
  receiver: CountingReceiver;
  temporalAddress: string;
  /** Who makes first attempts, from the next start of the API on. */
  lane: Lane;
  /** The file that pauses the API and the workers. */
  pauseFile: string;
  /** Takes from Temporal, while it is away, all it knows. */
  forget(): Promise<void>;
  /** Where a part logs. */
  logOf(part: Part): string;
  call(
    method: string,
    path: string,
    body?: unknown,
    timeoutMs?: number,
  ): Promise<{ status: number; body: unknown }>;
  /** On Postgres, past the proxies. */
  query<T extends pg.QueryResultRow>(sql: string, values?: unknown[]): Promise<T[]>;
  /** Kills all that is left and removes what it wrote; `keep` leaves the files for a person. */
  end(keep?: boolean): Promise<void>;
}

export async function startCluster(lane: Lane = 'auto'): Promise<Cluster> {
  const dir = await mkdtemp(join(tmpdir(), 'surehook-faults-'));
  await chmod(dir, 0o711);
  const release: (() => Promise<unknown>)[] = [];
  const end = async (keep = false) => {
    for (const step of release.splice(0).reverse()) await step();
    if (keep) console.log(`logs and data of the cluster: ${dir}`);
    else await rm(dir, { recursive: true, force: true });
  };
  try {
    return await start(dir, lane, release, end);
  } catch (error) {
    await end();
    throw error;
  }
}

async function start(
  dir: string,
  lane: Lane,
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
  const dataDir = join(dir, 'data');
  await mkdir(dataDir);
  const binary = await findTemporal({ progress: console.log, env: process.env });
  const postgres = createPart(
    'postgres',
    async () => {
      const options = { dir: join(dir, 'postgres'), port: postgresPort, settings: ['fsync=off'] };
      const server = await startPostgres(options);
      databaseUrl = server.url;
      return server;
    },
    [proxies['api→postgres'], proxies['worker→postgres']],
  );
  const temporal = createPart(
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
      `src/${role}.ts`,
      {
        PORT: String(apiPort),
        DATABASE_URL: through(databaseUrl, proxies[`${role}→postgres`]),
        TEMPORAL_ADDRESS: `127.0.0.1:${proxies[`${role}→temporal`].port}`,
        SUREHOOK_ADMIN_KEY: ADMIN_KEY,
        SUREHOOK_ENCRYPTION_KEY: Buffer.alloc(32, 3).toString('base64'),
        SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8',
        // 5 s, 15 s, 45 s … become 1 s, 3 s, 9 s …
        SUREHOOK_RETRY_SCALE: '0.2',
        SUREHOOK_LANE: cluster.lane,
        DATA_DIR: dataDir,
      },
      join(dir, `${name}.log`),
    );
  const api = createPart('api', launch('api', 'api'), [proxies['sender→api']]);
  const workers: Cluster['workers'] = [
    createPart('worker-1', launch('worker-1', 'worker')),
    createPart('worker-2', launch('worker-2', 'worker')),
  ];
  const parts = [postgres, temporal, api, ...workers];
  release.push(() => Promise.all(parts.map((part) => part.kill())));
  // Where a run is broken off, so are they.
  const atExit = () => parts.forEach((part) => part.pid() !== null && killTree(part.pid()!));
  process.once('exit', atExit);
  release.push(async () => process.off('exit', atExit));
  const apiUrl = `http://127.0.0.1:${proxies['sender→api'].port}`;
  const cluster: Cluster = {
    ...{ api, workers, temporal, postgres, parts, proxies, receiver, lane, end },
    temporalAddress: `127.0.0.1:${temporalPort}`,
    pauseFile: join(dataDir, 'PAUSE'),
    async forget() {
      for (const name of await readdir(join(dir, 'temporal'))) {
        if (name.startsWith('temporal-')) await rm(join(dir, 'temporal', name));
      }
    },
    logOf: (part) =>
      join(dir, ...(['postgres', 'temporal'].includes(part.name) ? [part.name] : []), `${part.name}.log`),
    async call(method, path, body, timeoutMs = 10_000) {
      const response = await fetch(apiUrl + path, {
        method,
        headers: { authorization: `Bearer ${ADMIN_KEY}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(timeoutMs),
      });
      return { status: response.status, body: await response.json() };
    },
    query: async <T extends pg.QueryResultRow>(sql: string, values: unknown[] = []) =>
      (await pool.query<T>(sql, values)).rows,
  };
  await all([postgres, temporal].map((part) => part.start()));
  await all([api, ...workers].map((part) => part.start()));
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2, connectionTimeoutMillis: 2_000 });
  pool.on('error', () => {});
  release.push(() => pool.end());
  const url = `http://127.0.0.1:${proxies['worker→receiver'].port}/hook`;
  const endpoint = await cluster.call('POST', '/v1/endpoints', { url, event_types: ['*'] });
  if (endpoint.status !== 201) throw new Error(JSON.stringify(endpoint.body));
  return cluster;
}

export async function changeLane(cluster: Cluster, lane: Lane): Promise<void> {
  if (cluster.lane === lane) return;
  cluster.lane = lane;
  await cluster.api.stop();
  await cluster.api.start();
}

/** Waits for all of them also where one fails: none may begin to run when everything has ended. */
async function all(starts: Promise<void>[]): Promise<void> {
  for (const result of await Promise.allSettled(starts)) {
    if (result.status === 'rejected') throw result.reason;
  }
}

/**
 * A port below those the system gives to outgoing connections: one of these could take a port whose server is away, and
 * whoever knocks at such a port long enough is connected to himself.
 */
async function lowPort(): Promise<number> {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    if (!(await isListening(port))) return port;
  }
}
