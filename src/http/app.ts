import type { RequestListener } from 'node:http';
import express, { type Express, type RequestHandler } from 'express';
import { ownerOf } from '../db/owners.js';
import { setAnswerHeaders } from './answer-headers.js';
import type { AppDeps } from './app-deps.js';
import { authenticate } from './auth.js';
import { allowOrigins } from './cors.js';
import { createConcurrencyLimit, limitConcurrency } from './concurrency-limit.js';
import { docsAssets } from './docs-page.js';
import { createErrorHandler, createProblemWriter, type WriteProblem } from './error-handler.js';
import { withEventFastPath } from './event-fast-path.js';
import { createFairLimit } from './fair-limit.js';
import { limitFairly } from './limit-fairly.js';
import { mount } from './mount.js';
import { createOpenApi } from './openapi/document.js';
import { servePage } from './page/serve.js';
import { Problem } from './problem.js';
import type { Lane, Owned } from './route.js';
import { healthRoutes, metricsRoutes, type HealthDeps } from './routes/health.js';
import { allRoutes, apiRoutes } from './routes/index.js';
import { portalRedemptionRoutes } from './routes/portal-redemption.js';
import { sessionRoutes } from './routes/sessions.js';
import { referenceRoutes } from './routes/reference.js';
import { securityHeaders } from './security-headers.js';
import { shownToCustomers } from './shown-reason.js';

const MAX_REQUESTS = 256;
/** The kill switch has its own limit, so a flood of events cannot block it. */
const MAX_CONTROL_REQUESTS = 32;
/** Each may have a body of 4 MiB. */
const MAX_EVENTS_REQUESTS = 16;
/** Each may have a body of 4 MiB with a thousand schemas. */
const MAX_IMPORT_REQUESTS = 2;
/** Each may keep a connection of the pool busy for seconds. */
const MAX_MATCH_REQUESTS = 4;
/** Separate from the API's limit: slow readers of the metrics hold only these. */
const MAX_METRICS_REQUESTS = 16;

export function createApp(deps: AppDeps): RequestListener {
  const refuse = createProblemWriter(deps.log);
  const requests = createFairLimit(MAX_REQUESTS);
  const guards = {
    lanes: createLanes(limitFairly(requests)),
    tenantOf: async (owned: Owned, id: string) => (owned === 'tenant' ? id : ownerOf(deps.pool, owned, id)),
  };
  const app = newApp();
  if (deps.corsOrigins.length > 0) app.use('/v1', allowOrigins(deps.corsOrigins));
  const document = JSON.stringify(createOpenApi(allRoutes, deps.version));
  app.use('/docs', docsAssets());
  mount(app, referenceRoutes, { document }, guards);
  mount(app, [...healthRoutes, ...(deps.exposesMetrics ? metricsRoutes : [])], deps, guards);
  mount(app, portalRedemptionRoutes, deps, guards);
  app.get('/session', authenticate(deps));
  mount(app, sessionRoutes, deps, guards);
  // Before other bodies are read: none is buffered without a known key, and only as many as the limits allow.
  app.use('/v1', authenticate(deps));
  // Customers cannot reach the Web UI of Temporal, and need not know where it is.
  const portalDeps = { ...deps, workflowUrl: () => null, shownReason: shownToCustomers };
  mount(app, apiRoutes, deps, guards, portalDeps);
  app.use(servePage(deps.page, deps.portalAncestors));
  refuseTheRest(app, refuse);
  return withEventFastPath(app, deps, { requests, refuse });
}

/** Serves only health and metrics, for a port of their own. */
export function createMonitor(deps: HealthDeps & Pick<AppDeps, 'log'>): RequestListener {
  const app = newApp();
  const guards = { lanes: createLanes(), tenantOf: async () => null };
  mount(app, [...healthRoutes, ...metricsRoutes], deps, guards);
  refuseTheRest(app, createProblemWriter(deps.log));
  return app;
}

function newApp(): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // No filter is an object: `a[b]=1` and `a=1&a=2` must not be parsed into one.
  app.set('query parser', 'simple');
  app.use((request, response, next) => {
    setAnswerHeaders(request, response);
    next();
  });
  app.use(securityHeaders());
  return app;
}

function createLanes(...usual: RequestHandler[]): Record<Lane, RequestHandler[]> {
  return {
    usual,
    control: [limitFairly(createFairLimit(MAX_CONTROL_REQUESTS))],
    // First: a batch of events that waits for its turn holds none of the slots that all requests share.
    events: [limitFairly(createFairLimit(MAX_EVENTS_REQUESTS)), ...usual],
    match: [limitFairly(createFairLimit(MAX_MATCH_REQUESTS)), ...usual],
    import: [limitFairly(createFairLimit(MAX_IMPORT_REQUESTS)), ...usual],
    metrics: [limitConcurrency(createConcurrencyLimit(MAX_METRICS_REQUESTS))],
    free: [],
  };
}

function refuseTheRest(app: Express, refuse: WriteProblem): void {
  app.use((request) => {
    throw new Problem(404, 'not_found', `There is nothing at ${request.path}.`);
  });
  app.use(createErrorHandler(refuse));
}
