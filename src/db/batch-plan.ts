import { type BatchPlan, type BatchStatus, type SkipReason } from '../domain/batch.js';
import type { Planning } from './batch-pages.js';
import { insertNextPage } from './batch-selection.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Entries in each list of a plan. */
const LISTED = 100;

/** Items that one call inserted: those with a number above `after`, up to `last`. */
interface ItemPage {
  id: string;
  after: number;
  last: number;
}

type Skipped = BatchPlan['skipped'];

/**
 * Copies the next page of a batch's selection into its items, oldest first, with the reason for each skipped one, and
 * counts them; after the last page the plan is final. Position and counts commit with the page, so no page is made
 * twice, and no statement reads the items of other pages, however many there are. False: done.
 */
export async function planPage(pool: Pool, id: string): Promise<boolean> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<Planning & { status: BatchStatus; plan_skipped: Skipped }>(
      `select id, status, key_tenant, selection, planned, planned_to, plan_skipped from batches where id = $1 for update`,
      [id],
    );
    const batch = rows[0];
    if (batch?.status !== 'PLANNING') return false;
    const { items, last } = await insertNextPage(db, batch);
    const page = { id, after: batch.planned, last: batch.planned + items };
    await skipDoubles(db, page);
    await countItems(db, page);
    const skipped = [
      ...batch.plan_skipped,
      ...(await firstSkipped(db, page, LISTED - batch.plan_skipped.length)),
    ];
    await db.query(
      `update batches set planned = $2, planned_to = coalesce($3, planned_to), plan_skipped = $4,
         due_at = now() + interval '1 minute' where id = $1`,
      [id, page.last, last, JSON.stringify(skipped)],
    );
    if (last !== null) return true;
    await db.query(
      `update batches set plan = $2, status = case when dry_run then 'DRY_RUN' else 'RUNNING' end,
         started_at = case when dry_run then null else now() end,
         completed_at = case when dry_run then now() end, due_at = case when dry_run then null else due_at end
       where id = $1`,
      [id, JSON.stringify(await summarize(db, id, page.last, skipped))],
    );
    return false;
  });
}

/**
 * Two deliveries of one event to one endpoint are replayed once: skip the later ones, as the run would. The subquery
 * with a limit stays one look-up for each item; a join could read all items of the batch.
 */
async function skipDoubles(db: Db, { id, after, last }: ItemPage): Promise<void> {
  await db.query(
    `update batch_items later set status = 'SKIPPED', reason = 'duplicate'
     where batch_id = $1 and number > $2 and number <= $3 and status = 'PLANNED'
       and (select true from batch_items earlier
         where earlier.batch_id || earlier.event_id || earlier.endpoint_id
             = later.batch_id || later.event_id || later.endpoint_id
           and earlier.status = 'PLANNED' and earlier.number < later.number limit 1)`,
    [id, after, last],
  );
}

async function countItems(db: Db, { id, after, last }: ItemPage): Promise<void> {
  await db.query(
    `insert into batch_counts as known (batch_id, kind, name, count)
     select $1, kind, name, count(*)
     from batch_items cross join lateral (values
       ('PLANNED', 'endpoint', endpoint_id), ('PLANNED', 'event_type', event_type), ('SKIPPED', 'reason', reason)
     ) counted (status, kind, name)
     where batch_id = $1 and number > $2 and number <= $3 and batch_items.status = counted.status
     group by kind, name
     on conflict (batch_id, kind, name) do update set count = known.count + excluded.count`,
    [id, after, last],
  );
}

async function firstSkipped(db: Db, { id, after, last }: ItemPage, limit: number): Promise<Skipped> {
  if (limit === 0) return [];
  const { rows } = await db.query<Skipped[number]>(
    `select source_delivery_id as delivery_id, reason from batch_items
     where batch_id = $1 and number > $2 and number <= $3 and status = 'SKIPPED' order by number limit $4`,
    [id, after, last, limit],
  );
  return rows;
}

async function summarize(db: Db, id: string, total: number, skipped: Skipped): Promise<BatchPlan> {
  const largest = async <T>(kind: string, column: string) =>
    (
      await db.query<T & { count: number }>(
        `select name as ${column}, count from batch_counts where batch_id = $1 and kind = $2
         order by count desc, name limit ${LISTED}`,
        [id, kind],
      )
    ).rows;
  const reasons = await largest<{ reason: SkipReason }>('reason', 'reason');
  return {
    total,
    eligible: reasons.reduce((left, { count }) => left - count, total),
    skipped_by_reason: Object.fromEntries(reasons.map(({ reason, count }) => [reason, count])),
    skipped,
    by_endpoint: await largest<{ endpoint_id: string }>('endpoint', 'endpoint_id'),
    by_event_type: await largest<{ event_type: string }>('event_type', 'event_type'),
  };
}
