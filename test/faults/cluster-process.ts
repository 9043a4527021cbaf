import { isSameProcess, startTime } from '../../src/embedded/process-identity.js';
import { freezeTree, killTree, thawTree } from './process-tree.js';
import type { Proxy } from './proxy.js';
import { until } from './wait.js';

const GONE_MS = 90_000;

/** A process of the cluster, with its children, and the faults it can suffer. */
export interface ClusterProcess {
  name: string;
  /** Null while it is away. */
  pid(): number | null;
  start(): Promise<void>;
  /** SIGTERM: an orderly stop. */
  stop(): Promise<void>;
  /** kill -9 */
  kill(): Promise<void>;
  /** SIGSTOP and SIGCONT */
  freeze(): void;
  thaw(): void;
  /** Starts or thaws it where needed. Returns whether it had ended by itself. */
  repair(): Promise<boolean>;
}

export interface Launched {
  pid: number;
  stop(): Promise<void>;
}

/** `fronts`: proxies before it, which refuse connections while it is away, as its own port would. */
export function createClusterProcess(
  name: string,
  launch: () => Promise<Launched>,
  fronts: Proxy[] = [],
): ClusterProcess {
  let running: (Launched & { started: string | null }) | null = null;

  const isAlive = () => running !== null && isSameProcess(running.pid, running.started);
  const gone = async () => {
    if (!(await until(async () => !isAlive(), GONE_MS, 20))) throw new Error(`${name} does not end.`);
    running = null;
    for (const front of fronts) await front.refuse();
  };
  const start = async () => {
    const launched = await launch();
    running = { ...launched, started: startTime(launched.pid) };
    for (const front of fronts) await front.accept();
  };
  return {
    name,
    pid: () => running?.pid ?? null,
    start,
    async stop() {
      await running?.stop();
      await gone();
    },
    async kill() {
      if (running) killTree(running.pid);
      await gone();
    },
    freeze: () => running && freezeTree(running.pid),
    thaw: () => running && thawTree(running.pid),
    async repair() {
      if (running && isAlive()) {
        thawTree(running.pid);
        for (const front of fronts) await front.accept();
        return false;
      }
      const byItself = running !== null;
      await start();
      return byItself;
    },
  };
}
