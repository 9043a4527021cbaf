import {
  OPEN_BATCH_STATUSES,
  type BatchProgress,
  type BatchState,
  type BatchTurns,
} from '../domain/batch.js';
import { announceEnded } from './batch-ended.js';
import { readState, readTurns } from './batch-state.js';
import { endDeliveries, insertRedelivery, type NewRedelivery } from './open-deliveries/index.js';
import { notify } from './pauses.js';
import { transaction, type Db, type Pool } from './pool.js';

/**
 * Limit on a batch's deliveries that could be sent and have not been attempted: some seconds of work, so that the queue
 * does not run empty between two steps, and a new batch or a cancellation never waits for more.
 */
const MAX_UNATTEMPTED = 2_000;
/** Newest open deliveries examined for that: bounds the time of a step, however many are retrying or held. */
const EXAMINED = 10_000;

export interface TakeItems {
  id: string;
  step: number;
  limit: number;
  counted: boolean;
  maxAttempts: number;
  /** Whether the backfill starts a workflow for each new delivery. */
  workflow: boolean;
}

/**
 * Processes the next items, at most `limit`: makes their deliveries, ready for any poller. Each item is checked again:
 * one no longer eligible since the plan is skipped, with the reason. A repeated `step` changes nothing. The event rows
 * are locked, so that two batches, or a batch and a manual retry, never both redeliver an event. The state contains the
 * outcomes of the deliveries only if `counted`.
 */
export async function takeItems(
  pool: Pool,
  { id, step, limit, counted, ...options }: TakeItems,
): Promise<BatchState<BatchProgress | BatchTurns>> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<{ status: string; step: number; taken_to: number }>(
      'select status, step, taken_to from batches where id = $1 for update',
      [id],
    );
    const batch = rows[0]!;
    if (batch.status === 'RUNNING' && batch.step < step) {
      const room = Math.min(limit, MAX_UNATTEMPTED - (await unattemptedOf(db, id)));
      const made = room > 0 ? await processNext(db, { id, step, after: batch.taken_to, limit: room }) : [];
      if (made.length > 0) {
        await insertRedelivery(db, made, options);
        await notify(db);
      }
    }
    return counted ? readState(db, id) : readTurns(db, id);
  });
}

/** Held deliveries wait for an operator, not for a poller: they do not count. */
async function unattemptedOf(db: Db, id: string): Promise<number> {
  const { rows } = await db.query<{ count: number }>({
    name: 'batch-unattempted',
    text: `select coalesce(sum(unattempted) filter (where held_reason(tenant, endpoint_id) is null), 0)::int as count
      from (select tenant, endpoint_id, count(*) as unattempted
        from (select tenant, endpoint_id, attempt_count, end_status from open_deliveries where batch_id = $1
          order by id desc limit $2) newest
        where attempt_count = 0 and end_status is null group by tenant, endpoint_id) each`,
    values: [id, EXAMINED],
  });
  return rows[0]!.count;
}

/** Marks the next items, and returns the deliveries that are to be made for them. */
async function processNext(
  db: Db,
  { id, step, after, limit }: { id: string; step: number; after: number; limit: number },
): Promise<NewRedelivery[]> {
  const { rows: next } = await db.query<{ number: number; event_id: string }>(
    `select number, event_id from batch_items where batch_id = $1 and number > $2 and status = 'PLANNED'
     order by number limit $3`,
    [id, after, limit],
  );
  if (next.length === 0) return [];
  // In a statement of its own: the next one sees what was redelivered until the locks were granted.
  await db.query('select from events where id = any($1) order by id for no key update', [
    next.map((item) => item.event_id),
  ]);
  const { rows } = await db.query<NewRedelivery>(
    `with item as materialized (
       select i.number, i.source_delivery_id, i.event_id, i.endpoint_id, e.type as event_type, e.tenant,
         new_id('del', now()) as delivery_id,
         case when row_number() over (partition by i.event_id, i.endpoint_id order by i.number) > 1 then 'already_replayed'
           else skip.reason end as reason
       from batches b join batch_items i on i.batch_id = b.id left join events e on e.id = i.event_id
         cross join lateral replay_skip(i.source_delivery_id, i.event_id, i.endpoint_id,
           (b.selection->>'include_delivered')::boolean) skip
       where b.id = $1 and i.number = any($2)
     ), marked as (
       update batch_items i set status = case when item.reason is null then 'CREATED' else 'SKIPPED' end,
         reason = item.reason, delivery_id = case when item.reason is null then item.delivery_id end
       from item where i.batch_id = $1 and i.number = item.number
     ), counted as (
       update batches set step = $3, taken_to = $4, taken = taken + (select count(*) from item),
         skipped_at_turn = skipped_at_turn + (select count(*) from item where reason is not null),
         due_at = now() + interval '1 minute'
       where id = $1
     )
     select delivery_id as id, event_id, endpoint_id, tenant, event_type, source_delivery_id, $1 as batch_id,
       'replay:' || $1 || ':' || coalesce(source_delivery_id, event_id) as workflow_id
     from item where reason is null order by number`,
    [id, next.map((item) => item.number), step, next.at(-1)!.number],
  );
  return rows;
}

