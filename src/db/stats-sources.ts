import { stepOf } from '../domain/duration-steps.js';
import { deliveryOf } from './derived-status.js';

export const STATS_SOURCES = ['events', 'attempts', 'deliveries'] as const;
export type StatsSource = (typeof STATS_SOURCES)[number];

interface Source {
  /** SQL: what is read of each row. */
  columns: string;
  /** SQL: the columns that order the rows; there is an index on them. */
  key: [xid: string, id: string, number?: string];
  /** SQL: tenant, endpoint, minute, measure, label and count of what there is to count in rows. */
  counts(rows: string): string;
  /** SQL: each failure in rows, for the issues: tenant, endpoint, measure, classification, delivery and time. */
  failures(rows: string): string;
}

/** SQL: the minute of a time, without the look-up of a time zone that `date_trunc` makes for each row. */
const minuteOf = (at: string) => `date_bin('1 minute', ${at}, '2000-01-01T00:00:00Z')`;

// Rows that are alike are grouped first: a page has few different ones.
export const SOURCES: Record<StatsSource, Source> = {
  events: {
    columns: 'xid, id, tenant, created_at',
    key: ['xid', 'id'],
    counts: (rows) => `
      select tenant, '' as endpoint_id, ${minuteOf('created_at')} as at, 'event' as measure, '' as label, count(*) as count
      from ${rows} group by tenant, at`,
    failures: (rows) => `
      select tenant, '' as endpoint_id, '' as measure, '' as label, id as delivery_id, created_at as seen_at
      from ${rows} where false`,
  },
  attempts: {
    columns: 'xid, delivery_id, number, started_at, latency_ms, classification',
    key: ['xid', 'delivery_id', 'number'],
    counts: (rows) => `
      select tenant, endpoint_id, at, measure, label, count
      from (
        select tenant, endpoint_id, ${minuteOf('started_at')} as at, classification, ${stepOf('latency_ms')} as step,
          count(*) as count
        from ${rows} cross join lateral ${deliveryOf('delivery_id', 'tenant, endpoint_id')} delivery
        group by tenant, endpoint_id, at, classification, step
      ) alike cross join lateral (
        values ('attempt', classification), ('attempt_ms', step::text)
      ) counted (measure, label)
      -- A lost attempt has no duration.
      where measure = 'attempt' or classification <> 'WORKER_LOST'`,
    failures: (rows) => `
      select tenant, endpoint_id, 'attempt' as measure, classification as label, delivery_id, started_at
        + case when latency_ms between 0 and 3600000 then latency_ms else 0 end * interval '1 millisecond' as seen_at
      from ${rows} cross join lateral ${deliveryOf('delivery_id', 'tenant, endpoint_id')} delivery
      where classification <> 'DELIVERED'`,
  },
  deliveries: {
    columns: 'xid, id, tenant, endpoint_id, status, last_classification, created_at, completed_at',
    key: ['xid', 'id'],
    // `date_part`, because `extract` makes a numeric of each.
    counts: (rows) => `
      select tenant, endpoint_id, at, measure, label, count
      from (
        select tenant, endpoint_id, ${minuteOf('completed_at')} as at, status,
          ${stepOf(`date_part('epoch', completed_at - created_at) * 1000`)} as step, count(*) as count
        from ${rows} group by tenant, endpoint_id, at, status, step
      ) alike cross join lateral (
        values ('delivery', status), ('arrival_ms', step::text)
      ) counted (measure, label)
      where measure = 'delivery' or status = 'DELIVERED'`,
    failures: (rows) => `
      select tenant, endpoint_id, 'failed' as measure, last_classification as label, id as delivery_id,
        completed_at as seen_at
      from ${rows} where status = 'FAILED'`,
  },
};

/**
 * SQL: writes the corrections of the attempt and the delivery that a late record changes: `late` has the attempt as it is
 * now; `isCutShort` is true for a delivery that becomes DELIVERED by it.
 */
export const correctLate = (isCutShort: string): string => `
  insert into stats_corrections (source, xid, id, number, tenant, endpoint_id, at, measure, label, count)
  select 'attempts', old.xid, delivery_id, number, counted.*
  from late join attempts old using (delivery_id, number) cross join lateral (
    ${changeOf('attempts', 'select old.*', 'select late.*')}
  ) counted
  union all
  select 'deliveries', d.xid, d.id, 0, counted.*
  from late join deliveries d on d.id = late.delivery_id cross join lateral (
    ${changeOf(
      'deliveries',
      'select d.*',
      `select d.tenant, d.endpoint_id, d.created_at, d.completed_at, 'DELIVERED' as status`,
    )}
    union all select tenant, endpoint_id, seen_at, measure, label, -1
    from (${SOURCES.deliveries.failures('(select d.*) was')}) failed
  ) counted
  where ${isCutShort}`;

/** SQL: what to add to the counts of a row that was, for the row that is now. */
const changeOf = (source: StatsSource, was: string, isNow: string): string => `
  select tenant, endpoint_id, at, measure, label, -count as count from (${SOURCES[source].counts(`(${was}) was`)}) counted
  union all select * from (${SOURCES[source].counts(`(${isNow}) is_now`)}) counted`;
