import {
  OPEN_BATCH_STATUSES,
  type BatchProgress,
  type BatchState,
  type BatchTurns,
} from '../domain/batch.js';
import { OPEN_STATUSES } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import { readState, readTurns } from './batches.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Limit on a batch's PENDING deliveries, so that a batch cannot queue more ahead of other traffic. */
const MOST_PENDING = 200;

/** A delivery that a batch created, with the fields its workflow starts with. */
export interface Made {
  id: string;
  event_id: string;
  endpoint_id: string;
  event_type: string;
  tenant: string;
  workflow_id: string;
}

interface TakeItems {
  id: string;
  step: number;
  limit: number;
  counted: boolean;
  maxAttempts: number;
}

/**
 * Creates the deliveries of the next items, at most `limit`. Each item is checked again: one no longer eligible since
 * the plan is skipped, with the reason. A repeated `step` creates nothing and returns its deliveries that are still
 * PENDING. The event rows are locked, so that two batches, or a batch and a manual retry, never both redeliver an
 * event. The state contains the outcomes of the deliveries only if `counted`.
 */
export async function takeItems(
  pool: Pool,
  { id, step, limit, counted, maxAttempts }: TakeItems,
): Promise<{ state: BatchState<BatchProgress | BatchTurns>; made: Made[] }> {
  const read = counted ? readState : readTurns;
  return transaction(pool, async (db) => {
    const { rows } = await db.query<{ status: string; step: number }>(
      'select status, step from batches where id = $1 for update',
      [id],
    );
    if (rows[0]!.step >= step) return { state: await read(db, id), made: await madeIn(db, id, step) };
    const room =
      rows[0]!.status === 'RUNNING' ? Math.min(limit, MOST_PENDING - (await pendingOf(db, id))) : 0;
    const made = room > 0 ? await makeNext(db, { id, step, room, maxAttempts }) : [];
    return { state: await read(db, id), made };
  });
}

/** Counts no further than MOST_PENDING, which bounds the rows read. */
async function pendingOf(db: Db, id: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: 'batch-pending',
    text: `select count(*)::int as count from (
      select from deliveries where batch_id = $1 and status = 'PENDING' and id >= $2 limit $3) pending`,
    values: [id, sinceId('del', id), MOST_PENDING],
  });
  return rows[0]!.count;
}

async function makeNext(
  db: Db,
  { id, step, room, maxAttempts }: { id: string; step: number; room: number; maxAttempts: number },
): Promise<Made[]> {
  const { rows: next } = await db.query<{ number: number; event_id: string }>(
    `select number, event_id from batch_items where batch_id = $1 and status = 'PLANNED' order by number limit $2`,
    [id, room],
  );
  await db.query(`select from events where id = any($1) order by id for no key update`, [
    next.map((item) => item.event_id),
  ]);
  const { rows } = await db.query<Made & { status: string }>(
    `with item as materialized (
       select i.number, i.source_delivery_id, i.event_id, i.endpoint_id, e.type, e.tenant,
         new_id('del', now()) as delivery_id,
         case when row_number() over (partition by i.event_id, i.endpoint_id order by i.number) > 1 then 'already_replayed'
           else replay_skip(i.source_delivery_id, i.event_id, i.endpoint_id,
             (b.selection->>'include_delivered')::boolean) end as reason
       from batches b join batch_items i on i.batch_id = b.id left join events e on e.id = i.event_id
       where b.id = $1 and i.number = any($2)
     ), made as (
       insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
         source_delivery_id, batch_id, status, status_reason)
       select delivery_id, event_id, endpoint_id, item.tenant, type, $3,
         'replay:' || $1 || ':' || coalesce(source_delivery_id, event_id), now(), source_delivery_id, $1,
         case when held.reason is null then 'PENDING' else 'HELD' end, held.reason
       from item join endpoints ep on ep.id = endpoint_id
         cross join lateral (select coalesce(pause_of(ep.tenant), hold_of(ep)) as reason) held
       where item.reason is null
       returning id, event_id, endpoint_id, event_type, tenant, workflow_id, status
     ), marked as (
       update batch_items i set status = case when item.reason is null then 'CREATED' else 'SKIPPED' end,
         reason = item.reason, delivery_id = case when item.reason is null then item.delivery_id end, step = $4
       from item where i.batch_id = $1 and i.number = item.number
     ), counted as (
       update batches set step = $4, taken = taken + (select count(*) from item),
         skipped_at_turn = skipped_at_turn + (select count(*) from item where reason is not null),
         due_at = now() + interval '1 minute'
       where id = $1
     )
     select * from made order by id`,
    [id, next.map((item) => item.number), maxAttempts, step],
  );
  // Held deliveries need no workflow until they are resumed.
  return rows.filter((row) => row.status === 'PENDING');
}

