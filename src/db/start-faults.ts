import type { Db } from './pool.js';

const NOT_STARTED = 'workflow not started: ';

/** Stores in waiting deliveries why their workflow was not started; recording the next attempt clears it. */
export async function noteNotStarted(db: Db, ids: string[], reason: string): Promise<void> {
  await db.query(
    `update deliveries set status_reason = $2
     where id = any($1) and status in ('PENDING', 'IN_PROGRESS') and status_reason is distinct from $2
       -- RESUMED tells the sweeper something, and other reasons are newer.
       and (status_reason is null or starts_with(status_reason, '${NOT_STARTED}'))`,
    [ids, NOT_STARTED + reason],
  );
}
