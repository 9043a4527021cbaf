import cluster, { type Worker } from 'node:cluster';
import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { freePort } from '../embedded/ports.js';
import { supervise, type Running } from '../embedded/supervise.js';
import { addUp, countersOf, inText, type Counts } from '../observability/metrics.js';
import type { PrimaryMessage, ChildMessage } from './cluster-ipc.js';
import type { Service } from './service-options.js';
import type { StartOptions } from './service-options.js';

/** Pool sizes: all processes together, and bounds of one. Postgres's default of 100 connections is enough for six. */
const POOLS = { together: 32, least: 4, most: 20 };
/** Besides the pool of a process: four for hot statements, two for control, one each for LISTEN, readiness, metrics. */
const CONNECTIONS_BESIDES = 9;
/** Spare connections for people and for a migration. */
const CONNECTIONS_TO_SPARE = 10;
/** If a process is too busy to answer within this time, its last counters are used. */
const COUNTED_MS = 1_000;

/** A child process as the primary sees it. */
interface Part extends Running {
  url: string;
  send(order: PrimaryMessage): void;
  /** The counters it sent last. */
  counts: Counts;
  isReady: boolean;
}

const poolOf = (count: number) =>
  Math.max(POOLS.least, Math.min(POOLS.most, Math.floor(POOLS.together / count)));

/** Connections that a Postgres must allow for `count` processes. */
export const connectionsOf = (count: number) =>
  count * (poolOf(count) + CONNECTIONS_BESIDES) + CONNECTIONS_TO_SPARE;

/**
 * Runs API and worker in `count` child processes behind one port, or in this process if `count` is 1. Each child is a
 * whole service and handles the events it accepts on its own; this process deals out connections, restarts children
 * that end, and adds up their counters. All children end with this process.
 */
export async function startCluster(
  count: number,
  options: StartOptions,
  say: (line: string) => void,
): Promise<Pick<Service, 'url' | 'ready' | 'stop'>> {
  if (count === 1) {
    // Imported late: a primary with children needs none of it.
    const { startFromOptions } = await import('./service.js');
    return startFromOptions(options);
  }
  say(`starting ${count} processes …`);
  const several = createSeveral(count);
  // A restarted child must listen on the same port as the others.
  const port = options.port || (await freePort());
  const start = () => several.start({ ...options, port, connections: poolOf(count) });
  const starts = await Promise.allSettled(Array.from({ length: count }, start));
  const parts = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failure = starts.find((one) => one.status === 'rejected');
  if (failure) {
    await Promise.all(parts.map((part) => part.stop()));
    throw failure.reason;
  }
  const { url } = parts[0]!;
  const supervised = parts.map((part, i) => supervise(`Process ${i + 1} of ${count}`, part, start, say));
  return {
    url,
    ready: several.ready,
    async stop() {
      await Promise.all(supervised.map((one) => one.stop()));
    },
  };
}

/** Starts child processes, and relays messages between them. */
function createSeveral(count: number): { start(options: StartOptions): Promise<Part>; ready: Promise<void> } {
  const exec = new URL(`./cluster-child${extname(import.meta.url)}`, import.meta.url);
  cluster.setupPrimary({ exec: fileURLToPath(exec), args: [] });
  // A second signal ends this process without waiting for the children.
  process.once('exit', () =>
    Object.values(cluster.workers ?? {}).forEach((one) => one?.process.kill('SIGKILL')),
  );
  const parts = new Set<Part>();
  let allReady: () => void;
  const ready = new Promise<void>((resolve) => (allReady = resolve));
  /** Counters of ended children: a sum that falls would look like a counter that was reset. */
  let countedBefore: Promise<Counts> = Promise.resolve([]);
  const questions = new Map<number, () => void>();
  let asked = 0;

  function start(options: StartOptions): Promise<Part> {
    const worker = cluster.fork();
    const part = partOf(worker);
    parts.add(part);
    void part.exited.then(() => {
      parts.delete(part);
      countedBefore = countedBefore.then((before) => addUp([before, countersOf(part.counts)]));
    });
    return new Promise((resolve, reject) => {
      worker.on('message', (report: ChildMessage) => {
        // A child would miss an order sent before it listens.
        if (report.kind === 'listens') part.send({ kind: 'start', options });
        else if (report.kind === 'failed') reject(new Error(report.message));
        else if (report.kind === 'started') resolve(Object.assign(part, { url: report.url }));
        else hear(part, report);
      });
      void part.exited.then(() => reject(new Error('A process ended while it was starting.')));
    });
  }

  function hear(part: Part, report: ChildMessage): void {
    if (report.kind === 'ready') {
      part.isReady = true;
      if ([...parts].filter(({ isReady }) => isReady).length === count) allReady();
    } else if (report.kind === 'counts') {
      part.counts = report.counts;
      questions.get(report.id)?.();
    } else if (report.kind === 'ask') {
      void addedUp().then((text) => part.send({ kind: 'counted', id: report.id, text }));
    }
  }

  async function addedUp(): Promise<string> {
    const running = [...parts].filter(({ url }) => url !== '');
    const first = asked;
    await Promise.race([Promise.all(running.map(ask)), sleep(COUNTED_MS, undefined, { ref: false })]);
    for (let id = first; id < first + running.length; id++) questions.delete(id);
    // Read both in the same turn: each child is then either running or in `countedBefore`.
    const [before, now] = [countedBefore, [...parts].map(({ counts }) => counts)];
    return inText([await before, ...now]);
  }

  const ask = (part: Part) =>
    new Promise<void>((resolve) => {
      const id = asked++;
      questions.set(id, resolve);
      part.send({ kind: 'count', id });
    });

  return { start, ready };
}

function partOf(worker: Worker): Part {
  // A message to a child that is gone fails; its `exit` event is what counts.
  worker.on('error', () => {});
  const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  const send = (order: PrimaryMessage) => void (worker.isConnected() && worker.send(order));
  return {
    url: '',
    counts: [],
    isReady: false,
    exited,
    send,
    stop() {
      send({ kind: 'stop' });
      return exited;
    },
  };
}
