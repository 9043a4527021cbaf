import { stepOf } from '../domain/duration-steps.js';
import { transaction, type Db, type Pool } from './pool.js';

/** `complete_to` moves this often while there are no new rows. */
const STALE = `interval '10 seconds'`;

export const STATS_SOURCES = ['events', 'attempts', 'deliveries'] as const;
export type StatsSource = (typeof STATS_SOURCES)[number];

interface Source {
  /** SQL: what is read of each row. */
  columns: string;
  /** SQL: the columns that order the rows, as xid, id and number. */
  order: [xid: string, id: string, number: string];
  /** SQL: tenant, endpoint, time, measure and label of what there is to count in rows. */
  measures(rows: string): string;
}

const SOURCES: Record<StatsSource, Source> = {
  events: {
    columns: 'xid, id, tenant, created_at',
    order: ['xid', 'id', '0'],
    measures: (rows) =>
      `select tenant, '' as endpoint_id, created_at as at, 'event' as measure, '' as label from ${rows}`,
  },
  attempts: {
    columns: 'xid, delivery_id, number, started_at, latency_ms, classification',
    order: ['xid', 'delivery_id', 'number'],
    // One look-up for each row: a join might read all deliveries.
    measures: (rows) => `
      select tenant, endpoint_id, started_at as at, measure, label
      from ${rows} cross join lateral (
          select tenant, endpoint_id from open_deliveries where id = delivery_id
          union all select tenant, endpoint_id from deliveries where id = delivery_id limit 1
        ) delivery cross join lateral (
          values ('attempt', classification), ('attempt_ms', ${stepOf('latency_ms')}::text)
        ) counted (measure, label)
      -- A lost attempt has no duration.
      where measure = 'attempt' or classification <> 'WORKER_LOST'`,
  },
  deliveries: {
    columns: 'xid, id, tenant, endpoint_id, status, created_at, completed_at',
    order: ['xid', 'id', '0'],
    measures: (rows) => `
      select tenant, endpoint_id, completed_at as at, measure, label
      from ${rows} cross join lateral (
          values ('delivery', status),
            ('arrival_ms', ${stepOf('extract(epoch from completed_at - created_at)::float8 * 1000')}::text)
        ) counted (measure, label)
      where measure = 'delivery' or status = 'DELIVERED'`,
  },
};

/**
 * SQL: adds counts, by tenant, endpoint, time, measure and label, to those of the endpoint, of its tenant, and of all. URLs
 * that are no registered endpoint (POST /v1/send) have no counts of their own: there may be any number of them.
 */
const addCounts = (counts: string): string => `
  insert into stats (tenant, endpoint_id, width, starts_at, measure, label, count)
  select scope.tenant, scope.endpoint_id, width, date_trunc(width, minute, 'UTC'), measure, label, sum(count)
  from (select tenant, endpoint_id, date_trunc('minute', at, 'UTC') as minute, measure, label, sum(count) as count
      -- By the minute first: a page has few different ones.
      from (${counts}) each group by 1, 2, 3, 4, 5) one
    cross join unnest(array['minute', 'hour', 'day']) width
    cross join lateral (
      values (1, '', ''), (2, one.tenant, ''), (3, one.tenant, one.endpoint_id)
    ) scope (level, tenant, endpoint_id)
  where level = 1 or (width <> 'minute' and (level = 2 or exists (
    select from endpoints where id = one.endpoint_id and ad_hoc_key is null)))
  group by 1, 2, 3, 4, 5, 6
  on conflict (tenant, endpoint_id, width, starts_at, measure, label)
    do update set count = stats.count + excluded.count`;

/**
 * Counts the next rows of a table, at most `limit`. Only transactions below the oldest open one are read, as in the feed of
 * events: no row is missed, and none is counted twice. True: there may be more. One process counts at a time.
 *
 * A correction of a row on this page is dropped, because the page has the row as it is after the change; one of a row on an
 * earlier page is added, because it was counted as it was before. Both are seen by the same snapshot.
 */
