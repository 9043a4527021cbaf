import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../src/embedded/ports.js';
import { startPostgres } from '../../src/embedded/postgres.js';
import { startTemporal } from '../../src/embedded/temporal.js';
import { findTemporal } from '../../src/embedded/temporal-binary.js';
import { startProxy as startTcpProxy, type Proxy } from '../faults/proxy.js';
import type { Canary, Trace } from './canaries.js';
import { startEchoReceivers, type EchoReceiver } from './echo-receiver.js';
import { eventually } from './eventually.js';
import { plant, type Wallet } from './planted.js';
import { startProxy, type ProxyServer } from './proxy-server.js';
import { runNode, type ProcessRun } from './run-process.js';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  body: T;
}

/** The parts of a run, and all that came out of them so far. */
export interface CanaryRun {
  wallet: Wallet;
  receivers: EchoReceiver;
  proxy: ProxyServer;
  /** Between the processes and Postgres. */
  postgresLink: Proxy;
  databaseUrl: string;
  temporalAddress: string;
  dir: string;
  url: string;
  canaries: Canary[];
  answers: Trace[];
  /** `env` besides what every process of the run has. */
  start(name: string, file: string, env?: Record<string, string>, args?: string[]): ProcessRun;
  call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  /** The output of the processes so far. */
  output(): Trace[];
  stop(): Promise<void>;
}

/** Starts a Postgres, a Temporal server, receivers and proxies of the run's own, with every canary in its place. */
export async function startCanaryRun(): Promise<CanaryRun> {
  const release: (() => Promise<unknown>)[] = [];
  const dir = await mkdtemp(join(tmpdir(), 'surehook-canaries-'));
  release.push(() => rm(dir, { recursive: true, force: true }));
  await chmod(dir, 0o711);
  const binary = await findTemporal({ progress: () => {}, env: process.env });
  const [postgres, temporal] = await Promise.all([
    startPostgres({ dir: join(dir, 'postgres'), settings: ['fsync=off'] }),
    startTemporal({ binary, dir: join(dir, 'temporal'), uiPort: null }),
  ]);
  release.push(
    () => postgres.stop(),
    () => temporal.stop(),
  );
  const wallet = await plant(postgres.url);
  const { planted } = wallet;
  const receivers = await startEchoReceivers(wallet);
  const proxy = await startProxy();
  const postgresLink = await startTcpProxy(await freePort(), postgres.port);
  release.push(
    () => receivers.http.close(),
    () => receivers.https.close(),
    () => proxy.close(),
  );
  release.push(() => postgresLink.refuse());

  const port = await freePort();
  const linked = new URL(postgres.url);
  linked.port = String(postgresLink.port);
  const env = {
    PORT: String(port),
    DATA_DIR: join(dir, 'data'),
    DATABASE_URL: linked.toString(),
    TEMPORAL_ADDRESS: temporal.address,
    SUREHOOK_ADMIN_KEY: planted.adminKey.text,
    SUREHOOK_ENCRYPTION_KEYS: planted.encryptionKeys[0].text,
    SUREHOOK_ALLOW_NETWORKS: '127.0.0.0/8,::1/128',
    SUREHOOK_RETRY_SCALE: '0.01',
    LOG_LEVEL: 'trace',
  };
  const runs: { name: string; run: ProcessRun }[] = [];
  release.push(async () => {
    for (const { run } of runs) if (run.child.exitCode === null) run.child.kill('SIGKILL');
  });
  const answers: Trace[] = [];
  const url = `http://127.0.0.1:${port}`;

  return {
    ...{ wallet, receivers, proxy, postgresLink, dir, url, answers },
    databaseUrl: postgres.url,
    temporalAddress: temporal.address,
    canaries: Object.values(planted).flat() as Canary[],
    start(name, file, over = {}, args = []) {
      const run = runNode(file, { ...env, ...over }, args);
      runs.push({ name, run });
      return run;
    },
    async call<T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
      const response = await fetch(url + path, {
        method,
        headers: { authorization: `Bearer ${planted.adminKey.text}`, ...headers },
        redirect: 'manual',
        ...(body === undefined
          ? {}
          : { body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const content = /json/.test(response.headers.get('content-type') ?? '')
        ? (JSON.parse(text) as T)
        : text;
      const route = path.split('?')[0]!.replace(/(evt|del|ep|bat|pos)_[0-9a-f]{32}/g, ':id');
      answers.push({ place: `${response.status} ${method} ${route}`, content });
      answers.push({ place: `headers of ${method} ${route}`, content: [...response.headers] });
      return { status: response.status, body: content as T };
    },
    output: () =>
      runs.flatMap(({ name, run }) => [
        { place: `stdout of ${name}`, content: run.out.split('\n') },
        { place: `stderr of ${name}`, content: run.err.split('\n') },
      ]),
    async stop() {
      for (const step of release.splice(0).reverse()) await step();
    },
  };
}

/** Ends processes in order, and fails where one does not end so. */
export async function stopProcesses(runs: ProcessRun[]): Promise<void> {
  for (const { child } of runs) child.kill('SIGTERM');
  for (const { exit, err } of runs) if ((await exit)[0] !== 0) throw new Error(err.slice(-2_000));
}

export async function isReady(run: CanaryRun): Promise<void> {
  const ready = async () => {
    const answer = await fetch(`${run.url}/readyz`).catch(() => null);
    return answer?.ok && ((await answer.json()) as { status: string }).status === 'ok';
  };
  await eventually(ready, 30_000).catch((cause: unknown) => {
    const printed = run.output().map(({ place, content }) => `${place}: ${String(content).slice(-1_000)}`);
    throw new Error(printed.join('\n'), { cause });
  });
}