/** The deliveries of an earlier `step` that are still PENDING. */
async function madeIn(db: Db, batchId: string, step: number): Promise<Made[]> {
  const { rows } = await db.query<Made>(
    `select d.id, d.event_id, d.endpoint_id, d.event_type, d.tenant, d.workflow_id
     from batch_items i join deliveries d on d.id = i.delivery_id
     where i.batch_id = $1 and i.step = $2 and i.status = 'CREATED' and d.status = 'PENDING' order by d.id`,
    [batchId, step],
  );
  return rows;
}

/** Returns the batch's state; sets COMPLETED once every item was taken and every delivery has ended. */
export async function settleBatch(db: Db, id: string): Promise<BatchState> {
  await db.query(
    `update batches set completed_at = case when open.any then null else now() end,
       status = case when open.any then status else 'COMPLETED' end,
       due_at = case when open.any then now() + interval '3 minutes' end
     from (select exists (select from deliveries where batch_id = $1 and status = any($2) and id >= $3) as any) open
     where id = $1 and status = 'RUNNING' and taken >= (plan->>'eligible')::integer`,
    [id, OPEN_STATUSES, sinceId('del', id)],
  );
  return readState(db, id);
}

/** Items read by one statement. */
const ENDED_AT_ONCE = 1_000;

/** A cancelled delivery whose workflow may still run. */
export interface Unsettled {
  number: number;
  id: string;
  workflow_id: string;
}

/**
 * Handles the next items after `after` of a cancelled or failed batch. For a cancelled one, cancels held deliveries
 * never sent, or with `cancel_running` all open ones. Returns the cancelled, unsettled deliveries; `last` is null on
 * the last page.
 */
export async function cancelPage(
  pool: Pool,
  id: string,
  after: number,
): Promise<{ unsettled: Unsettled[]; last: number | null }> {
  return transaction(pool, async (db) => {
    const { rows: made } = await db.query<{ number: number; delivery_id: string }>(
      `select number, delivery_id from batch_items
       where batch_id = $1 and number > $2 and status = 'CREATED' and not settled order by number limit $3`,
      [id, after, ENDED_AT_ONCE],
    );
    const ids = made.map((item) => item.delivery_id);
    // A PENDING delivery may be sending already: its attempt checks the batch itself, or began too early to be stopped.
    await db.query(
      `update deliveries set status = 'CANCELLED', status_reason = 'batch cancelled', next_attempt_at = null,
         completed_at = now()
       where id in (select d.id from deliveries d join batches b on b.id = $1 and b.status = 'CANCELLED'
         where d.id = any($2) and d.status = any($3)
           and (b.cancel_running or d.status = 'HELD' and d.attempt_count = 0)
         order by d.id for update of d)`,
      [id, ids, OPEN_STATUSES],
    );
    const { rows: cancelled } = await db.query<{ id: string; workflow_id: string }>(
      `select id, workflow_id from deliveries where id = any($1) and status = 'CANCELLED'`,
      [ids],
    );
    // These have ended for good: a retry of the activity, from the first item, skips them.
    await db.query(
      `update batch_items i set settled = true from deliveries d
       where i.batch_id = $1 and i.number = any($2) and d.id = i.delivery_id and d.status in ('DELIVERED', 'FAILED')`,
      [id, made.map((item) => item.number)],
    );
    const numbers = new Map(made.map((item) => [item.delivery_id, item.number]));
    return {
      unsettled: cancelled.map((one) => ({ number: numbers.get(one.id)!, ...one })),
      last: made.length < ENDED_AT_ONCE ? null : made.at(-1)!.number,
    };
  });
}

export async function markSettled(db: Db, id: string, numbers: number[]): Promise<void> {
  await db.query('update batch_items set settled = true where batch_id = $1 and number = any($2)', [
    id,
    numbers,
  ]);
}

/**
 * Ends a cancelled or failed batch, unless it has deliveries still to cancel, or cancelled ones whose workflow may
 * still run. Checks under the row lock that `changeBatch` takes, too.
 */
export async function endBatch(pool: Pool, id: string): Promise<BatchState> {
  return transaction(pool, async (db) => {
    await db.query('select from batches where id = $1 for update', [id]);
    await db.query(
      `update batches b set completed_at = coalesce(completed_at, now()), due_at = null
       where id = $1 and not status = any($2)
         and not (status = 'CANCELLED' and exists (select from deliveries where batch_id = $1 and id >= $3
           and status = any($4) and (b.cancel_running or attempt_count = 0)))
         and not exists (select from batch_items i join deliveries d on d.id = i.delivery_id
           where i.batch_id = $1 and i.status = 'CREATED' and not i.settled and d.status = 'CANCELLED')`,
      [id, OPEN_BATCH_STATUSES, sinceId('del', id), OPEN_STATUSES],
    );
    return readState(db, id);
  });
}

/** Claims batches whose workflow has not reported in time, for one minute, or for five if PAUSED. */
export async function claimBatches(db: Db, limit: number): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `update batches set
       due_at = now() + case when status = 'PAUSED' then interval '5 minutes' else interval '1 minute' end
     where id in (select id from batches where due_at <= now() order by due_at limit $1 for update skip locked)
     returning id`,
    [limit],
  );
  return rows.map((row) => row.id);
}
