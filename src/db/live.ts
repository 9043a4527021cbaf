import type { Db } from './pool.js';

/** Rows shown of each kind: the newest. */
const SHOWN = 20;
/** Attempts looked at, of which those of a tenant are shown. */
const LOOKED_AT = 5_000;

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

/** Everything that was committed between two reads. */
export interface LiveCounts {
  at: Date;
  events: number;
  deliveries: Record<string, number>;
  attempts: Record<string, number>;
  /** Milliseconds from the creation of a delivery until it was delivered; null: none was. */
  arrival_ms: [p50: number, p99: number] | null;
  recent_events: LiveEvent[];
  recent_attempts: LiveAttempt[];
}

/**
 * The changes since the read that answered `place`, of one tenant or of all; null: since now. Reads only transactions below
 * the oldest open one, as the feed of events does: no change is missed, and none is read twice.
 */
export async function readLive(
  db: Db,
  place: string | null,
  tenant: string | null,
): Promise<LiveCounts & { place: string }> {
  const { rows } = await db.query<LiveCounts & { place: string }>({
    name: 'read-live',
    text: `
      with bounds as materialized (
        select coalesce($1::xid8, pg_snapshot_xmin(pg_current_snapshot())) as low,
          pg_snapshot_xmin(pg_current_snapshot()) as high
      ), accepted as materialized (
        select id, type, tenant, created_at from events
        where xid >= (select low from bounds) and xid < (select high from bounds) and ($2::text is null or tenant = $2)
      ), ended as materialized (
        select status, extract(epoch from completed_at - created_at)::float8 * 1000 as ms from deliveries
        where xid >= (select low from bounds) and xid < (select high from bounds) and ($2::text is null or tenant = $2)
      ), looked_at as materialized (
        select delivery_id, number, started_at, latency_ms, classification, http_status from attempts
        where xid >= (select low from bounds) and xid < (select high from bounds)
        order by xid desc limit ${LOOKED_AT}
      ), made as materialized (
        select looked_at.*, d.* from looked_at cross join lateral (
          select event_id, endpoint_id, tenant, event_type from open_deliveries where id = delivery_id
          union all select event_id, endpoint_id, tenant, event_type from deliveries where id = delivery_id limit 1
        ) d where $2::text is null or tenant = $2
      )
      select (select high::text from bounds) as place, now() as at,
        (select count(*)::int from accepted) as events,
        (select coalesce(jsonb_object_agg(status, n), '{}') from (select status, count(*) as n from ended group by 1) d)
          as deliveries,
        (select coalesce(jsonb_object_agg(classification, n), '{}')
          from (select classification, count(*) as n from made group by 1) a) as attempts,
        (select percentile_cont(array[0.5, 0.99]) within group (order by ms) from ended where status = 'DELIVERED')
          as arrival_ms,
        (select coalesce(jsonb_agg(e), '[]') from (select * from accepted order by id desc limit ${SHOWN}) e)
          as recent_events,
        (select coalesce(jsonb_agg(a), '[]')
          from (select * from made order by started_at desc, delivery_id limit ${SHOWN}) a) as recent_attempts`,
    values: [place, tenant],
  });
  return rows[0]!;
}
