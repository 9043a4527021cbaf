import { TASK_QUEUE } from '../../workflows/contract.js';
import {
  requireKeysOfProcess,
  runningEncryptionFault,
  verifyEncryptionKeys,
} from '../db/encryption-check.js';
import { migrate } from '../db/migrate.js';
import { countOpen } from '../db/open-counts.js';
import { makePartitions } from '../db/partitions.js';
import { createPool } from '../db/pool.js';
import { requireSession } from '../db/pooler.js';
import { beat, removeProcess } from '../db/processes.js';
import { createKillSwitch } from '../delivery/kill-switch.js';
import { createReadSending } from '../delivery/sending.js';
import { watchStarts } from '../delivery/start-faults.js';
import { DEFAULT_RETRY_POLICY } from '../domain/retry-schedule.js';
import { createMonitor } from '../http/app.js';
import { startServer } from '../http/server.js';
import { newId } from '../lib/ids.js';
import { startPollLoop } from '../lib/poll-loop.js';
import { createSecretCipher } from '../lib/secret-cipher.js';
import { sharedAnswer } from '../lib/shared-answer.js';
import { createLogger } from '../observability/logger.js';
import { createMetrics } from '../observability/metrics.js';
import { createAcceptance, createReadiness } from '../observability/readiness.js';
import { installTemporalLogger, linkTemporal } from '../temporal/connection.js';
import { runWorker } from '../temporal/worker.js';
import { createWorkflowClient } from '../temporal/workflow-client.js';
import { startDelivery } from './delivery.js';
import { createWire } from './wire.js';
import type { ClusterPeers, Service, ServiceOptions, StartOptions } from './service-options.js';
import { CONTROL_CONNECTIONS, startApi, type Release, type Served } from './start-api.js';

const CONNECTIONS = 20;
const HOT_CONNECTIONS = 4;
/** Connections besides `connections`: LISTEN, readiness and metrics have one each. */
const CONNECTIONS_BESIDES = CONTROL_CONNECTIONS + HOT_CONNECTIONS + 3;
/**
 * Readiness keeps its temporary table, to avoid making one for each check. Vacuum does not freeze a temporary table: a
 * connection without end would keep the whole database from reusing transaction ids.
 */
const TRIALS_KEEP_SECONDS = 600;
/** Deadline of a release step: longer than any takes that ends at all, such as the worker's 40 s. */
const STEP_MS = 45_000;
/** Counting millions of open deliveries takes long: at most a fifth of a connection's time goes there. */
const OPEN_COUNTS_MS = 1_000;
const OPEN_COUNTS_REST = 4;
const DAY_MS = 24 * 60 * 60 * 1000;
/** Retry interval: a long reader, such as a pg_dump, may block a new partition. */
const PARTITION_AGAIN_MS = 60_000;

/**
 * Starts the service with its own logger. `peers`: the other processes behind the same port; log lines then have this
 * process's pid.
 */
export function startFromOptions(
  { logLevel, ...options }: StartOptions,
  peers?: ClusterPeers,
): Promise<Service> {
  const logger = createLogger(logLevel);
  const log = peers ? logger.child({ pid: process.pid }) : logger;
  installTemporalLogger(log);
  return startService({ ...options, log, ...(peers ? { peers } : {}) });
}

