import type { StoredEndpoint } from './endpoints.js';
import type { Db } from './pool.js';

export const STATS_WIDTHS = ['minute', 'hour', 'day'] as const;
export type StatsWidth = (typeof STATS_WIDTHS)[number];

/** `from` and `to` are starts of buckets. */
export interface StatsSpan {
  from: Date;
  to: Date;
  width: StatsWidth;
}
export interface StatsScope {
  tenant: string | null;
  endpointId: string | null;
}

/** Events, attempts and ended deliveries are counted, and the durations of attempts and until the arrival. */
export const MEASURES = ['event', 'delivery', 'attempt', 'attempt_ms', 'arrival_ms'] as const;

/** By label (see the table `stats`); null: there are none. */
export type StatsCounts = Record<(typeof MEASURES)[number], Record<string, number> | null>;
export type StatsBucket = StatsCounts & { starts_at: Date };

/** Buckets with counts, oldest first; those without are left out. */
export async function readStats(
  db: Db,
  { from, to, width }: StatsSpan,
  { tenant, endpointId }: StatsScope,
): Promise<StatsBucket[]> {
  const { rows } = await db.query<StatsBucket>({
    name: 'read-stats',
    text: `
      select starts_at,
        ${MEASURES.map((measure) => `json_object_agg(label, count) filter (where measure = '${measure}') as ${measure}`).join()}
      from stats
      where tenant = coalesce($4, (select tenant from endpoints where id = $5), '') and endpoint_id = coalesce($5, '')
        and width = $3 and starts_at >= $1 and starts_at < $2 and count > 0
      group by 1 order by 1`,
    values: [from, to, width, tenant, endpointId],
  });
  return rows;
}

export interface FailingEndpoint {
  endpoint_id: string;
  tenant: string;
  url: string;
  status: StoredEndpoint['status'];
  deleted_at: Date | null;
  attempts: number;
  failed_attempts: number;
}

/** Endpoints named for their failures. */
const MOST_ENDPOINTS = 20;

/** The endpoints with the most failed attempts, worst first. */
export async function worstEndpoints(
  db: Db,
  { span: { from, to, width }, tenant }: { span: StatsSpan; tenant: string | null },
): Promise<FailingEndpoint[]> {
  const { rows } = await db.query<FailingEndpoint>({
    // Apart: each has an index.
    name: tenant === null ? 'worst-endpoints' : 'worst-endpoints-of-tenant',
    text: `
      with worst as materialized (
        select tenant, endpoint_id, sum(count)::float8 as failed_attempts from stats
        where endpoint_id <> '' and measure = 'attempt' and label <> 'DELIVERED' and count > 0
          and width = $3 and starts_at >= $1 and starts_at < $2 ${tenant === null ? '' : 'and tenant = $5'}
        group by 1, 2 order by 3 desc, 2 limit $4
      )
      select endpoint_id, w.tenant, url, status, deleted_at, failed_attempts,
        (select sum(count)::float8 from stats s
          where s.tenant = w.tenant and s.endpoint_id = w.endpoint_id and width = $3 and measure = 'attempt'
            and starts_at >= $1 and starts_at < $2) as attempts
      from worst w join endpoints e on e.id = endpoint_id order by failed_attempts desc, endpoint_id`,
    values: [from, to, width, MOST_ENDPOINTS, ...(tenant === null ? [] : [tenant])],
  });
  return rows;
}

/** Until when everything that was committed is counted; null: never counted yet. */
export async function statsCompleteTo(db: Db): Promise<Date | null> {
  const { rows } = await db.query<{ complete_to: Date | null }>({
    name: 'stats-complete-to',
    text: 'select case when bool_and(complete_to is not null) then min(complete_to) end as complete_to from stats_progress',
  });
  return rows[0]!.complete_to;
}
