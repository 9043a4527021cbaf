import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Activities } from '../../activities/index.js';
import { DELIVERIES_PER_WORKFLOW } from '../domain/event.js';
import type { TemporalLink } from './connection.js';
import { loadWorkflowBundle } from './workflow-bundle.js';

export interface RunningWorker {
  /** Resolves when the worker polls for the first time. */
  ready: Promise<void>;
  running(): boolean;
  /** Stops polling, lets attempts under way finish, and waits for them. */
  close(): Promise<void>;
}

/** Measured on two cores shared with Temporal and Postgres. */
const SETTINGS = {
  // An attempt mostly waits, as a promise: attempts at receivers that hang must leave room for all others.
  maxConcurrentActivityTaskExecutions: 4_000,
  // All deliveries of a workflow: those beyond the limit would have to be polled, one by one.
  maxEagerActivityReservationsPerWorkflowTask: DELIVERIES_PER_WORKFLOW,
  // More at a time only end later: a task that a busy machine does not finish in its 10 s is done again.
  maxConcurrentWorkflowTaskExecutions: 16,
  maxCachedWorkflows: 1_000,
};
/**
 * By default the SDK ends a step of a workflow after 5 s by the wall clock, and Node then aborts the process: "async hook stack
 * has become corrupted". A machine that is busy, or was frozen, must not lose its attempts under way. This is the longest
 * that Node takes; the option is not in the SDK's types.
 */
const STEP_TIMEOUT = { isolateExecutionTimeout: '4294967295ms' };
/** The longest request deadline plus the time to record the attempt: a stop lets attempts under way finish. */
const GRACE_MS = 35_000;
/** Time beyond the grace for a worker to give up its last calls to a server that is away. */
const GIVE_UP_MS = 5_000;
const BACK_OFF_MS = { first: 500, most: 10_000 };

/** Runs a Temporal worker, and makes a new one whenever it ends by itself, until it is closed. */
export function runWorker(options: {
  link: TemporalLink;
  namespace: string;
  taskQueue: string;
  activities: Activities;
  /** A prebuilt bundle of the workflows. Default: that of the compiled sources. */
  workflowBundle?: string | undefined;
  log: Logger;
}): RunningWorker {
  const { link, namespace, taskQueue, activities, log } = options;
  const closing = new AbortController();
  const bundle = loadWorkflowBundle(options.workflowBundle);
  bundle.catch(() => {});
  let worker: Worker | null = null;
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => (isReady = resolve));

  const stopped = once(closing.signal, 'abort');

  async function runOne(): Promise<void> {
    // A Temporal that never answers must not keep a process from stopping.
    await Promise.race([link.reached, stopped]);
    if (closing.signal.aborted) return;
    const { connection } = link.now();
    // Checked before every worker: a server that came back empty ends the worker and lacks the attributes.
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
      ...STEP_TIMEOUT,
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
