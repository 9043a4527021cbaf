import {
  createActivities,
  createReplayActivities,
  type Activities,
  type ActivityDeps,
} from '../../activities/index.js';
import { TASK_QUEUE } from '../../workflows/contract.js';
import { recordAttempt, recordAttempts, type AttemptRecord } from '../db/attempts.js';
import { planPage } from '../db/batch-plan.js';
import { cancelPage, endBatch, markSettled, settleBatch, takeItems } from '../db/batch-run.js';
import { changeBatch, getBatch, readState } from '../db/batches.js';
import { loadAttemptTargets, noteReason, type AttemptTarget } from '../db/deliveries.js';
import { releaseDeliveries, releaseEvents } from '../db/delivery-queue.js';
import { verifyEncryptionKey } from '../db/encryption-check.js';
import { endedWorkflow } from '../db/ended-workflow.js';
import { loadEndpointTarget, unknownEndpoints } from '../db/endpoints.js';
import { getEvent } from '../db/events.js';
import { migrate } from '../db/migrate.js';
import { makePartitions } from '../db/partitions.js';
import { createPool, DatabaseAwayError, isDatabaseAway, type Pool } from '../db/pool.js';
import { requireSession } from '../db/pooler.js';
import { noteNotStarted } from '../db/start-faults.js';
import { lookAgain, countOpenDeliveries } from '../db/overdue-deliveries.js';
import { auditCompleted, endByTemporal } from '../db/temporal-endings.js';
import { createKillSwitch, type KillSwitch } from '../delivery/kill-switch.js';
import { withProof } from '../delivery/attempt-proof.js';
import type { AttemptDeps } from '../delivery/attempt.js';
import { createInProcessRunner } from '../delivery/in-process-runner.js';
import { createDispatcher, type Dispatcher } from '../delivery/dispatcher.js';
import { createQueuePoller } from '../delivery/queue-poller.js';
import { createEndpointCache } from '../delivery/endpoint-cache.js';
import { createWorkflowBackfill } from '../delivery/workflow-backfill.js';
import { createAcceptEvents } from '../delivery/accept-events.js';
import { startPollLoop } from '../lib/poll-loop.js';
import { createBackpressure, type Backpressure } from '../delivery/backpressure.js';
import { createStatusChanges } from '../delivery/status-changes.js';
import { watchStarts } from '../delivery/start-faults.js';
import { createReconciler } from '../delivery/reconciler.js';
import { recordOf, type WorkflowGateway } from '../delivery/workflow-gateway.js';
import { createSecretCipher, type SecretCipher } from '../lib/secret-cipher.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from '../domain/retry-schedule.js';
import { createBatcher, withConcurrencyLimit } from '../lib/batcher.js';
import { createApp, createMonitor } from '../http/app.js';
import { createAuth } from '../http/auth.js';
import { startServer } from '../http/server.js';
import { createLogger } from '../observability/logger.js';
import { createMetrics, type Metrics } from '../observability/metrics.js';
import {
  createAcceptance,
  createReadiness,
  type Acceptance,
  type Readiness,
} from '../observability/readiness.js';
import { runWorker } from '../temporal/worker.js';
import { installTemporalLogger, linkTemporal } from '../temporal/connection.js';
import type { ClusterPeers, Service, ServiceOptions, StartOptions } from './service-options.js';
import { createAddressGuard, type AddressGuard } from '../webhook/address-guard.js';
import { createSender, type Sender } from '../webhook/send.js';
import { createWorkflowClient } from '../temporal/workflow-client.js';

export const VERSION = '0.1.0';

