import type { z } from 'zod';
import {
  MEASURES,
  readStats,
  STATS_WIDTHS,
  statsCompleteTo,
  type StatsBucket,
  type StatsCounts,
  type StatsScope,
  type StatsSpan,
} from '../../db/stats.js';
import { getEndpoint } from '../../db/endpoints.js';
import { histogram, percentiles, type StepCounts } from '../../domain/duration-steps.js';
import { answer } from '../answer.js';
import type { AppDeps } from '../app-deps.js';
import { liveTick, stats } from '../answers/stats.js';
import { EventStream } from '../event-stream.js';
import { foundEndpoint } from '../found-endpoint.js';
import { idParam, route } from '../route.js';
import { endpointStatsQuery, liveQuery, spanOfEndpoints, statsQuery, statsSpan } from '../stats-schemas.js';

const tag = 'Statistics';
const responses = { 200: { description: 'The statistics.', schema: stats } };
const description =
  'Over all data, counted within seconds of the commit. The answer is about whole buckets: `from` is rounded down, `to` is rounded up.';
/** The widths counted of one tenant or endpoint. */
const LONG_WIDTHS = STATS_WIDTHS.filter((width) => width !== 'minute');

const all = route('GET /v1/stats', {
  operationId: 'getStats',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'Get volume, success, latency and failures over time',
  description,
  query: statsQuery,
  responses,
  async handle({ query: { tenant = null, endpoint_id: endpointId = null, ...given } }, deps) {
    const isOfAll = tenant === null && endpointId === null;
    const span = statsSpan(given, isOfAll ? STATS_WIDTHS : LONG_WIDTHS);
    return answer(200, await statsOf(deps, span, { tenant, endpointId }));
  },
});

const ofEndpoint = route('GET /v1/endpoints/{id}/stats', {
  operationId: 'getEndpointStats',
  tag,
  role: 'viewer',
  portal: 'read',
  summary: 'Get the statistics of an endpoint',
  description,
  params: { id: idParam('ep', 'endpoint') },
  query: endpointStatsQuery,
  responses,
  async handle({ params: { id }, query }, deps) {
    const { tenant } = foundEndpoint(await getEndpoint(deps.pool, id), id);
    return answer(200, await statsOf(deps, statsSpan(query, LONG_WIDTHS), { tenant, endpointId: id }));
  },
});

const stream = route('GET /v1/live', {
  operationId: 'getLive',
  tag,
  role: 'viewer',
  portal: 'read',
  // Streams last long: they are limited by `live`.
  lane: 'free',
  summary: 'Watch what happens, as server-sent events',
  description:
    'Every two seconds an event `tick`, whose data is this JSON. The stream ends when the key is revoked or expires, and when the process stops; an `EventSource` then connects again.',
  query: liveQuery,
  responses: { 200: { description: 'Ticks without end.', schema: liveTick, type: 'text/event-stream' } },
  problems: ['overloaded'],
  async handle({ query: { tenant = null }, identity, isValid }, { live }) {
    const holder = identity.role === 'portal' ? `portal of ${identity.tenant}` : identity.id;
    live.requireRoom({ holder, tenant });
    return answer(200, new EventStream((client) => live.watch({ holder, tenant, client, isValid })));
  },
});

export const statsRoutes = [all, ofEndpoint, stream];

async function statsOf(
  { pool, worstEndpoints }: AppDeps,
  span: StatsSpan,
  scope: StatsScope,
): Promise<z.input<typeof stats>> {
  const isOfEndpoint = scope.endpointId !== null;
  const [buckets, worst, completeTo] = await Promise.all([
    readStats(pool, span, scope),
    isOfEndpoint ? [] : worstEndpoints({ span: spanOfEndpoints(span), tenant: scope.tenant }),
    statsCompleteTo(pool),
  ]);
  const totals = addUp(buckets);
  return {
    from: span.from,
    to: span.to,
    bucket: span.width,
    complete_to: completeTo,
    totals: pointOf(totals, isOfEndpoint),
    buckets: buckets.map((bucket) => ({ starts_at: bucket.starts_at, ...pointOf(bucket, isOfEndpoint) })),
    latency_histogram: histogram(stepsOf(totals.attempt_ms)),
    arrival_histogram: histogram(stepsOf(totals.arrival_ms)),
    worst_endpoints: worst,
  };
}

function addUp(buckets: StatsBucket[]): StatsCounts {
  const sumOf = (measure: keyof StatsCounts) => {
    const sum: Record<string, number> = {};
    for (const { [measure]: counts } of buckets)
      for (const label in counts) sum[label] = (sum[label] ?? 0) + counts[label]!;
    return sum;
  };
  return Object.fromEntries(MEASURES.map((measure) => [measure, sumOf(measure)])) as StatsCounts;
}

function pointOf({ event, delivery, attempt, attempt_ms, arrival_ms }: StatsCounts, isOfEndpoint: boolean) {
  const deliveries = { DELIVERED: 0, FAILED: 0, CANCELLED: 0, ...delivery };
  const decided = deliveries.DELIVERED + deliveries.FAILED;
  return {
    events: isOfEndpoint ? null : (event?.[''] ?? 0),
    deliveries,
    success_rate: decided === 0 ? null : deliveries.DELIVERED / decided,
    attempts: attempt ?? {},
    latency_ms: percentilesOf(attempt_ms),
    arrival_ms: percentilesOf(arrival_ms),
  };
}

type Labels = StatsCounts['attempt_ms'];

function percentilesOf(labels: Labels) {
  const [p50, p95, p99] = percentiles(stepsOf(labels), [0.5, 0.95, 0.99]) ?? [];
  return p50 === undefined ? null : { p50, p95: p95!, p99: p99! };
}

const stepsOf = (labels: Labels): StepCounts =>
  new Map(Object.entries(labels ?? {}).map(([step, count]) => [Number(step), count]));
