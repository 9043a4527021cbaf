import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Setting } from '../config-settings.js';
import type { Config } from '../config.js';
import type { RetryPolicy } from '../domain/retry-schedule.js';
import type { TenantQuotas } from '../domain/tenant.js';
import type { PeerCounts } from '../observability/metrics.js';
import type { Readiness } from '../observability/readiness.js';

/** The other processes that serve behind the same port. */
export type ClusterPeers = PeerCounts;

export interface ServiceOptions {
  /** The part that runs in this process. Default: both. */
  role?: 'api' | 'worker';
  host: string;
  /** 0: any free port. */
  port: number;
  /** A separate port for health and metrics; null: an API serves both on `port`, a worker serves neither. */
  metricsPort?: number | null;
  databaseUrl: string;
  temporal: { address: string; namespace: string; tls: boolean; apiKey: string | null; uiUrl: string | null };
  adminKey: string;
  /** 32 bytes in base64 each; the first one encrypts. */
  encryptionKeys: string[];
  /** Quotas of tenants without their own; default: unlimited. */
  quotas?: TenantQuotas;
  allowNetworks: string[];
  /** Null or absent: requests may go to every port. */
  allowPorts?: number[] | null;
  /** URL of an HTTP proxy that all requests go through. */
  proxy?: string | null;
  /** The URL that customers reach the API by, for links; null or absent: the one that it listens on. */
  publicUrl?: string | null;
  /** Origins whose pages may frame the portal, and a file with styles for it. Default: neither. */
  portal?: { ancestors: string[]; css: string | null };
  /** A folder with another build of the dashboard. */
  dashboardDir?: string;
  /** Origins whose pages may call the API; none by default. */
  corsOrigins?: string[];
  retryScale: number;
  /** The events that get a workflow: all of them (default), those still open after their first attempt, or none. */
  workflows?: 'all' | 'open' | 'none';
  /** False: an API without egress, whose events other processes attempt. Default: true. */
  attempts?: boolean;
  /** The variables of the environment, for people to see. */
  settings?: Setting[];
  log: Logger;
  retryPolicy?: RetryPolicy;
  taskQueue?: string;
  /** A prebuilt bundle of the workflows; default: that of the compiled sources, else one is built. */
  workflowBundle?: string;
  /** Certificates to trust besides the system's, PEM. */
  ca?: string;
  /** Longest time between two looks of the poller and of the reconciler, in milliseconds. */
  pollEveryMs?: number;
  /** A file that pauses everything in this process while it exists. */
  pauseFile?: string;
  /** Connections of the main Postgres pool, at most; the process needs up to 9 more besides. */
  connections?: number;
  peers?: ClusterPeers;
}

export interface Service {
  /** Null in a worker without `metricsPort`. */
  url: string | null;
  /** Resolves once Temporal has answered and the worker, if there is one, polls. Events are accepted before. */
  ready: Promise<void>;
  readiness(): Promise<Readiness>;
  /** Stops accepting, lets work in progress finish, releases everything. */
  stop(): Promise<void>;
}

/** A service's options as data that can be sent to another process. */
export type StartOptions = Omit<ServiceOptions, 'log' | 'peers'> & { logLevel: string };

/** Options that are the same in `npm start` and in a process of one role. */
export function optionsOf(config: Config) {
  const { host, port, metricsPort, quotas, allowPorts, proxy, logLevel } = config;
  const { publicUrl, portal, corsOrigins, retryScale, workflows, attempts, dataDir, settings } = config;
  return {
    ...{ host, port, metricsPort, quotas, allowPorts, proxy, logLevel },
    ...{ publicUrl, portal, corsOrigins, retryScale, workflows, attempts, settings },
    pauseFile: join(dataDir, 'PAUSE'),
  };
}
