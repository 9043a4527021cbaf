import type pg from 'pg';

/** How many statements `like` this wait for a lock in the own database: other tests have databases on the same server. */
export async function lockWaits(db: Pick<pg.Pool, 'query'>, like = '%'): Promise<number> {
  const { rowCount } = await db.query(
    `select from pg_stat_activity
     where datname = current_database() and wait_event_type = 'Lock' and query like $1`,
    [like],
  );
  return rowCount!;
}
