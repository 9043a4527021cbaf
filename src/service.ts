import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import type { Logger } from 'pino';
import { createActivities } from '../activities/index.js';
import { TASK_QUEUE } from '../workflows/contract.js';
import { loadAttemptTarget, recordAttempt, setStatus } from './db/deliveries.js';
import { migrate } from './db/migrate.js';
import { createPool } from './db/pool.js';
import { createDispatcher } from './delivery/dispatch.js';
import { createSecretBox } from './delivery/secret-box.js';
import { OPEN_STATUSES } from './domain/delivery.js';
import { DEFAULT_RETRY_POLICY, type RetryPolicy } from './domain/retry-schedule.js';
import { createApp } from './http/app.js';
import { createAuthorize } from './http/auth.js';
import type { Readiness } from './http/routes/health.js';
import {
  connectTemporal,
  registerSearchAttributes,
  signalAttempted,
  signalResume,
  startDeliverWebhook,
} from './temporal.js';
import { createAddressGuard } from './webhook/address-guard.js';
import { createSender } from './webhook/send.js';

export const VERSION = '0.1.0';

export interface ServiceOptions {
  host: string;
  /** 0: any free port. */
  port: number;
  databaseUrl: string;
  temporal: { address: string; namespace: string; tls: boolean; apiKey: string | null; uiUrl: string | null };
  adminKey: string;
  encryptionKey: string;
  allowNetworks: string[];
  retryScale: number;
  log: Logger;
  retryPolicy?: RetryPolicy;
  taskQueue?: string;
  /** Certificates to trust besides the system's, PEM. */
  ca?: string;
  sweep?: { everyMs: number; ageMs: number };
}

export interface Service {
  url: string;
  readiness(): Promise<Readiness>;
  /** Stops accepting, lets what is open finish, releases everything. */
  stop(): Promise<void>;
}

// The longest request deadline and the time to record it: a stop lets attempts under way end.
const SHUTDOWN_GRACE = '35 s';
const WORKFLOWS = fileURLToPath(new URL(`../workflows/index${extname(import.meta.url)}`, import.meta.url));

/** API and worker in one process, on a Postgres and a Temporal that are there. */
export async function startService(options: ServiceOptions): Promise<Service> {
  const { log, temporal, retryPolicy = DEFAULT_RETRY_POLICY, taskQueue = TASK_QUEUE } = options;
  const release: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const step of release.splice(0).reverse()) {
      await step().catch((error: unknown) => log.warn({ err: error }, 'a part did not stop cleanly'));
    }
  };
  try {
    const pool = createPool(options.databaseUrl);
    release.push(() => pool.end());
    await migrate(pool);

    const { connection, client } = await connectTemporal(temporal);
    release.push(() => connection.close());
    await registerSearchAttributes(connection, temporal.namespace);

    const guard = createAddressGuard(options.allowNetworks);
    const secrets = createSecretBox(options.encryptionKey);
    const sender = createSender({ guard, ...(options.ca ? { ca: options.ca } : {}) });
    release.push(() => sender.close());

    const worker = await Worker.create({
      connection,
      namespace: temporal.namespace,
      taskQueue,
      workflowsPath: WORKFLOWS,
      activities: createActivities({
        load: (id) => loadAttemptTarget(pool, id),
        record: (record) => recordAttempt(pool, record),
        hold: async (id, reason) => {
          await setStatus(pool, [id], OPEN_STATUSES, 'HELD', reason);
        },
        end: (ids, status, reason) => setStatus(pool, ids, OPEN_STATUSES, status, reason),
        tell: (execution, deliveryId, attempt) => signalAttempted(client, execution, deliveryId, attempt),
        sender,
        secrets,
        retryPolicy,
        retryScale: options.retryScale,
        version: VERSION,
        log,
      }),
      shutdownGraceTime: SHUTDOWN_GRACE,
    });
    const run = worker.run();
    run.catch((error: unknown) => log.error({ err: error }, 'the worker ended'));
    release.push(async () => {
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await run;
    });

    const dispatcher = createDispatcher({
      db: pool,
      start: (start) => startDeliverWebhook(client, start, taskQueue),
      maxAttempts: retryPolicy.maximumAttempts,
      log,
      ...(options.sweep ? { sweepEveryMs: options.sweep.everyMs, sweepAgeMs: options.sweep.ageMs } : {}),
    });
    release.push(() => dispatcher.close());

    const readiness = async (): Promise<Readiness> => {
      const [postgres, engine] = await Promise.all([
        answers(pool.query('select 1')),
        answers(connection.workflowService.getSystemInfo({})),
      ]);
      return {
        postgres: { ok: postgres },
        temporal: {
          ok: engine,
          address: temporal.address,
          namespace: temporal.namespace,
          ui_url: temporal.uiUrl,
        },
        workers: { ok: worker.getState() === 'RUNNING' },
      };
    };
    const app = createApp({
      pool,
      authorize: createAuthorize(options.adminKey),
      guard,
      secrets,
      dispatch: (start) => dispatcher.dispatch(start),
      resume: (workflowId, ids) => signalResume(client, workflowId, ids),
      readiness,
      workflowUrl: (id) =>
        temporal.uiUrl &&
        `${temporal.uiUrl}/namespaces/${temporal.namespace}/workflows/${encodeURIComponent(id)}`,
      maxAttempts: retryPolicy.maximumAttempts,
      log,
    });
    const server = createServer(app);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(options.port, options.host, resolve);
    });
    release.push(async () => {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      await closed;
    });
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
      readiness,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

const answers = (question: Promise<unknown>): Promise<boolean> =>
  Promise.race([
    question.then(
      () => true,
      () => false,
    ),
    new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 2_000).unref()),
  ]);
