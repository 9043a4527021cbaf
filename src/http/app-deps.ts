import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Accepted, NewEvent } from '../db/events.js';
import type { KeyedDigest } from '../db/keyed-digest.js';
import type { Pool } from '../db/pool.js';
import type { Redemption, StoredPortalSession, Unredeemed } from '../db/portal-sessions.js';
import type { FailingEndpoint, StatsSpan } from '../db/stats.js';
import type { KillSwitch } from '../delivery/kill-switch.js';
import type { Accept } from '../delivery/accept-events.js';
import type { ReadSending } from '../delivery/sending.js';
import type { PayloadSchemas } from '../delivery/payload-schemas.js';
import type { WorkflowGateway } from '../delivery/workflow-gateway.js';
import type { TenantRates } from '../delivery/tenant-rates.js';
import type { TenantQuotas } from '../domain/tenant.js';
import type { WorkflowMode } from '../domain/delivery.js';
import type { SecretCipher } from '../lib/secret-cipher.js';
import type { AddressGuard } from '../webhook/address-guard.js';
import type { Sender } from '../webhook/send.js';
import type { settings } from './answers/installation.js';
import type { Auth } from './auth.js';
import type { PageFiles } from './page/files.js';
import type { SessionDeps } from './routes/sessions.js';
import type { Live } from './live.js';
import type { TestLimit } from './test-limit.js';
import type { HealthDeps } from './routes/health.js';

export interface AppDeps extends HealthDeps, SessionDeps {
  pool: Pool;
  /** For the kill switch alone, which must work while all connections of `pool` are in use. */
  controlPool: Pool;
  identify: Auth['identify'];
  isValid: Auth['isValid'];
  live: Live;
  /** The endpoints that fail most, as they were at most ten seconds ago. */
  worstEndpoints: (of: { span: StatsSpan; tenant: string | null }) => Promise<FailingEndpoint[]>;
  /** Limits how many run at once: it needs no API key. */
  redeemPortalSession: (redemption: Redemption) => Promise<StoredPortalSession | Unredeemed>;
  /** The URL that customers reach this API by, without a slash at its end; links begin with it. */
  publicUrl: () => string;
  readSettings: () => Promise<z.input<typeof settings>>;
  guard: AddressGuard;
  secrets: SecretCipher;
  keyedDigest: KeyedDigest;
  readSending: ReadSending;
  /** For tests of endpoints alone. */
  sender: Sender;
  testLimit: TestLimit;
  /** False: this process may have no way out to receivers. */
  sendsHere: boolean;
  /** Surehook's version, for `user-agent` and the OpenAPI document. */
  version: string;
  accept: Accept;
  /** The earlier event of a key that is in its window; limits how many look-ups run at once. */
  findByKey: (event: NewEvent) => Promise<Exclude<Accepted, { kind: 'accepted' }> | null>;
  payloadSchemas: PayloadSchemas;
  /** The ids that are not endpoints of the tenant; limits how many look-ups run at once. */
  unknownEndpoints: (named: { tenant: string; endpointIds: string[] }) => Promise<string[]>;
  workflows: WorkflowGateway;
  workflowMode: WorkflowMode;
  control: KillSwitch;
  /** For tenants without their own. */
  quotas: TenantQuotas;
  tenantRates: Pick<TenantRates, 'limits' | 'take'>;
  /** Origins whose pages browsers let call the API; none by default. */
  corsOrigins: string[];
  page: PageFiles;
  /** Origins whose pages may frame the portal. */
  portalAncestors: string[];
  /** False: the metrics have a port of their own. */
  exposesMetrics: boolean;
  /** A workflow's page in the Temporal Web UI; null without a Web UI. */
  workflowUrl: (workflowId: string) => string | null;
  /** Why a delivery is held, as the caller may see it. */
  shownReason: (reason: string) => string;
  maxAttempts: number;
  log: Logger;
}
