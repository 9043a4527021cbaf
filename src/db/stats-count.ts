import { addFailures } from './issue-counts.js';
import { transaction, type Db, type Pool } from './pool.js';
import { SOURCES, STATS_SOURCES, type StatsSource } from './stats-sources.js';

/** `complete_to` moves this often while there are no new rows. */
const STALE = `interval '10 seconds'`;

/**
 * SQL: adds the counts of `counted` to those of their endpoint, of its tenant, and of all. URLs that are no registered
 * endpoint (POST /v1/send) have no counts of their own: there may be any number of them.
 */
const ADD_COUNTS = `
  insert into stats (tenant, endpoint_id, width, starts_at, measure, label, count)
  select scope.tenant, scope.endpoint_id, width, date_trunc(width, at, 'UTC'), measure, label, sum(count)
  from counted cross join unnest(array['minute', 'hour', 'day']) width cross join lateral (
    values (1, '', ''), (2, counted.tenant, ''), (3, counted.tenant, counted.endpoint_id)
  ) scope (level, tenant, endpoint_id)
  where level = 1 or (width <> 'minute' and (level = 2 or counted.endpoint_id in (
    select id from endpoints where id in (select endpoint_id from counted) and ad_hoc_key is null)))
  group by 1, 2, 3, 4, 5, 6
  on conflict (tenant, endpoint_id, width, starts_at, measure, label)
    do update set count = stats.count + excluded.count`;

/** SQL: counts the $1 rows of a source that follow the place ($2, $3, $4), and moves its place on. */
function countRows(source: StatsSource): string {
  const { columns, key, counts, failures } = SOURCES[source];
  const [xid, id, number] = key;
  const after = ['$2::xid8', '$3::text', '$4::int'];
  return `
    with page as materialized (
      select ${columns} from ${source}
      where (${key.join(', ')}) > (${after.slice(0, key.length).join(', ')})
        and xid < pg_snapshot_xmin(pg_current_snapshot())
      order by ${key.join(', ')} limit $1
    ), last as (
      select ${xid} as xid, ${id} as id, ${number ?? '0'} as number from page
      order by ${key.map((column) => `page.${column} desc`).join(', ')} limit 1
    ), mark as materialized (
      select coalesce(last.xid, $2::xid8) as xid, coalesce(last.id, $3) as id, coalesce(last.number, $4::int) as number,
        counted, counted < $1 and seen_xid <= pg_snapshot_xmin(pg_current_snapshot()) as is_complete
      from stats_progress cross join (select count(*)::int as counted from page) page left join last on true
      where source = '${source}'
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
    ), counted as materialized (
      ${counts('page')}
      union all select tenant, endpoint_id, at, measure, label, count from corrections
      where (xid, id, number) <= ($2::xid8, $3, $4::int) and measure <> 'failed'
    ), failing as materialized (
      select each.*, 1 as count from (${failures('page')}) each
      union all select tenant, endpoint_id, measure, label, id, at, count from corrections
      where (xid, id, number) <= ($2::xid8, $3, $4::int)
    ), added as (${ADD_COUNTS}
    ), added_failures as (${addFailures('failing')}
    )
    select counted from mark`;
}

const STATEMENTS = new Map(STATS_SOURCES.map((source) => [source, countRows(source)]));

/**
 * Counts the next rows of a table, at most `limit`. Only transactions below the oldest open one are read, as in the feed of
 * events: no row is missed, and none is counted twice. True: there may be more. One process counts at a time.
 *
 * A correction of a row on this page is dropped, because the page has the row as it is after the change; one of a row on an
 * earlier page is added, because it was counted as it was before. Both are seen by the same snapshot.
 */
export function countPage(pool: Pool, source: StatsSource, limit: number): Promise<boolean> {
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
      text: STATEMENTS.get(source)!,
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
