import type { Logger } from 'pino';
import type { BackpressureOptions, PeerStarts } from '../delivery/backpressure.js';
import type { RetryPolicy } from '../domain/retry-schedule.js';
import type { PeerCounts } from '../observability/metrics.js';
import type { Readiness } from '../observability/readiness.js';

/** The other processes that serve behind the same port. */
export type ClusterPeers = PeerStarts & PeerCounts;

export interface ServiceOptions {
  /** Which parts run in this process; both where nothing is said. */
  role?: 'api' | 'worker';
  host: string;
  /** 0: any free port. */
  port: number;
  /** A port of its own for health and metrics; null: an API has both on `port`, a worker nowhere. */
  metricsPort?: number | null;
  databaseUrl: string;
  temporal: { address: string; namespace: string; tls: boolean; apiKey: string | null; uiUrl: string | null };
  adminKey: string;
  encryptionKey: string;
  allowNetworks: string[];
  retryScale: number;
  lanes?: BackpressureOptions & { workflowForEnded: boolean };
  log: Logger;
  retryPolicy?: RetryPolicy;
  taskQueue?: string;
  /** Certificates to trust besides the system's, PEM. */
  ca?: string;
  sweepEveryMs?: number;
  /** A file that pauses everything in this process while it is there. */
  pauseFile?: string;
  /** To Postgres, at most, for all but the kill switch. */
  connections?: number;
  peers?: ClusterPeers;
}

export interface Service {
  /** Null in a process that is only a worker and tells nobody how it is. */
  url: string | null;
  /** Once Temporal has answered and the worker, where there is one, polls. Events are accepted before. */
  ready: Promise<void>;
  readiness(): Promise<Readiness>;
  /** Stops accepting, lets what is open finish, releases everything. */
  stop(): Promise<void>;
}

/** A service's options as data that can be sent to another process. */
export type StartOptions = Omit<ServiceOptions, 'log' | 'peers'> & { logLevel: string };
