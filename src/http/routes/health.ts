import { Router } from 'express';
import type { Metrics } from '../../observability/metrics.js';
import type { Readiness } from '../../observability/readiness.js';
import { limitConcurrency, createConcurrencyLimit } from '../concurrency-limit.js';

/** Separate from the API's limit: slow readers of the metrics hold only these. */
const MAX_METRICS_REQUESTS = 16;

export interface HealthDeps {
  readiness: () => Promise<Readiness>;
  metrics: Metrics;
}

/** `/healthz`: this process is up. `/readyz`: 503 only while events cannot be accepted. */
export function healthRoutes({ readiness }: HealthDeps): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const parts = await readiness();
    const ok = parts.postgres.ok && parts.temporal.ok && parts.workers.ok && parts.encryption.ok;
    response.status(parts.postgres.ok ? 200 : 503).json({ status: ok ? 'ok' : 'degraded', ...parts });
  });
  return router;
}

/** `/metrics`, in the Prometheus text format. */
export function metricsRoutes({ metrics }: HealthDeps): Router {
  const router = Router();
  router.get(
    '/metrics',
    limitConcurrency(createConcurrencyLimit(MAX_METRICS_REQUESTS)),
    async (_request, response) => {
      const { contentType, text } = await metrics.expose();
      response.type(contentType).send(text);
    },
  );
  return router;
}
