import { open, stat } from 'node:fs/promises';
import { lastLines } from '../../src/embedded/process.js';
import type { Cluster } from './cluster.js';
import type { Fault } from './faults.js';
import { startLoad } from './load.js';
import { judge, type Verdict } from './verdict.js';
import { sleep, until } from './wait.js';

export interface RunOptions {
  eventsPerSecond: number;
  /** Before the fault. */
  beforeMs: number;
  /** For each step back to where nothing is left to do. */
  recoverMs: number;
}

let runs = 0;

/** One fault under steady load, and what became of the events. Leaves the cluster whole, whatever happened. */
export async function runFault(cluster: Cluster, fault: Fault, options: RunOptions): Promise<Verdict> {
  const prefix = `fault${++runs}`;
  const load = startLoad(cluster, prefix, options.eventsPerSecond);
  const problems: string[] = [];
  let endedAt: number;
  try {
    await sleep(options.beforeMs);
    await fault.strike(cluster);
    endedAt = Date.now();
    problems.push(...(await idleWorkers(cluster, options.recoverMs)));
    if (!(await load.stop(options.recoverMs))) problems.push('some events were never answered with 2xx');
  } finally {
    await load.stop(0);
    for (const part of cluster.parts) {
      const last = await lastLines(cluster.logOf(part), 2);
      if (await part.repair()) problems.push(`${part.name} ended by itself: ${last}`);
    }
    for (const proxy of Object.values(cluster.proxies)) await proxy.accept();
  }
  const { requestsPerAttempt = 1 } = fault;
  const judged = { load, prefix, endedAt, requestsPerAttempt, ms: options.recoverMs };
  const verdict = await judge(cluster, judged);
  problems.push(...verdict.problems);
  if (verdict.repeated && !fault.mayRepeat) problems.push(`${verdict.repeated} requests repeated`);
  const { events, lost, repeated } = verdict;
  const recovered = lost ? 'never' : `${(verdict.recoveredMs / 1000).toFixed(1)}s`;
  console.log(
    `fault: ${fault.name} events=${events} lost=${lost} repeated=${repeated} recovered=${recovered}`,
  );
  return { ...verdict, problems };
}

/** Under load, every worker makes attempts again before long; names those that do not. */
async function idleWorkers(cluster: Cluster, ms: number): Promise<string[]> {
  const idle = await Promise.all(
    cluster.workers.map(async (worker) => {
      const log = cluster.logOf(worker);
      const { size } = await stat(log);
      const busy = await until(async () => (await readFrom(log, size)).includes('"msg":"attempt"'), ms);
      return busy ? [] : [`${worker.name} makes no attempts any more`];
    }),
  );
  return idle.flat();
}

async function readFrom(path: string, position: number): Promise<string> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read({ buffer: Buffer.alloc(size - position), position });
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}
