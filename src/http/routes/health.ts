import type { Metrics } from '../../observability/metrics.js';
import type { Readiness } from '../../observability/readiness.js';
import { answer, Text } from '../answer.js';
import { health, readiness } from '../answers/health.js';
import { routeWith } from '../route.js';
import { z } from 'zod';

export interface HealthDeps {
  readiness: () => Promise<Readiness>;
  metrics: Metrics;
}

const route = routeWith<HealthDeps>();
const tag = 'Health';
const role = 'none';

const alive = route('GET /healthz', {
  operationId: 'getHealth',
  tag,
  role,
  lane: 'free',
  summary: 'Whether this process is up',
  responses: { 200: { description: 'It is.', schema: health } },
  async handle() {
    return answer(200, { status: 'ok' as const });
  },
});

const ready = route('GET /readyz', {
  operationId: 'getReadiness',
  tag,
  role,
  lane: 'free',
  summary: 'Whether events can be accepted, and delivered as they should',
  responses: {
    200: { description: 'Events are accepted.', schema: readiness },
    503: { description: 'Events cannot be accepted now.', schema: readiness },
  },
  async handle(_call, deps) {
    const parts = await deps.readiness();
    const ok = parts.postgres.ok && parts.temporal.ok && parts.workers.ok && parts.encryption.ok;
    const body = { status: ok ? ('ok' as const) : ('degraded' as const), ...parts };
    return parts.postgres.ok ? answer(200, body) : answer(503, body);
  },
});

const expose = route('GET /metrics', {
  operationId: 'getMetrics',
  tag,
  role,
  lane: 'metrics',
  summary: 'Metrics for Prometheus',
  description: 'Served at METRICS_PORT alone where that is set.',
  responses: { 200: { description: 'The text exposition format.', schema: z.string(), type: 'text/plain' } },
  problems: ['overloaded'],
  async handle(_call, { metrics }) {
    const { contentType, text } = await metrics.expose();
    return answer(200, new Text(text, contentType));
  },
});

export const healthRoutes = [alive, ready];
export const metricsRoutes = [expose];
