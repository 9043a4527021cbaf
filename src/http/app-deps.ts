import type { Logger } from 'pino';
import type { Pool } from '../db/pool.js';
import type { KillSwitch } from '../delivery/kill-switch.js';
import type { Accept } from '../delivery/accept-events.js';
import type { DeliveryStart, WorkflowGateway } from '../delivery/workflow-gateway.js';
import type { SecretCipher } from '../lib/secret-cipher.js';
import type { AddressGuard } from '../webhook/address-guard.js';
import type { Auth } from './auth.js';
import type { HealthDeps } from './routes/health.js';

export interface AppDeps extends HealthDeps {
  pool: Pool;
  /** Of the kill switch alone: where all of `pool` is taken, it has to work. */
  controlPool: Pool;
  identify: Auth['identify'];
  allow: Auth['allow'];
  authorize: Auth['authorize'];
  guard: AddressGuard;
  secrets: SecretCipher;
  accept: Accept;
  /** Those that are not the tenant's, a few look-ups at a time. */
  unknownEndpoints: (named: { tenant: string; endpointIds: string[] }) => Promise<string[]>;
  /** In the background. */
  startWorkflow: (start: DeliveryStart) => void;
  workflows: WorkflowGateway;
  control: KillSwitch;
  /** False: the metrics are on a port of their own. */
  exposesMetrics: boolean;
  /** A workflow's page in the Temporal Web UI, where there is one. */
  workflowUrl: (workflowId: string) => string | null;
  maxAttempts: number;
  log: Logger;
}
