import { open, stat } from 'node:fs/promises';
import { lastLines } from '../../src/embedded/process.js';
import type { Cluster } from './cluster.js';
import type { Fault } from './faults.js';
import { startLoad, type Sent } from './load.js';
import { claimsOf, judge, type OpenClaim, type Verdict } from './verdict.js';
import { until } from './wait.js';

export interface RunOptions {
  eventsPerSecond: number;
  hurry: boolean;
  /** Limit of each step of the recovery. */
  recoverMs: number;
}

/** Events that are accepted before the fault, and after it. */
const EVENTS = { before: 20, after: 20 };

let runs = 0;

/** Runs one fault under a steady load, and judges what became of the events. Always leaves the cluster repaired. */
export async function runFault(cluster: Cluster, fault: Fault, options: RunOptions): Promise<Verdict> {
  const { recoverMs } = options;
  const prefix = `fault${++runs}`;
  const load = startLoad(cluster, prefix, options.eventsPerSecond);
  const problems: string[] = [];
  const claims: OpenClaim[] = [];
  const logsFrom = await logSizes(cluster);
  let struckAt: Date;
  let endedAt: Date;
  try {
    await load.next(EVENTS.before, recoverMs, accepted);
    struckAt = await databaseTime(cluster);
    await fault.strike(cluster, {
      delivered: () => load.next(EVENTS.before, recoverMs, (sent) => deliveredOf(cluster, sent)),
      noteClaims: async () => void claims.push(...(await claimsOf(cluster))),
    });
    endedAt = await databaseTime(cluster);
    const idle = idleProcesses(cluster, recoverMs);
    await load.next(EVENTS.after, recoverMs, accepted);
    problems.push(...(await idle));
    if (!(await load.stop(recoverMs))) problems.push('some events were never answered with 2xx');
  } finally {
    await load.stop(0);
    for (const one of cluster.processes) {
      const last = await lastLines(cluster.logOf(one), 2);
      if (await one.repair()) problems.push(`${one.name} ended by itself: ${last}`);
    }
    for (const proxy of Object.values(cluster.proxies)) await proxy.accept();
  }
  const { requestsPerAttempt = 1 } = fault;
  const verdict = await judge(cluster, {
    load,
    prefix,
    claims,
    struckAt,
    endedAt,
    requestsPerAttempt,
    hurry: options.hurry,
    ms: recoverMs,
  });
  problems.push(...verdict.problems);
  // On a machine so busy that no heartbeat came for 10 s, a process that lives was called dead: that explains it, too.
  const calledDead = await logged(cluster, logsFrom, '"msg":"a process died');
  if (verdict.repeated && !fault.mayRepeat && !calledDead)
    problems.push(`${verdict.repeated} requests repeated`);
  console.log(`fault: ${fault.name}: ${inWords(verdict)}`);
  return { ...verdict, problems };
}

export function inWords({ events, lost, repeated, workerLost, ...verdict }: Verdict): string {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)}s`;
  const recovered = lost ? 'never' : seconds(verdict.recoveredMs);
  const claims = workerLost ? ` workerLost=${workerLost} within=${seconds(verdict.workerLostMs)}` : '';
  return `events=${events} lost=${lost} repeated=${repeated} recovered=${recovered}${claims}`;
}

const accepted = async (sent: Sent[]) => sent.filter(({ eventId }) => eventId !== undefined).length;

async function deliveredOf(cluster: Cluster, sent: Sent[]): Promise<number> {
  const [row] = await cluster.query<{ count: number }>(
    `select count(*)::int from deliveries where event_id = any($1) and status = 'DELIVERED'`,
    [sent.flatMap(({ eventId }) => eventId ?? [])],
  );
  return row!.count;
}

async function databaseTime(cluster: Cluster): Promise<Date> {
  const [row] = await cluster.query<{ now: Date }>('select now()');
  return row!.now;
}

const ours = ({ api, workers }: Cluster) => [api, ...workers];

const logSizes = (cluster: Cluster) =>
  Promise.all(ours(cluster).map(async (one) => (await stat(cluster.logOf(one))).size));

/** Whether one of our processes has logged `text` since its log had this size. */
async function logged(cluster: Cluster, sizes: number[], text: string): Promise<boolean> {
  const logs = await Promise.all(ours(cluster).map((one, i) => readFrom(cluster.logOf(one), sizes[i]!)));
  return logs.some((log) => log.includes(text));
}

/** Names the processes of ours that make no attempt under load. */
async function idleProcesses(cluster: Cluster, ms: number): Promise<string[]> {
  const sizes = await logSizes(cluster);
  const idle = await Promise.all(
    ours(cluster).map(async (one, i) => {
      const hasAttempt = async () =>
        (await readFrom(cluster.logOf(one), sizes[i]!)).includes('"msg":"attempt"');
      return (await until(hasAttempt, ms)) ? [] : [`${one.name} makes no attempts any more`];
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
