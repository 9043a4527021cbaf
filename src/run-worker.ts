import { extname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  bundleWorkflowCode,
  DefaultLogger,
  Worker,
  type WorkflowBundleWithSourceMap,
} from '@temporalio/worker';
import type { Logger } from 'pino';
import type { Activities } from '../activities/index.js';
import { registerSearchAttributes, type TemporalLink } from './temporal.js';

export interface RunningWorker {
  /** Once it polls for the first time. */
  ready: Promise<void>;
  running(): boolean;
  /** Ends polling, lets attempts under way end, and waits for them. */
  close(): Promise<void>;
}

const WORKFLOWS = fileURLToPath(new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url));
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
  let worker: Worker | null = null;
  let bundle: WorkflowBundleWithSourceMap | undefined;
  let isReady: () => void;
  const ready = new Promise<void>((resolve) => (isReady = resolve));

  async function runOne(): Promise<void> {
    const { connection } = await link.reached;
    // Each time: a server that came back empty ends a worker, too.
    await registerSearchAttributes(connection, namespace);
    bundle ??= await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger: new DefaultLogger('WARN') });
    if (closing.signal.aborted) return;
    worker = await Worker.create({
      connection,
      namespace,
      taskQueue,
      workflowBundle: bundle,
      activities: { ...activities },
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
