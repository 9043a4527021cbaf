import { z } from 'zod';
import { STATS_WIDTHS } from '../../db/stats.js';
import { classification, count, instant } from './common.js';
import { endpointStatus } from './endpoints.js';

const percentiles = z.object({ p50: z.number(), p95: z.number(), p99: z.number() }).nullable().meta({
  description: 'In milliseconds, at most a fifth away from the exact values; null: nothing was counted.',
});

const point = {
  events: count.nullable().meta({ description: 'Accepted events. Null in the statistics of an endpoint.' }),
  deliveries: z
    .object({ DELIVERED: count, FAILED: count, CANCELLED: count })
    .meta({ description: 'Deliveries by the time they ended.' }),
  success_rate: z
    .number()
    .nullable()
    .meta({ description: 'DELIVERED of DELIVERED and FAILED, from 0 to 1; null: neither.' }),
  attempts: z
    .partialRecord(classification, count)
    .meta({ description: 'Attempts by classification and the time they started.' }),
  latency_ms: percentiles,
  arrival_ms: percentiles,
};

const histogram = z
  .array(z.object({ below_ms: z.number(), count }))
  .meta({ description: 'Numbers of durations below a bound and not below the one before.' });

export const stats = z
  .object({
    from: instant.meta({ description: 'The start of the first bucket.' }),
    to: instant.meta({ description: 'The end of the last one.' }),
    bucket: z.enum(STATS_WIDTHS),
    complete_to: instant
      .nullable()
      .meta({ description: 'All that was committed before is counted; null: counting has not begun.' }),
    totals: z.object(point),
    buckets: z
      .array(z.object({ starts_at: instant, ...point }))
      .meta({ description: 'Oldest first, in UTC. Buckets without a count are left out.' }),
    latency_histogram: histogram,
    arrival_histogram: histogram,
    worst_endpoints: z
      .array(
        z.object({
          endpoint_id: z.string(),
          tenant: z.string(),
          url: z.string(),
          status: endpointStatus,
          deleted_at: instant.nullable(),
          attempts: count,
          failed_attempts: count,
        }),
      )
      .meta({
        description:
          'At most 20, the most failed attempts first, in the whole hours of the time, or the whole days where it is longer than a day, as they were at most ten seconds ago. Empty in the statistics of an endpoint.',
      }),
  })
  .meta({
    id: 'Stats',
    description:
      '`latency_ms` is the duration of attempts, `arrival_ms` the time from a delivery’s creation until it was delivered.',
  });

export const liveTick = z
  .object({
    at: instant,
    seconds: z
      .number()
      .meta({ description: 'Since the tick before, which the counts go on from; 0: this is the first.' }),
    events: count,
    deliveries: z.partialRecord(z.enum(['DELIVERED', 'FAILED', 'CANCELLED']), count),
    attempts: z.partialRecord(classification, count),
    arrival_ms: z.object({ p50: z.number(), p99: z.number() }).nullable(),
    recent_events: z
      .array(z.object({ id: z.string(), type: z.string(), tenant: z.string(), created_at: z.string() }))
      .meta({ description: 'At most 20, the newest first.' }),
    recent_attempts: z
      .array(
        z.object({
          delivery_id: z.string(),
          number: count,
          event_id: z.string(),
          endpoint_id: z.string(),
          tenant: z.string(),
          event_type: z.string(),
          started_at: z.string(),
          latency_ms: z.number(),
          classification,
          http_status: z.int().nullable(),
        }),
      )
      .meta({ description: 'At most 20, the newest first.' }),
    open: z
      .object({
        ...{ PENDING: count, IN_PROGRESS: count, HELD: count, overdue: count },
        oldest_overdue_seconds: z.number(),
        workflow_starts_waiting: count,
      })
      .nullable()
      .meta({
        description:
          'Deliveries that have not ended, as in the metrics; null in the stream of a tenant, and while they cannot be counted.',
      }),
  })
  .meta({ id: 'LiveTick' });
