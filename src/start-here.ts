import { createLogger } from './logger.js';
import type { Peers } from './peers.js';
import { startService, type Service, type ServiceOptions } from './service.js';
import { installTemporalLogger } from './temporal.js';

/** What starts a service, as data that can be sent to another process. */
export type StartOptions = Omit<ServiceOptions, 'log' | 'peers'> & { logLevel: string };

/** The service in this very process, which has no other; with `peers`, its log tells which of them it is. */
export function startHere({ logLevel, ...options }: StartOptions, peers?: Peers): Promise<Service> {
  const logger = createLogger(logLevel);
  const log = peers ? logger.child({ pid: process.pid }) : logger;
  installTemporalLogger(log);
  return startService({ ...options, log, ...(peers ? { peers } : {}) });
}