/** Returns the batch's state; sets COMPLETED once every item was processed and every delivery has ended. */
export async function settleBatch(db: Db, id: string): Promise<BatchState> {
  await db.query(
    `with ended as (
       update batches set completed_at = case when has_open then null else now() end,
         status = case when has_open then status else 'COMPLETED' end,
         due_at = case when has_open then now() + interval '3 minutes' end
       from (select exists (select from open_deliveries where batch_id = $1) as has_open) open
       where id = $1 and status = 'RUNNING' and taken >= (plan->>'eligible')::integer
       returning batches.*
     ) ${announceEnded('ended')}`,
    [id],
  );
  return readState(db, id);
}

/** Deliveries cancelled by one transaction. */
const CANCELLED_AT_ONCE = 2_000;

export interface CancelledPage {
  /** Cancelled deliveries whose workflow has been started. */
  started: { id: string; workflow_id: string }[];
  /** Last id of the page; null: it was the last page. */
  last: string | null;
}

/**
 * Cancels the next open deliveries of a cancelled batch, after the id `after`: those without an attempt, or with
 * `cancel_running` all. One with an attempt under way ends with it. Any other batch is left alone.
 */
export async function cancelPage(pool: Pool, id: string, after: string): Promise<CancelledPage> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<{ id: string }>(
      `select o.id from batches b join open_deliveries o on o.batch_id = b.id
       where b.id = $1 and b.status = 'CANCELLED' and o.id > $2 and o.end_status is null
         and (b.cancel_running or o.attempt_count = 0)
       order by o.id limit $3 for update of o`,
      [id, after, CANCELLED_AT_ONCE],
    );
    if (rows.length === 0) return { started: [], last: null };
    const ids = rows.map((row) => row.id);
    await endDeliveries(db, ids, 'CANCELLED', 'batch cancelled');
    const { rows: started } = await db.query<{ id: string; workflow_id: string }>(
      `select id, workflow_id from all_deliveries d
       where id = any($1) and not exists (select from workflow_starts s where s.workflow_id = d.workflow_id)`,
      [ids],
    );
    return { started, last: ids.length < CANCELLED_AT_ONCE ? null : ids.at(-1)! };
  });
}

/**
 * Ends a cancelled or failed batch, unless it has deliveries still to cancel, or cancelled ones with an attempt under
 * way. Checks under the row lock that `changeBatch` takes, too.
 */
export async function endBatch(pool: Pool, id: string): Promise<BatchState> {
  return transaction(pool, async (db) => {
    await db.query('select from batches where id = $1 for update', [id]);
    await db.query(
      `with ended as (
         update batches b set completed_at = coalesce(b.completed_at, now()), due_at = null
         from (select completed_at as ended_before from batches where id = $1) was
         where id = $1 and not status = any($2) and not exists (select from open_deliveries where batch_id = $1
           and (end_status is not null or b.status = 'CANCELLED' and (b.cancel_running or attempt_count = 0)))
         returning b.*, ended_before
       ) ${announceEnded('(select * from ended where ended_before is null) ended')}`,
      [id, OPEN_BATCH_STATUSES],
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