export function countPage(pool: Pool, source: StatsSource, limit: number): Promise<boolean> {
  const { columns, order, measures } = SOURCES[source];
  const [xid, id, number] = order;
  // A constant in the order would keep Postgres from using the index.
  const key = number === '0' ? [xid, id] : order;
  const last = (column: string) => `(array_agg(${column} order by ${key.join(', ')}))[count(*)]`;
  const after = ['$2::xid8', '$3', '$4::int'];
  return transaction(pool, async (db) => {
    // In a statement of its own: the next one sees all that was counted before.
    const locked = await db.query<{ xid: string; id: string; number: number }>(
      `select xid::text as xid, id, number from stats_progress where source = $1 for update skip locked`,
      [source],
    );
    const place = locked.rows[0];
    if (!place) return false;
    const { rows } = await db.query<{ counted: number }>({
      name: `count-${source}`,
      text: `
        with page as materialized (
          select ${columns} from ${source}
          where (${key.join(', ')}) > (${after.slice(0, key.length).join(', ')})
            and xid < pg_snapshot_xmin(pg_current_snapshot())
          order by ${key.join(', ')} limit $1
        ), last as (
          select ${last(xid)} as xid, ${last(id)} as id, ${last(number)} as number, count(*)::int as counted from page
        ), mark as materialized (
          select coalesce(last.xid, $2::xid8) as xid, coalesce(last.id, $3) as id, coalesce(last.number, $4::int) as number,
            counted, counted < $1 and seen_xid <= pg_snapshot_xmin(pg_current_snapshot()) as is_complete
          from last join stats_progress p on p.source = '${source}'
        ), moved as (
          update stats_progress p set xid = mark.xid, id = mark.id, number = mark.number,
            complete_to = case when is_complete then seen_at else complete_to end,
            seen_xid = case when is_complete then pg_snapshot_xmax(pg_current_snapshot()) else seen_xid end,
            seen_at = case when is_complete then now() else seen_at end
          from mark where p.source = '${source}' and (counted > 0 or (is_complete and seen_at < now() - ${STALE}))
        ), corrections as (
          delete from stats_corrections c using mark
          where c.source = '${source}' and (c.xid, c.id, c.number) <= (mark.xid, mark.id, mark.number)
          returning c.*
        ), added as (${addCounts(`
          select tenant, endpoint_id, at, measure, label, 1 as count from (${measures('page')}) counted
          union all select tenant, endpoint_id, at, measure, label, count from corrections
            where (xid, id, number) <= ($2::xid8, $3, $4::int)`)}
        )
        select counted from last`,
      values: [limit, place.xid, place.id, place.number],
    });
    return rows[0]!.counted === limit;
  });
}

/** Deletes counts by the minute that are older than a week. */
export async function forgetMinutes(db: Db): Promise<void> {
  await db.query(`
    delete from stats where tenant = '' and endpoint_id = '' and width = 'minute'
      and starts_at < now() - interval '7 days'`);
}

/**
 * SQL: writes the corrections of the attempt and the delivery that a late record changes: `late` has the attempt as it is
 * now; `isCutShort` is true for a delivery that becomes DELIVERED by it.
 */
export const correctLate = (isCutShort: string): string => `
  insert into stats_corrections (source, xid, id, number, tenant, endpoint_id, at, measure, label, count)
  select 'attempts', old.xid, delivery_id, number, counted.*
  from late join attempts old using (delivery_id, number) cross join lateral (
    select c.*, -1 as count from (${SOURCES.attempts.measures('(select old.*) was')}) c
    union all select c.*, 1 from (${SOURCES.attempts.measures('(select late.*) is_now')}) c
  ) counted
  union all
  select 'deliveries', d.xid, d.id, 0, counted.*
  from late join deliveries d on d.id = late.delivery_id cross join lateral (
    select c.*, -1 as count from (${SOURCES.deliveries.measures('(select d.*) was')}) c
    union all select c.*, 1 from (${SOURCES.deliveries.measures(
      `(select d.tenant, d.endpoint_id, d.created_at, d.completed_at, 'DELIVERED' as status) is_now`,
    )}) c
  ) counted
  where ${isCutShort}`;
