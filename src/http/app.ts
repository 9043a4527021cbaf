import type { RequestListener } from 'node:http';
import express, { type Express, type RequestHandler, type Router } from 'express';
import { Problem } from './problem.js';
import { setAnswerHeaders } from './answer-headers.js';
import type { AppDeps } from './app-deps.js';
import { authenticate } from './auth.js';
import { MAX_EVENT_BYTES } from './json-body.js';
import { createErrorHandler, createProblemWriter, type WriteProblem } from './error-handler.js';
import { withEventFastPath } from './event-fast-path.js';
import { createFairLimit } from './fair-limit.js';
import { limitFairly } from './limit-fairly.js';
import { auditRoutes } from './routes/audit.js';
import { batchRoutes } from './routes/batches.js';
import { controlRoutes } from './routes/control.js';
import { deliveryRoutes } from './routes/deliveries.js';
import { endpointMatchRoutes } from './routes/endpoint-match.js';
import { endpointSecretRoutes } from './routes/endpoint-secrets.js';
import { endpointTestRoutes } from './routes/endpoint-test.js';
import { endpointRoutes } from './routes/endpoints.js';
import { eventTypeRoutes } from './routes/event-types.js';
import { eventRoutes } from './routes/events.js';
import { sendRoutes } from './routes/send.js';
import { tenantRoutes } from './routes/tenants.js';
import { healthRoutes, metricsRoutes, type HealthDeps } from './routes/health.js';

/** The body holds a reason only. The kill switch has its own limit, so a flood of events cannot block it. */
const MAX_CONTROL_BYTES = 16 * 1024;
const MAX_CONTROL_REQUESTS = 32;

/** 10 000 delivery ids, one per line. */
const MAX_BATCH_BYTES = 512 * 1024;

/** For all events of a batch together, at most 1000. */
const MAX_EVENTS_BYTES = 4 * 1024 * 1024;
const MAX_EVENTS_REQUESTS = 16;

/** An OpenAPI document with its components. */
const MAX_IMPORT_BYTES = 4 * 1024 * 1024;
const MAX_IMPORT_REQUESTS = 2;

/** Each may keep a connection of the pool busy for seconds. */
const MAX_MATCH_REQUESTS = 4;

const MAX_REQUESTS = 256;

export function createApp(deps: AppDeps): RequestListener {
  const refuse = createProblemWriter(deps.log);
  const requests = createFairLimit(MAX_REQUESTS);
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  // No filter is an object: `a[b]=1` and `a=1&a=2` must not be parsed into one.
  app.set('query parser', 'simple');
  app.use((_request, response, next) => {
    setAnswerHeaders(response);
    next();
  });
  for (const routes of [healthRoutes(deps), ...(deps.exposesMetrics ? [metricsRoutes(deps)] : [])]) {
    refuseOtherMethods(routes);
    app.use(routes);
  }
  // Before bodies are read: no body is buffered without a known key, and only as many as the limits allow.
  app.use('/v1', authenticate(deps));
  app.use(
    '/v1/control',
    limitFairly(createFairLimit(MAX_CONTROL_REQUESTS)),
    express.raw({ type: () => true, limit: MAX_CONTROL_BYTES }),
  );
  const control = controlRoutes({ ...deps, pool: deps.controlPool });
  refuseOtherMethods(control);
  app.use('/v1', control);
  // First: a batch of events that waits for its turn holds none of the slots that all requests share.
  app.use('/v1/events/batch', limitFairly(createFairLimit(MAX_EVENTS_REQUESTS)));
  app.use('/v1/endpoints/match', limitFairly(createFairLimit(MAX_MATCH_REQUESTS)));
  app.use('/v1/event-types/import', limitFairly(createFairLimit(MAX_IMPORT_REQUESTS)));
  app.use('/v1', limitFairly(requests));
  app.use('/v1/batches', express.raw({ type: () => true, limit: MAX_BATCH_BYTES }));
  app.use('/v1/events/batch', express.raw({ type: () => true, limit: MAX_EVENTS_BYTES }));
  app.use('/v1/event-types/import', express.raw({ type: () => true, limit: MAX_IMPORT_BYTES }));
  app.use('/v1', express.raw({ type: () => true, limit: MAX_EVENT_BYTES }));
  for (const routes of [
    eventRoutes(deps),
    sendRoutes(deps),
    endpointMatchRoutes(deps),
    endpointRoutes(deps),
    endpointSecretRoutes(deps),
    endpointTestRoutes(deps),
    eventTypeRoutes(deps),
    deliveryRoutes(deps),
    batchRoutes(deps),
    auditRoutes(deps),
    tenantRoutes(deps),
  ]) {
    refuseOtherMethods(routes);
    app.use('/v1', routes);
  }
  refuseTheRest(app, refuse);
  return withEventFastPath(app, deps, { requests, refuse });
}

/** Serves only health and metrics, for a port of their own. */
export function createMonitor(deps: HealthDeps & Pick<AppDeps, 'log'>): RequestListener {
  const app = express();
  app.disable('x-powered-by');
  app.use(healthRoutes(deps), metricsRoutes(deps));
  refuseTheRest(app, createProblemWriter(deps.log));
  return app;
}

function refuseTheRest(app: Express, refuse: WriteProblem): void {
  app.use((request) => {
    throw new Problem(404, 'not_found', `There is nothing at ${request.path}.`);
  });
  app.use(createErrorHandler(refuse));
}

/** Answers other methods on known paths with 405 and the allowed methods (RFC 9110 section 15.5.6). */
function refuseOtherMethods(router: Router): void {
  const methods = new Map<string, string[]>();
  for (const { route } of router.stack) {
    if (!route) continue;
    const known = methods.get(route.path) ?? [];
    methods.set(route.path, [...known, ...route.stack.map((layer) => layer.method.toUpperCase())]);
  }
  for (const [path, known] of methods) {
    const allow = [...new Set(known)].join(', ');
    const refuse: RequestHandler = (request) => {
      throw new Problem(
        405,
        'method_not_allowed',
        `${request.method} is not possible here, only ${allow}.`,
        [],
        { allow },
      );
    };
    router.all(path, refuse);
  }
}
