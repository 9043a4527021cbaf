import { Router } from 'express';
import type { AppDeps } from '../app.js';

export interface Readiness {
  postgres: { ok: boolean };
  temporal: { ok: boolean; address: string; namespace: string; ui_url: string | null };
  workers: { ok: boolean };
}

/** `/healthz`: this process is up. `/readyz`: 503 only while events cannot be accepted. `/metrics`: for Prometheus. */
export function healthRoutes({ readiness, metrics }: Pick<AppDeps, 'readiness' | 'metrics'>): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const parts = await readiness();
    const ok = parts.postgres.ok && parts.temporal.ok && parts.workers.ok;
    response.status(parts.postgres.ok ? 200 : 503).json({ status: ok ? 'ok' : 'degraded', ...parts });
  });
  router.get('/metrics', async (_request, response) => {
    const { contentType, text } = await metrics.expose();
    response.type(contentType).send(text);
  });
  return router;
}
