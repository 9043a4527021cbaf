import type { z } from 'zod';
import { listProcesses } from '../db/processes.js';
import { databaseOf } from '../db/database-name.js';
import type { Pool } from '../db/pool.js';
import { MAX_PAYLOAD_BYTES } from '../domain/event.js';
import type { RetryPolicy } from '../domain/retry-schedule.js';
import type { settings as shown } from '../http/answers/installation.js';
import { MAX_BATCH_EVENTS } from '../http/event-schemas.js';
import type { ServiceOptions } from './service-options.js';
import { VERSION } from './version.js';

/** Reads what is configured, without a secret. */
export async function readSettings(
  {
    temporal,
    databaseUrl,
    allowNetworks,
    allowPorts,
    proxy,
    retryScale,
    workflows,
    quotas,
    settings,
  }: ServiceOptions,
  parts: { pool: Pool; retryPolicy: RetryPolicy; makesAttempts: boolean; publicUrl: string },
): Promise<z.input<typeof shown>> {
  const { pool, retryPolicy, makesAttempts, publicUrl } = parts;
  const { address, namespace, tls, uiUrl } = temporal;
  return {
    version: VERSION,
    node: process.version,
    processes: (await listProcesses(pool)).filter(({ alive }) => alive).length,
    makes_attempts: makesAttempts,
    workflows: workflows ?? 'all',
    public_url: publicUrl,
    database: databaseOf(databaseUrl),
    temporal: { address, namespace, tls, ui_url: uiUrl },
    egress: {
      allow_networks: allowNetworks,
      allow_ports: allowPorts ?? null,
      proxy: proxy ? new URL(proxy).origin : null,
    },
    retry_policy: {
      max_attempts: retryPolicy.maximumAttempts,
      initial_seconds: retryPolicy.initialMs / 1_000,
      coefficient: retryPolicy.coefficient,
      max_seconds: retryPolicy.maximumMs / 1_000,
      scale: retryScale,
    },
    limits: {
      payload_bytes: MAX_PAYLOAD_BYTES,
      batch_events: MAX_BATCH_EVENTS,
      endpoints_per_tenant: quotas?.maxEndpoints ?? null,
      events_per_second_per_tenant: quotas?.maxEventsPerSecond ?? null,
    },
    settings: settings ?? [],
  };
}