/** Runs API, worker or both in one process. Postgres must answer; Temporal may come later. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log, temporal, role } = options;
  const release: Release = [];
  const stop = async () => {
    for (const step of release.splice(0).reverse()) {
      await Promise.race([step(), tooLate()]).catch((error: unknown) =>
        log.warn({ err: error }, 'a part did not stop cleanly'),
      );
    }
  };
  try {
    const { connections = CONNECTIONS } = options;
    await requireSession(options.databaseUrl, connections + CONNECTIONS_BESIDES);
    const pool = createPool(options.databaseUrl, connections);
    release.push(() => pool.end());
    const hot = createPool(options.databaseUrl, HOT_CONNECTIONS, { planOnce: true });
    release.push(() => hot.end());
    const secrets = createSecretCipher(options.encryptionKeys);
    await migrate(options.databaseUrl, {
      verify: (db) => verifyEncryptionKeys(db, secrets),
      waiting: (error) => log.warn({ err: error }, 'a migration waits for those who use the tables'),
    });
    // Repeated, because a process may run longer than the weeks that have partitions.
    const partitions = startPollLoop(async () => {
      const made = await makePartitions(options.databaseUrl).catch((error: unknown) => error);
      if (made === true) return DAY_MS;
      log.warn({ err: made || undefined }, 'a partition of the weeks ahead is not made yet; trying again');
      return PARTITION_AGAIN_MS;
    });
    release.push(() => partitions.close());

    const { guard, sender } = createWire(options);
    release.push(() => sender.close());
    const processId = newId('prc');
    let startsBehindMs = () => 0;
    const makesAttempts = role !== 'api' || options.attempts !== false;
    const { databaseUrl, pauseFile } = options;
    release.push(() => removeProcess(pool, processId));
    const control = await createKillSwitch({
      databaseUrl,
      pauseFile,
      beat: (db, paused) =>
        beat(db, {
          ...{ id: processId, makesAttempts, paused, keyIds: secrets.keyIds },
          startsBehindMs: startsBehindMs(),
        }),
      log,
    });
    release.push(() => control.close());
    await requireKeysOfProcess(pool, secrets);
    control.onChange(() => sender.withdraw(({ tenant }) => control.paused(tenant) !== null));

    const link = linkTemporal(temporal, log);
    release.push(() => link.close());
    const retryPolicy = options.retryPolicy ?? DEFAULT_RETRY_POLICY;
    const taskQueue = options.taskQueue ?? TASK_QUEUE;
    // Own connections: readiness and metrics wait for no other work, and no other work waits for them.
    const trials = createPool(databaseUrl, 1, { keepSeconds: TRIALS_KEEP_SECONDS });
    release.push(() => trials.end());
    const counts = createPool(databaseUrl, 1);
    release.push(() => counts.end());
    const acceptance = createAcceptance(trials, log);
    const openCounts = sharedAnswer(OPEN_COUNTS_MS, () => countOpen(counts), OPEN_COUNTS_REST);
    const metrics = createMetrics(openCounts, options.peers);
    const workflows = watchStarts(createWorkflowClient(link, taskQueue), {
      count: (fault) => metrics.notStarted(fault),
    });
    const readSending = createReadSending(secrets);
    const sealing = { secrets, readSending };
    const parts = { processId, pool, hot, workflows, control, sender, ...sealing, retryPolicy, metrics };
    const delivery = startDelivery(options, parts, release);
    startsBehindMs = delivery.startsBehindMs;

    const { activities } = delivery;
    const { workflowBundle } = options;
    const worker =
      role === 'api' || activities === null
        ? null
        : runWorker({ link, taskQueue, log, activities, namespace: temporal.namespace, workflowBundle });
    if (worker) release.push(() => worker.close());

    const encryption = { fault: () => runningEncryptionFault(trials, secrets) };
    const readiness = createReadiness({
      ...{ acceptance, encryption, temporal, link, workflows, taskQueue, worker },
    });
    const served = { ...parts, guard, acceptance, readiness, openCounts, release };
    const monitor = await startMonitor(options, served);
    const url = role === 'worker' ? monitor : await startApi(options, served, delivery);
    const ready = (worker ?? { ready: link.reached }).ready.then(() => {});
    // Rejects only when a stop ends the wait for Temporal.
    ready.catch(() => {});
    return { url, ready, readiness, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Serves health and metrics on `metricsPort` and returns the URL; null without that port. */
async function startMonitor(
  { host, metricsPort: port = null, log }: ServiceOptions,
  { metrics, readiness, release }: Served,
): Promise<string | null> {
  if (port === null) return null;
  const server = await startServer(createMonitor({ readiness, metrics, log }), { host, port });
  release.push(() => server.close());
  return server.url;
}

/** A part that never ends must not keep the process alive: the next start continues its unfinished work. */
const tooLate = () =>
  new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`not within ${STEP_MS} ms`)), STEP_MS).unref();
  });
