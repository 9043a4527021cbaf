import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { freePort } from '../src/embedded/ports.js';

export const KEY = 'bench-admin-key-of-enough-length';
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TICKS_PER_SECOND = 100;

/** CPU seconds so far, and memory now in MiB (PSS: what is shared counts once), of each part of the embedded set. */
export interface Usage {
  cpu: Record<Part, number>;
  memory: Record<Part, number>;
}
type Part = 'node' | 'postgres' | 'temporal';

export interface Product {
  url: string;
  temporalAddress: string;
  /** Where its data is. */
  dir: string;
  readySeconds: number;
  call<T>(method: string, path: string, body?: unknown): Promise<T>;
  usage(): Usage;
  /** Freezes the embedded Temporal server until the end: it answers nothing any more. */
  freezeTemporal(): void;
  stop(): Promise<void>;
}

/** A script of ours in a process of its own, from its sources. */
export function script(
  file: string,
  args: string[] = [],
  env: Record<string, string> = {},
  log: 'inherit' | number = 'inherit',
): ChildProcess {
  const compiles = file.endsWith('.ts') ? ['--import', 'tsx'] : [];
  return spawn(process.execPath, [...compiles, file, ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', log],
  });
}

/** The first line a script prints, as JSON. */
export async function firstLine<T>(child: ChildProcess): Promise<T> {
  for await (const line of createInterface({ input: child.stdout! })) return JSON.parse(line) as T;
  throw new Error('A script of the bench ended without a word.');
}

export async function end(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill();
  await exited;
}

/** The command of `npm start`, on a fresh data folder. */
export async function startProduct(env: Record<string, string>, args: string[] = []): Promise<Product> {
  const dir = mkdtempSync(join(tmpdir(), 'surehook-bench-'));
  const port = await freePort();
  const began = performance.now();
  const child = script(
    'dist/src/main.js',
    args,
    {
      DATA_DIR: dir,
      PORT: String(port),
      TEMPORAL_UI_PORT: String(await freePort()),
      // As in package.json.
      UV_THREADPOOL_SIZE: '64',
      NODE_OPTIONS: '--max-semi-space-size=32',
      SUREHOOK_ADMIN_KEY: KEY,
      LOG_LEVEL: 'warn',
      ...env,
    },
    openSync(join(dir, 'log'), 'a'),
  );
  const url = `http://127.0.0.1:${port}`;
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on(
      'line',
      (line) => line.startsWith('surehook ready') && resolve(),
    );
    child.once('exit', () =>
      reject(new Error(`npm start ended:\n${readFileSync(join(dir, 'log'), 'utf8')}`)),
    );
  });
  let frozen: number[] = [];
  const readySeconds = (performance.now() - began) / 1_000;
  const call = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(url + path, {
      method,
      headers: { authorization: `Bearer ${KEY}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return (text.startsWith('{') ? JSON.parse(text) : text) as T;
  };
  const { temporal } = await call<{ temporal: { address: string } }>('GET', '/readyz');
  return {
    url,
    temporalAddress: temporal.address,
    dir,
    readySeconds,
    call,
    usage: () => usageOf(child.pid!),
    freezeTemporal: () => (frozen = temporalPids(child.pid!)).forEach((pid) => process.kill(pid, 'SIGSTOP')),
    async stop() {
      frozen.forEach((pid) => process.kill(pid, 'SIGCONT'));
      child.removeAllListeners('exit');
      await end(child);
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** CPU seconds of one process so far. */
export const cpuSecondsOf = (pid: number): number => (statOf(pid)[0]?.ticks ?? 0) / TICKS_PER_SECOND;

/** The processes of the embedded Temporal server. */
function temporalPids(root: number): number[] {
  return treeOf(root)
    .filter(({ name }) => name === 'temporal')
    .map(({ pid }) => pid);
}

function usageOf(root: number): Usage {
  const usage: Usage = {
    cpu: { node: 0, postgres: 0, temporal: 0 },
    memory: { node: 0, postgres: 0, temporal: 0 },
  };
  for (const { pid, name, ticks } of treeOf(root)) {
    const part: Part = name === 'postgres' || name === 'temporal' ? name : 'node';
    usage.cpu[part] += ticks / TICKS_PER_SECOND;
    usage.memory[part] += pssOf(pid);
  }
  return usage;
}

function treeOf(root: number) {
  const stats = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => statOf(Number(pid)));
  const tree = new Set([root]);
  for (const { pid, parent } of stats.sort((a, b) => a.pid - b.pid)) if (tree.has(parent)) tree.add(pid);
  return stats.filter(({ pid }) => tree.has(pid));
}

function statOf(pid: number): { pid: number; name: string; parent: number; ticks: number }[] {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    // utime and stime, and those of children that have ended: a Postgres connection is a process.
    return [{ pid, name, parent: fields[1]!, ticks: fields[11]! + fields[12]! + fields[13]! + fields[14]! }];
  } catch {
    return [];
  }
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))![1]) / 1024;
  } catch {
    return 0;
  }
}
