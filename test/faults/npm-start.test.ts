import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { freePort } from '../../src/embedded/ports.js';
import { commandLine, isSameProcess } from '../../src/embedded/process-identity.js';
import { startCountingReceiver, type CountingReceiver } from './counting-receiver.js';
import type { Product } from './cluster.js';
import { startLoad, type Sent } from './load.js';
import { descendants, killTree } from './process-tree.js';
import { inWords } from './run-fault.js';
import { judge } from './verdict.js';
import { until } from './wait.js';

/** One installation of `npm start`: all of its processes are killed, one after the other, under load. */
const READY_MS = 240_000;
const KEY = 'fault-test-admin-key-of-enough-length';

let dir: string;
let port: number;
let receiver: CountingReceiver;
let root: number;
let out = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'surehook-npm-start-'));
  await chmod(dir, 0o711);
  receiver = await startCountingReceiver();
  port = await freePort();
  await launch();
}, READY_MS);
afterAll(async () => {
  if (root && isSameProcess(root, null)) killTree(root);
  await receiver?.close();
  await rm(dir, { recursive: true, force: true });
});

async function launch(): Promise<void> {
  out = '';
  const child = spawn('npm', ['start', '--', '--processes', '2'], {
    detached: true,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATA_DIR: join(dir, 'data'),
      PORT: String(port),
      TEMPORAL_UI_PORT: String(await freePort()),
      SUREHOOK_ADMIN_KEY: KEY,
      SUREHOOK_RETRY_SCALE: '0.05',
    },
  });
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk));
  await once(child, 'spawn');
  root = child.pid!;
  if (!(await until(async () => /ready on/.test(out), READY_MS)))
    throw new Error(`It did not start:\n${out}`);
}

const processOf = (file: string) =>
  descendants(root).filter((pid) => commandLine(pid)?.includes(`dist/src/${file}.js`));
const primary = () => processOf('main').at(-1)!;
const children = () => processOf('bootstrap/cluster-child');
const server = (name: RegExp) =>
  descendants(primary()).find((pid) => name.test(commandLine(pid)?.split(/\s/)[0] ?? ''))!;
const postgres = () => server(/\/postgres$/);
const temporal = () => server(/temporal/);

const call: Product['call'] = async (method, path, body, timeoutMs = 10_000) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    headers: { authorization: `Bearer ${KEY}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(timeoutMs),
  });
  return { status: response.status, body: await response.json() };
};

/** On a connection of its own: Postgres is one of those that are killed, and its port may change. */
async function query<T extends pg.QueryResultRow>(sql: string, values: unknown[] = []): Promise<T[]> {
  const password = (await readFile(join(dir, 'data', 'postgres', 'password'), 'utf8')).trim();
  const [, databasePort] = /-p (\d+)/.exec(commandLine(postgres()) ?? '') ?? [];
  const client = new pg.Client(`postgres://surehook:${password}@127.0.0.1:${databasePort}/surehook`);
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<T>(sql, values)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

const now = async () => (await query<{ now: Date }>('select now()'))[0]!.now;
const accepted = async (sent: Sent[]) => sent.filter(({ eventId }) => eventId !== undefined).length;

test(
  'every process of npm start is killed, one after the other: nothing is lost',
  async () => {
    const url = `http://127.0.0.1:${receiver.port}/hook`;
    expect((await call('POST', '/v1/endpoints', { url, event_types: ['*'] })).status).toBe(201);
    const load = startLoad({ call }, 'npm', 10);
    try {
      await load.next(10, READY_MS, accepted);
      const struckAt = await now();
      const [first, second] = children();
      for (const victim of [first!, second!, postgres(), temporal()]) {
        const backs = out.split('is back').length;
        process.kill(victim, 'SIGKILL');
        const isBack = async () => out.split('is back').length > backs;
        expect(await until(isBack, READY_MS)).toBe(true);
        await load.next(10, READY_MS, accepted);
      }
      // All end with their first process; the servers it left are ended by the next start.
      const left = [...children(), postgres(), temporal()];
      process.kill(primary(), 'SIGKILL');
      await until(async () => !isSameProcess(root, null), READY_MS);
      await launch();
      expect(left.filter((pid) => isSameProcess(pid, null))).toEqual([]);
      const endedAt = await now();
      await load.next(10, READY_MS, accepted);
      expect(await load.stop(READY_MS)).toBe(true);
      const judged = {
        load,
        prefix: 'npm',
        claims: [],
        struckAt,
        endedAt,
        requestsPerAttempt: 1,
        hurry: true,
      };
      const verdict = await judge({ call, query, receiver }, { ...judged, ms: READY_MS });
      console.log(`fault: kill -9 of each process of npm start: ${inWords(verdict)}`);
      expect(verdict.problems).toEqual([]);
      expect(verdict.lost).toBe(0);
    } finally {
      await load.stop(0);
    }
  },
  4 * READY_MS,
);
