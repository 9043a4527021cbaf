import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Activities } from '../../activities/index.js';
import { DELIVERIES_PER_WORKFLOW } from '../domain/event.js';
import type { TemporalLink } from './connection.js';
import { loadWorkflowBundle } from './workflow-bundle.js';

export interface RunningWorker {
  /** Once it polls for the first time. */
  ready: Promise<void>;
  running(): boolean;
  /** Ends polling, lets attempts under way end, and waits for them. */
  close(): Promise<void>;
}

/** Measured on two cores with Temporal and Postgres beside it. */
const SETTINGS = {
  // An attempt is a promise and waits mostly: those at receivers that hang must leave room for all others.
  maxConcurrentActivityTaskExecutions: 4_000,
  // All of an event's: the rest of a wide one would have to be asked for, one by one.
  maxEagerActivityReservationsPerWorkflowTask: DELIVERIES_PER_WORKFLOW,
  maxConcurrentWorkflowTaskExecutions: 100,
  maxCachedWorkflows: 1_000,
};
/** The longest request deadline and the time to record it: a stop lets attempts under way end. */
const GRACE_MS = 35_000;
/** Until a worker whose server is away gives up its last words to it. */
const GIVE_UP_MS = 5_000;
const BACK_OFF_MS = { first: 500, most: 10_000 };

/** A Temporal worker that is made again whenever it ends by itself, until it is closed. */
export function runWorker(options: {
  link: TemporalLink;
  namespace: string;
  taskQueue: string;
  activities: Activities;
  log: Logger;
}): RunningWorker {
  const { link, namespace, taskQueue, activities, log } = options;
  const closing = new AbortController();
  const bundle = loadWorkflowBundle();
  bundle.catch(() => {});
  let worker: Worker | null = null;
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => (isReady = resolve));

  const stopped = once(closing.signal, 'abort');

  async function runOne(): Promise<void> {
    // A Temporal that never answers must not keep a process that is to stop.
    await Promise.race([link.reached, stopped]);
    if (closing.signal.aborted) return;
    const { connection } = link.now();
    // Each time: a server that came back empty ends a worker, too.
    await link.attributes.check(connection);
    const workflowBundle = await bundle;
    if (closing.signal.aborted) return;
    worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      workflowBundle,
      activities: { ...activities },
      ...SETTINGS,
      shutdownGraceTime: GRACE_MS,
    });
    const run = worker.run();
    isReady();
    if (closing.signal.aborted) worker.shutdown();
    await run;
  }

  async function runAlways(): Promise<void> {
    for (let backOffMs = BACK_OFF_MS.first; !closing.signal.aborted;) {
      const began = Date.now();
      await runOne().catch((error: unknown) => {
        if (!closing.signal.aborted) log.error({ err: error }, 'the worker ended; it is made again');
      });
      if (Date.now() - began > BACK_OFF_MS.most) backOffMs = BACK_OFF_MS.first;
      await sleep(backOffMs, undefined, { signal: closing.signal }).catch(() => {});
      backOffMs = Math.min(backOffMs * 2, BACK_OFF_MS.most);
    }
  }

  const run = runAlways();
  return {
    ready,
    running: () => worker?.getState() === 'RUNNING',
    async close() {
      closing.abort();
      if (worker?.getState() === 'RUNNING') worker.shutdown();
      const late = sleep(GRACE_MS + GIVE_UP_MS, undefined, { ref: false });
      await Promise.race([run, late]);
    },
  };
}
