import type pg from 'pg';
import { expect } from 'vitest';
import { countPage } from '../../src/db/stats-count.js';
import { STATS_SOURCES } from '../../src/db/stats-sources.js';
import type { Pool } from '../../src/db/pool.js';
import { stepOf } from '../../src/domain/duration-steps.js';
import { eventually } from './eventually.js';

type Queryable = Pick<pg.Pool, 'query'>;

const THERE = `
  select tenant, '' as endpoint_id, created_at as at, 'event' as measure, '' as label from events
  union all select d.tenant, d.endpoint_id, a.started_at, 'attempt', a.classification
    from attempts a join all_deliveries d on d.id = a.delivery_id
  union all select d.tenant, d.endpoint_id, a.started_at, 'attempt_ms', ${stepOf('a.latency_ms')}::text
    from attempts a join all_deliveries d on d.id = a.delivery_id where a.classification <> 'WORKER_LOST'
  union all select tenant, endpoint_id, completed_at, 'delivery', status from deliveries
  union all select tenant, endpoint_id, completed_at, 'arrival_ms',
      ${stepOf('extract(epoch from completed_at - created_at)::float8 * 1000')}::text
    from deliveries where status = 'DELIVERED'`;
const BY_SCOPE = `
  select s.tenant, s.endpoint_id, width, date_trunc(width, at, 'UTC') as starts_at, measure, label, count(*) as count
  from (${THERE}) there cross join unnest(array['minute', 'hour', 'day']) width
    cross join lateral (select '' as tenant, '' as endpoint_id union select there.tenant, ''
      union select there.tenant, there.endpoint_id) s
  where s.tenant = '' or (width <> 'minute' and (s.endpoint_id = ''
    or exists (select from endpoints e where e.id = s.endpoint_id and ad_hoc_key is null)))
  group by 1, 2, 3, 4, 5, 6`;
const COUNTED =
  'select tenant, endpoint_id, width, starts_at, measure, label, count from stats where count <> 0';

const ISSUES = `select endpoint_id, classification, attempt_count, failed_count from issues
  where attempt_count <> 0 or failed_count <> 0`;
const FAILURES = `
  select endpoint_id, classification, count(attempt) as attempt_count, count(*) - count(attempt) as failed_count
  from (select d.endpoint_id, a.classification, 1 as attempt from attempts a join all_deliveries d on d.id = a.delivery_id
      union all select endpoint_id, last_classification, null from deliveries where status = 'FAILED') failure
    join endpoints e on e.id = endpoint_id and e.deleted_at is null and e.ad_hoc_key is null
  where classification <> 'DELIVERED' group by 1, 2`;

/** Rows that only one side has, as JSON. */
async function difference(db: Queryable): Promise<string[]> {
  const { rows } = await db.query<{ row: string }>(`
    select 'counted ' || row_to_json(r) as row from (${COUNTED} except ${BY_SCOPE}) r
    union all select 'there ' || row_to_json(r) from (${BY_SCOPE} except ${COUNTED}) r
    union all select 'issue ' || row_to_json(r) from (${ISSUES} except ${FAILURES}) r
    union all select 'failures ' || row_to_json(r) from (${FAILURES} except ${ISSUES}) r order by 1`);
  return rows.map(({ row }) => row);
}

/** The rows that are to be counted; none of them is counted yet. */
export async function uncounted(db: Queryable): Promise<number> {
  expect((await db.query(`select from (${COUNTED}) r`)).rowCount).toBe(0);
  return (await difference(db)).length;
}

/**
 * Counts, unless `pool` is null and the running processes do it, until the counts say the same as the rows. Transactions of
 * other databases may hold a count back for a while.
 */
export async function expectAllCounted(db: Queryable, pool: Pool | null, limit = 1_000): Promise<void> {
  let last: string[] = [];
  await eventually(async () => {
    for (const source of pool ? STATS_SOURCES : []) while (await countPage(pool!, source, limit));
    last = await difference(db);
    return last.length === 0;
  }).catch((error: unknown) => {
    if (last.length === 0) throw error;
    expect(last).toEqual([]);
  });
}
