import { TASK_QUEUE } from '../../workflows/contract.js';
import {
  requireKeysOfProcess,
  runningEncryptionFault,
  verifyEncryptionKeys,
} from '../db/encryption-check.js';
import { unknownEndpoints } from '../db/endpoints.js';
import { findByKey } from '../db/events.js';
import { createKeyedDigest } from '../db/keyed-digest.js';
import { namesWithSchema, schemaOf } from '../db/event-type-lists.js';
import { migrate } from '../db/migrate.js';
import { countOpen } from '../db/open-counts.js';
import { makePartitions } from '../db/partitions.js';
import { createPool } from '../db/pool.js';
import { requireSession } from '../db/pooler.js';
import { beat, removeProcess } from '../db/processes.js';
import { listEventRates } from '../db/tenants.js';
import { createEventSchemas } from '../delivery/event-schemas.js';
import { createKillSwitch } from '../delivery/kill-switch.js';
import { createReadSending } from '../delivery/sending.js';
import { watchStarts } from '../delivery/start-faults.js';
import { createTenantRates } from '../delivery/tenant-rates.js';
import { DEFAULT_RETRY_POLICY } from '../domain/retry-schedule.js';
import { createApp, createMonitor } from '../http/app.js';
import { startServer } from '../http/server.js';
import { createTestLimit } from '../http/test-limit.js';
import { withConcurrencyLimit } from '../lib/batcher.js';
import { newId } from '../lib/ids.js';
import { startPollLoop } from '../lib/poll-loop.js';
import { createSecretCipher } from '../lib/secret-cipher.js';
import { createLogger } from '../observability/logger.js';
import { createMetrics } from '../observability/metrics.js';
import {
  createAcceptance,
  createReadiness,
  type Acceptance,
  type Readiness,
} from '../observability/readiness.js';
import { installTemporalLogger, linkTemporal } from '../temporal/connection.js';
import { runWorker } from '../temporal/worker.js';
import { createWorkflowClient } from '../temporal/workflow-client.js';
import type { AddressGuard } from '../webhook/address-guard.js';
import { startAuth } from './auth.js';
import { startDelivery, type Delivery } from './delivery.js';
import { LOOK_UPS, type DeliveryParts } from './delivery-parts.js';
import { VERSION } from './version.js';
import { createWire } from './wire.js';
import type { ClusterPeers, Service, ServiceOptions, StartOptions } from './service-options.js';

const CONNECTIONS = 20;
const CONTROL_CONNECTIONS = 2;
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
    const metrics = createMetrics(() => countOpen(counts), options.peers);
    const workflows = watchStarts(createWorkflowClient(link, taskQueue), {
      count: (fault) => metrics.notStarted(fault),
    });
    const readSending = createReadSending(secrets);
    const sealing = { secrets, readSending };
    const parts = { processId, pool, hot, workflows, control, sender, ...sealing, retryPolicy, metrics };
    const delivery = startDelivery(options, parts, release);
    startsBehindMs = delivery.startsBehindMs;

    const { activities } = delivery;
    const worker =
      role === 'api' || activities === null
        ? null
        : runWorker({ link, taskQueue, log, namespace: temporal.namespace, activities });
    if (worker) release.push(() => worker.close());

    const encryption = { fault: () => runningEncryptionFault(trials, secrets) };
    const readiness = createReadiness({
      ...{ acceptance, encryption, temporal, link, workflows, taskQueue, worker },
    });
    const served = { ...parts, guard, acceptance, readiness, release };
    const monitor = await startMonitor(options, served);
    const url = role === 'worker' ? monitor : await startApi(options, served, delivery);
    const ready = (worker ?? { ready: link.reached }).ready.then(() => {});
    // It rejects only when a stop ends the wait for Temporal.
    ready.catch(() => {});
    return { url, ready, readiness, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Steps that release resources, in the order the resources were taken. */
type Release = (() => Promise<unknown>)[];

interface Served extends DeliveryParts {
  guard: AddressGuard;
  acceptance: Acceptance;
  readiness: () => Promise<Readiness>;
  release: Release;
}

/** Returns the URL it listens on. */
async function startApi(options: ServiceOptions, served: Served, delivery: Delivery): Promise<string> {
  const { pool, workflows, control, guard, retryPolicy, metrics, acceptance, release } = served;
  const { temporal, log } = options;
  const ui = temporal.uiUrl && `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows`;
  const controlPool = createPool(options.databaseUrl, CONTROL_CONNECTIONS);
  release.push(() => controlPool.end());
  const { quotas = { maxEndpoints: null, maxEventsPerSecond: null } } = options;
  const tenantRates = await createTenantRates({
    defaultPerSecond: quotas.maxEventsPerSecond,
    load: (ids) => listEventRates(pool, ids),
    control,
    log,
  });
  release.push(() => tenantRates.close());
  const app = createApp({
    pool,
    controlPool,
    ...startAuth(options, served, release),
    guard,
    secrets: served.secrets,
    keyedDigest: createKeyedDigest(pool, served.secrets),
    readSending: served.readSending,
    sender: served.sender,
    testLimit: createTestLimit(),
    sendsHere: delivery.runner !== null,
    version: VERSION,
    accept: acceptance.watch(delivery.accept),
    findByKey: withConcurrencyLimit((event) => findByKey(pool, event), LOOK_UPS),
    eventSchemas: createEventSchemas(
      { names: () => namesWithSchema(pool), schema: (name) => schemaOf(pool, name) },
      control,
      log,
    ),
    unknownEndpoints: withConcurrencyLimit(
      ({ tenant, endpointIds }) => unknownEndpoints(pool, tenant, endpointIds),
      LOOK_UPS,
    ),
    workflowMode: options.workflows ?? 'all',
    workflows,
    control,
    ...{ quotas, tenantRates },
    readiness: served.readiness,
    metrics,
    corsOrigins: options.corsOrigins ?? [],
    exposesMetrics: (options.metricsPort ?? null) === null,
    workflowUrl: (id) => ui && `${ui}/${encodeURIComponent(id)}`,
    maxAttempts: retryPolicy.maximumAttempts,
    log,
  });
  const server = await startServer(app, options);
  release.push(() => server.close());
  return server.url;
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
