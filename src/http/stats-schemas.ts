import { z } from 'zod';
import { STATS_WIDTHS, type StatsSpan, type StatsWidth } from '../db/stats.js';
import { badField } from './problem.js';
import { id, tenant, time } from './schemas.js';

const MINUTE = 60_000;
const LENGTHS: Record<StatsWidth, number> = { minute: MINUTE, hour: 60 * MINUTE, day: 24 * 60 * MINUTE };
/** Bounds the work of an answer. */
const MAX_BUCKETS = 400;

const span = {
  from: time.optional().meta({ description: 'Default: 24 hours before `to`.' }),
  to: time.optional().meta({ description: 'Default: now.' }),
  bucket: z
    .enum(STATS_WIDTHS)
    .optional()
    .meta({
      description: `Default: the shortest with at most ${MAX_BUCKETS} buckets. More are refused. \`minute\` is for all tenants only.`,
    }),
};

export const liveQuery = z.strictObject({ tenant: tenant.optional() });
export const endpointStatsQuery = z.strictObject(span);
export const statsQuery = z.strictObject({
  ...span,
  tenant: tenant.optional(),
  endpoint_id: id('ep').optional(),
});

/**
 * The whole buckets that the given time is in. Throws a 400 Problem for a time that is empty, or has too many of them.
 * `widths`: those that are counted.
 */
export function statsSpan(
  { from, to = new Date(), bucket }: z.output<typeof endpointStatsQuery>,
  widths: readonly StatsWidth[],
): StatsSpan {
  const start = from ?? new Date(to.getTime() - LENGTHS.day);
  if (start >= to) throw badField('from', 'Must be before `to`.');
  const spans = STATS_WIDTHS.filter((width) => widths.includes(width)).map((width) =>
    wholeBuckets(start, to, width),
  );
  if (bucket && !widths.includes(bucket)) {
    throw badField('bucket', `Of one tenant or endpoint, there is ${widths.join(' and ')} only.`);
  }
  const isFew = (one: StatsSpan) => countOf(one) <= MAX_BUCKETS;
  const chosen = spans.find((one) => (bucket ? one.width === bucket : isFew(one))) ?? spans.at(-1)!;
  if (isFew(chosen)) return chosen;
  const message = `Gives ${countOf(chosen)} buckets, at most ${MAX_BUCKETS} are answered: ask for longer ones, or a shorter time.`;
  throw badField(bucket ? 'bucket' : 'from', message);
}

/** Hours of a day, days of a longer time: an endpoint has a row for each, whatever the answer's buckets are. */
export const spanOfEndpoints = ({ from, to }: StatsSpan): StatsSpan =>
  wholeBuckets(from, to, to.getTime() - from.getTime() > LENGTHS.day + LENGTHS.hour ? 'day' : 'hour');

function wholeBuckets(from: Date, to: Date, width: StatsWidth): StatsSpan {
  const length = LENGTHS[width];
  return {
    from: new Date(Math.floor(from.getTime() / length) * length),
    to: new Date(Math.ceil(to.getTime() / length) * length),
    width,
  };
}

const countOf = ({ from, to, width }: StatsSpan) => (to.getTime() - from.getTime()) / LENGTHS[width];
