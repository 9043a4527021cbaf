import { createLogger } from './observability/logger.js';
import type { Peers } from './bootstrap/cluster-ipc.js';
import { startService, type Service, type ServiceOptions } from './bootstrap/service.js';
import { installTemporalLogger } from './temporal/connection.js';

/** What starts a service, as data that can be sent to another process. */
export type StartOptions = Omit<ServiceOptions, 'log' | 'peers'> & { logLevel: string };

/** The service in this very process, which has no other; with `peers`, its log tells which of them it is. */
export function startHere({ logLevel, ...options }: StartOptions, peers?: Peers): Promise<Service> {
  const logger = createLogger(logLevel);
  const log = peers ? logger.child({ pid: process.pid }) : logger;
  installTemporalLogger(log);
  return startService({ ...options, log, ...(peers ? { peers } : {}) });
}
