import { apiKeyRoutes } from './api-keys.js';
import { attemptRoutes } from './attempts.js';
import { auditRoutes } from './audit.js';
import { batchRoutes } from './batches.js';
import { controlRoutes } from './control.js';
import { deliveryRoutes } from './deliveries.js';
import { endpointMatchRoutes } from './endpoint-match.js';
import { endpointSecretRoutes } from './endpoint-secrets.js';
import { endpointTestRoutes } from './endpoint-test.js';
import { endpointRoutes } from './endpoints.js';
import { eventSearchRoutes } from './event-search.js';
import { eventTypeRoutes } from './event-types.js';
import { eventRoutes } from './events.js';
import { healthRoutes, metricsRoutes } from './health.js';
import { installationRoutes } from './installation.js';
import { issueRoutes } from './issues.js';
import { portalRedemptionRoutes } from './portal-redemption.js';
import { portalRevocationRoutes } from './portal-revocation.js';
import { portalSessionRoutes } from './portal-sessions.js';
import { referenceRoutes } from './reference.js';
import { sessionRoutes } from './sessions.js';
import { statsRoutes } from './stats.js';
import { sendRoutes } from './send.js';
import { tenantRoutes } from './tenants.js';

/** Routes that need an API key. */
export const apiRoutes = [
  ...eventRoutes,
  ...eventSearchRoutes,
  ...sendRoutes,
  ...endpointRoutes,
  ...endpointSecretRoutes,
  ...endpointTestRoutes,
  ...endpointMatchRoutes,
  ...eventTypeRoutes,
  ...deliveryRoutes,
  ...attemptRoutes,
  ...statsRoutes,
  ...issueRoutes,
  ...batchRoutes,
  ...controlRoutes,
  ...tenantRoutes,
  ...apiKeyRoutes,
  ...portalSessionRoutes,
  ...portalRevocationRoutes,
  ...auditRoutes,
  ...installationRoutes,
];

/** All, in the order of the OpenAPI document. */
export const allRoutes = [
  ...apiRoutes,
  ...portalRedemptionRoutes,
  ...sessionRoutes,
  ...healthRoutes,
  ...metricsRoutes,
  ...referenceRoutes,
];