const CONNECTIONS = 20;
const CONTROL_CONNECTIONS = 2;
const HOT_CONNECTIONS = 4;
/** Connections besides `connections`: LISTEN, readiness and metrics have one each. */
const CONNECTIONS_BESIDES = CONTROL_CONNECTIONS + HOT_CONNECTIONS + 3;
const LANES = { lane: 'auto', directAbove: 64, workflowForEnded: true } as const;
const full = () => new DatabaseAwayError('The database is overloaded.');
/** Statements that thousands may call at once: a few run at a time and leave connections to others. */
const LOOK_UPS = { atOnce: 8, mostWaiting: 32_768, full };
/** Attempt records per batch, each batch one commit. */
const RECORDS = { most: 256, atOnce: 2, mostWaiting: 32_768, full };
/** Deliveries looked up per batch; the payload of each may be large. */
const TARGETS = { most: 64, atOnce: 2, mostWaiting: 32_768, full };
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
 * Starts the service with its own logger. `peers`: the other processes behind the same port; log lines then carry this
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
    const secrets = createSecretCipher(options.encryptionKey);
    await migrate(options.databaseUrl, {
      verify: (db) => verifyEncryptionKey(db, secrets),
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

    const guard = createAddressGuard(options.allowNetworks, (host, address) =>
      log.warn({ host, address }, 'a name leads to a forbidden address'),
    );
    const sender = createSender({ guard, ...(options.ca ? { ca: options.ca } : {}) });
    release.push(() => sender.close());
    const { databaseUrl, pauseFile } = options;
    const control = await createKillSwitch({ databaseUrl, pauseFile, log });
    release.push(() => control.close());
    control.onChange(() => sender.withdraw(({ tenant }) => control.paused(tenant) !== null));

    const link = linkTemporal(temporal, log);
    release.push(() => link.close());
    const retryPolicy = options.retryPolicy ?? DEFAULT_RETRY_POLICY;
    const taskQueue = options.taskQueue ?? TASK_QUEUE;
    // Own connections: readiness and metrics wait for no other work, and no other work waits for them.
    const trials = createPool(options.databaseUrl, 1, { keepSeconds: TRIALS_KEEP_SECONDS });
    release.push(() => trials.end());
    const counts = createPool(options.databaseUrl, 1);
    release.push(() => counts.end());
    const acceptance = createAcceptance(trials, log);
    const metrics = createMetrics(() => countOpenDeliveries(counts), options.peers);
    const workflows = watchStarts(createWorkflowClient(link, taskQueue), {
      note: withConcurrencyLimit(({ ids, reason }) => noteNotStarted(pool, ids, reason), LOOK_UPS),
      count: (fault) => metrics.notStarted(fault),
    });
    const lanesOptions = options.lanes ?? LANES;
    const lanes = createBackpressure(lanesOptions, options.peers);
    release.push(async () => lanes.close());
    const shared = {
      pool,
      hot,
      workflows,
      control,
      guard,
      sender,
      secrets,
      retryPolicy,
      metrics,
      acceptance,
      lanes,
      release,
    };
    const parts: Parts = { ...shared, attempt: attemptDeps(options, shared) };

    const worker =
      role === 'api'
        ? null
        : runWorker({
            ...{ link, taskQueue, log, namespace: temporal.namespace },
            activities: activitiesOf(options, parts),
          });
    if (worker) release.push(() => worker.close());
    const ended = createWorkflowBackfill({
      workflows,
      load: async (workflowId, eventId) => {
        const found = await endedWorkflow(pool, workflowId, eventId);
        return found && recordOf(found, (id, attempt) => withProof(secrets, id, attempt));
      },
      idle: () => lanes.idle(),
      without: () => metrics.withoutWorkflow(),
      enabled: lanesOptions.workflowForEnded,
      log,
    });
    release.push(async () => ended.close());
    const maxAttempts = retryPolicy.maximumAttempts;
    const direct = createInProcessRunner({
      attempt: parts.attempt,
      endpoints: createEndpointCache((id) => loadEndpointTarget(pool, id), control),
      workflows,
      maxAttempts,
      ended: (workflowId, eventId) => ended.add(workflowId, eventId),
      keep: () => lanes.queuesRetries(),
      leave: (left) => releaseDeliveries(pool, left),
      current: () => control.current(),
      leaveEvents: (ids, inMs) => releaseEvents(pool, ids, inMs),
      handingOver: (change) => lanes.handingOver(change),
      log,
    });
    const hasWorker = worker !== null;
    const dispatcher = createDispatcher({ workflows, lanes, direct, maxAttempts, hasWorker, log });
    release.push(() => dispatcher.close());
    const every = options.sweepEveryMs === undefined ? {} : { everyMs: options.sweepEveryMs };
    if (lanes.direct) {
      const drain = createQueuePoller({
        ...{ db: hot, direct, byFile: hasWorker, log, ...every },
        taken: (deliveries) => lanes.accepted(deliveries),
        paused: () => control.paused(null),
      });
      release.push(() => drain.close());
      control.onChange(() => drain.wake());
    }
    const sweeper = createReconciler({
      db: pool,
      workflows,
      paused: () => control.paused(null),
      getEvent: (id) => getEvent(pool, id),
      record: parts.attempt.record,
      secrets,
      lookAgain: (id) => lookAgain(pool, id),
      makesAttempts: hasWorker,
      drains: lanes.direct,
      end: (ids, status, reason, ending) => endByTemporal(pool, ids, status, reason, ending),
      changeBatch: (id, change, by) => changeBatch(pool, id, change, by),
      maxAttempts,
      ...{ log, ...every },
    });
    release.push(() => sweeper.close());
    control.onChange(() => sweeper.wake());

    const readiness = createReadiness({ acceptance, temporal, link, workflows, taskQueue, worker });
    const monitor = await startMonitor(options, parts, readiness);
    const url = role === 'worker' ? monitor : await startApi(options, parts, dispatcher, readiness);
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

interface Parts extends Shared {
  attempt: AttemptDeps;
}

interface Shared {
  pool: Pool;
  /** For the statements that every event needs. */
  hot: Pool;
  workflows: WorkflowGateway;
  control: KillSwitch;
  guard: AddressGuard;
  sender: Sender;
  secrets: SecretCipher;
  retryPolicy: RetryPolicy;
  metrics: Metrics;
  acceptance: Acceptance;
  lanes: Backpressure;
  release: Release;
}

/** The dependencies of an attempt, the same in both lanes. */
function attemptDeps(options: ServiceOptions, shared: Shared): AttemptDeps {
  const { pool, hot, control, sender, secrets, retryPolicy, metrics } = shared;
  return {
    load: createBatcher<string, AttemptTarget | null>({
      ...TARGETS,
      keyOf: (id) => id,
      isFatal: isDatabaseAway,
      run: (ids) => loadAttemptTargets(hot, ids),
    }),
    record: createBatcher<AttemptRecord, void>({
      ...RECORDS,
      keyOf: ({ deliveryId }) => deliveryId,
      isFatal: isDatabaseAway,
      async run(records) {
        if (records.length === 1) await recordAttempt(hot, records[0]!);
        else await recordAttempts(hot, records);
        return [];
      },
    }),
    ...createStatusChanges(pool),
    note: withConcurrencyLimit(({ id, reason }) => noteReason(pool, id, reason), LOOK_UPS),
    paused: (tenant) => control.paused(tenant),
    count: (classification) => metrics.attempt(classification),
    sender,
    secrets,
    retryPolicy,
    retryScale: options.retryScale,
    version: VERSION,
    log: options.log,
  };
}

function activitiesOf(options: ServiceOptions, parts: Parts): Activities {
  const { pool, workflows, lanes, retryPolicy } = parts;
  // An operator may cancel thousands of workflows at once.
  const end = withConcurrencyLimit(
    (of: Parameters<ActivityDeps['endByTemporal']>) => endByTemporal(pool, ...of),
    LOOK_UPS,
  );
  const deliveries = createActivities({
    ...parts.attempt,
    began: (workflowId) => lanes.began(workflowId),
    endByTemporal: (...of) => end(of),
    auditCompleted: (id) => auditCompleted(pool, id),
    tell: (execution, deliveryId, attempt) => workflows.attempted(execution, deliveryId, attempt),
  });
  const batches = createReplayActivities({
    read: async (id) => ({
      plan: (await getBatch(pool, id))?.plan ?? null,
      state: await readState(pool, id),
    }),
    plan: (id) => planPage(pool, id),
    take: ({ batchId: id, ...input }) => takeItems(pool, { id, ...input }),
    settle: (id) => settleBatch(pool, id),
    change: (id, change, by) => changeBatch(pool, id, change, by),
    cancelPage: (id, after) => cancelPage(pool, id, after),
    markSettled: (id, numbers) => markSettled(pool, id, numbers),
    statusOf: (workflowId) => workflows.statusOf(workflowId),
    cancelDeliveries: (workflowId, ids) => workflows.cancelDeliveries(workflowId, ids),
    end: (id) => endBatch(pool, id),
    maxAttempts: retryPolicy.maximumAttempts,
    log: options.log,
  });
  return { ...deliveries, ...batches };
}

/** Returns the URL it listens on. */
async function startApi(
  options: ServiceOptions,
  { pool, hot, workflows, control, guard, secrets, retryPolicy, metrics, acceptance, release }: Parts,
  dispatcher: Dispatcher,
  readiness: () => Promise<Readiness>,
): Promise<string> {
  const { temporal, log } = options;
  const ui = temporal.uiUrl && `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows`;
  const controlPool = createPool(options.databaseUrl, CONTROL_CONNECTIONS);
  release.push(() => controlPool.end());
  const app = createApp({
    pool,
    controlPool,
    ...createAuth(options.adminKey),
    guard,
    secrets,
    accept: acceptance.watch(createAcceptEvents({ pool, hot }, dispatcher)),
    unknownEndpoints: withConcurrencyLimit(
      ({ tenant, endpointIds }) => unknownEndpoints(pool, tenant, endpointIds),
      LOOK_UPS,
    ),
    startWorkflow: (start) => dispatcher.start(start),
    workflows,
    control,
    readiness,
    metrics,
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
  { metrics, release }: Parts,
  readiness: () => Promise<Readiness>,
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
