import { deliveryOf } from './derived-status.js';
import type { Db } from './pool.js';

/** Rows shown of each kind and scope: the newest. */
const SHOWN = 20;

export interface LiveEvent {
  id: string;
  type: string;
  tenant: string;
  created_at: string;
}

export interface LiveAttempt {
  delivery_id: string;
  number: number;
  event_id: string;
  endpoint_id: string;
  tenant: string;
  event_type: string;
  started_at: string;
  latency_ms: number;
  classification: string;
  http_status: number | null;
}

/** Everything that was committed between two reads, of a tenant or of all. */
export interface LiveCounts {
  events: number;
  deliveries: Record<string, number>;
  attempts: Record<string, number>;
  /** Milliseconds from the creation of a delivery until it was delivered; null: none was. */
  arrival_ms: [p50: number, p99: number] | null;
  recent_events: LiveEvent[];
  recent_attempts: LiveAttempt[];
}

export interface LiveRead {
  /** The place that the next read goes on from. */
  place: string;
  at: Date;
  /** By tenant, or by ALL. */
  counts: Record<string, LiveCounts>;
}

/** In place of a tenant: all of them. */
export const ALL = '';

/**
 * The changes since the read that answered `place`; null: since now. `scopes`: tenants, or ALL. Reads only transactions below
 * the oldest open one, as the feed of events does: no change is missed, and none is read twice.
 */
export async function readLive(db: Db, place: string | null, scopes: string[]): Promise<LiveRead> {
  const { rows } = await db.query<LiveRead>({
    name: 'read-live',
    text: `
      with bounds as materialized (
        select coalesce($1::xid8, pg_snapshot_xmin(pg_current_snapshot())) as low,
          pg_snapshot_xmin(pg_current_snapshot()) as high
      ), accepted as (${scoped(`
        select id, type, tenant, created_at from events where ${IN_BOUNDS}`)}
      ), ended as (${scoped(`
        select tenant, status, extract(epoch from completed_at - created_at)::float8 * 1000 as ms
        from deliveries where ${IN_BOUNDS}`)}
      ), made as (${scoped(`
        select a.delivery_id, a.number, d.event_id, d.endpoint_id, d.tenant, d.event_type, a.started_at, a.latency_ms,
          a.classification, a.http_status
        from (select * from attempts where ${IN_BOUNDS}) a
          cross join lateral ${deliveryOf('a.delivery_id', 'event_id, endpoint_id, tenant, event_type')} d`)}
      ), events_of as (
        select scope, count(*) as events from accepted group by 1
      ), deliveries_of as (
        select scope, jsonb_object_agg(status, n) as deliveries
        from (select scope, status, count(*) as n from ended group by 1, 2) each group by 1
      ), arrivals_of as (
        select scope, to_jsonb(percentile_cont(array[0.5, 0.99]) within group (order by ms)) as arrival_ms
        from ended where status = 'DELIVERED' group by 1
      ), attempts_of as (
        select scope, jsonb_object_agg(classification, n) as attempts
        from (select scope, classification, count(*) as n from made group by 1, 2) each group by 1
      ), recent_events_of as (${recent('accepted', 'id desc')}
      ), recent_attempts_of as (${recent('made', 'started_at desc, delivery_id')}
      )
      select high::text as place, now() as at, (
        select jsonb_object_agg(scope, jsonb_build_object(
          'events', coalesce(events, 0), 'deliveries', coalesce(deliveries, '{}'), 'attempts', coalesce(attempts, '{}'),
          'arrival_ms', arrival_ms, 'recent_events', coalesce(recent_events_of.recent, '[]'),
          'recent_attempts', coalesce(recent_attempts_of.recent, '[]')))
        from unnest($2::text[]) scope left join events_of using (scope) left join deliveries_of using (scope)
          left join arrivals_of using (scope) left join attempts_of using (scope)
          left join recent_events_of using (scope) left join recent_attempts_of using (scope)) as counts
      from bounds`,
    values: [place, scopes],
  });
  return rows[0]!;
}

const IN_BOUNDS = 'xid >= (select low from bounds) and xid < (select high from bounds)';

/** SQL: the rows of the watched tenants, and all of them again where ALL is watched. */
function scoped(rows: string): string {
  return `
    select scope, each.* from (${rows}) each cross join lateral (
      select '${ALL}' as scope where '${ALL}' = any($2) union all select each.tenant where each.tenant = any($2)) scope`;
}

/** SQL: the newest rows of each scope, as JSON. */
function recent(rows: string, order: string): string {
  return `
    select scope, jsonb_agg(to_jsonb(each) - 'scope' - 'nth' order by nth) as recent
    from (select *, row_number() over (partition by scope order by ${order}) as nth from ${rows}) each
    where nth <= ${SHOWN} group by 1`;
}
