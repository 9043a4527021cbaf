import { overloaded, type Pool } from '../db/pool.js';
import type { KillSwitch } from '../delivery/kill-switch.js';
import type { ReadSending } from '../delivery/sending.js';
import type { WorkflowGateway } from '../delivery/workflow-gateway.js';
import type { RetryPolicy } from '../domain/retry-schedule.js';
import { withConcurrencyLimit } from '../lib/batcher.js';
import type { SecretCipher } from '../lib/secret-cipher.js';
import type { Metrics } from '../observability/metrics.js';
import type { Sender } from '../webhook/send.js';

export interface DeliveryParts {
  processId: string;
  pool: Pool;
  /** For the statements that every event needs. */
  hot: Pool;
  workflows: WorkflowGateway;
  control: KillSwitch;
  sender: Sender;
  secrets: SecretCipher;
  readSending: ReadSending;
  retryPolicy: RetryPolicy;
  metrics: Metrics;
}

/** Statements that thousands may call at once: a few run at a time and leave connections to others. */
export const LOOK_UPS = { atOnce: 8, mostWaiting: 32_768, full: overloaded };

/** As `withConcurrencyLimit` with LOOK_UPS, for several arguments. */
export function withLookUpLimit<A extends unknown[], O>(
  work: (...args: A) => Promise<O>,
): (...args: A) => Promise<O> {
  const limited = withConcurrencyLimit((args: A) => work(...args), LOOK_UPS);
  return (...args) => limited(args);
}
