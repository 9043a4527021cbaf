import {
  OPEN_BATCH_STATUSES,
  type BatchOutcomes,
  type BatchPlan,
  type BatchState,
  type BatchStatus,
  type BatchTurns,
} from '../domain/batch.js';
import type { DeliveryStatus } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import { audit } from './audit.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import { transaction, type Db, type Pool } from './pool.js';

/** The deliveries a batch is made from. Times are ISO 8601. */
export type Selection = { include_delivered: boolean } &
  /** The ids have a column of their own: there may be ten thousand. */
  (
    | { delivery_id_count: number; tenant: string | null }
    | { filter: BatchFilter }
    /** Events that match the endpoint and never had a delivery to it. */
    | { missing: { endpoint_id: string; event_type?: string; from?: string; to?: string } }
    /** A dry run's whole plan, or another batch's items that were not taken or whose delivery was cancelled. */
    | { batch_id: string }
  );

export interface BatchFilter {
  status: DeliveryStatus[];
  tenant?: string;
  endpoint_id?: string;
  event_type?: string;
  classification?: string;
  /** Selects the re-deliveries of this batch; if absent, re-deliveries are excluded. */
  batch_id?: string;
  from?: string;
  to?: string;
}

export interface StoredBatch {
  id: string;
  status: BatchStatus;
  status_reason: string | null;
  dry_run: boolean;
  source_batch_id: string | null;
  selection: Selection;
  rate_per_second: number;
  note: string | null;
  created_by: string;
  created_at: Date;
  started_at: Date | null;
  completed_at: Date | null;
  plan: BatchPlan | null;
  planned_count: number;
  remaining_count: number;
  skipped_at_turn_count: number;
  created_count: number;
  delivered_count: number;
  failed_count: number;
  cancelled_count: number;
  open_count: number;
}

export interface NewBatch {
  selection: Selection;
  deliveryIds: string[] | null;
  dryRun: boolean;
  ratePerSecond: number;
  note: string | null;
}

const COLUMNS = `id, status, status_reason, dry_run, source_batch_id, selection, rate_per_second, note, created_by,
  created_at, started_at, completed_at, plan, planned as planned_count,
  coalesce((plan->>'eligible')::integer, 0) - taken as remaining_count, skipped_at_turn as skipped_at_turn_count,
  taken - skipped_at_turn as created_count, n.*`;

/** Counted from the rows, not stored: a delivery's status is then written in one place only. */
const FROM = `from batches cross join lateral (
    select count(*) filter (where d.status = 'DELIVERED')::int as delivered_count,
      count(*) filter (where d.status = 'FAILED')::int as failed_count,
      count(*) filter (where d.status = 'CANCELLED')::int as cancelled_count,
      count(*) filter (where d.status in ('PENDING', 'IN_PROGRESS', 'HELD'))::int as open_count
    from deliveries d where d.batch_id = batches.id and d.id >= 'del_' || substr(batches.id, 5, 12)
  ) n`;

export async function getBatch(db: Db, id: string): Promise<StoredBatch | null> {
  const { rows } = await db.query<StoredBatch>(`select ${COLUMNS} ${FROM} where id = $1`, [id]);
  return rows[0] ?? null;
}

export async function listBatches(
  db: Db,
  filter: { status?: string | undefined },
  page: PageQuery,
): Promise<Page<StoredBatch>> {
  return pageOf(db, `select ${COLUMNS} ${FROM}`, { ...filter }, page, 'bat');
}

/** Runs in the caller's transaction. */
export async function insertBatch(db: Db, batch: NewBatch, actor: string): Promise<StoredBatch> {
  const { selection, deliveryIds, dryRun, ratePerSecond, note } = batch;
  const id = await insert(db, [
    ...[dryRun, null, JSON.stringify(selection), deliveryIds, ratePerSecond],
    ...[note, actor],
  ]);
  const action = dryRun ? 'batch.plan' : 'batch.create';
  const after = { ...selection, rate_per_second: ratePerSecond };
  await audit(db, { actor, action, object: id, reason: note, after });
  return (await getBatch(db, id))!;
}

/** Postgres's clock makes the id, as it makes the deliveries' ids: a batch's deliveries sort after the batch. */
async function insert(db: Db, values: unknown[]): Promise<string> {
  const { rows } = await db.query<{ id: string }>(
    `insert into batches (id, dry_run, source_batch_id, selection, delivery_ids, rate_per_second, note, created_by)
     values (new_id('bat', now()), $1, $2, $3, $4, $5, $6, $7) returning id`,
    values,
  );
  return rows[0]!.id;
}

/**
 * Creates a batch from a dry run's plan, or from the rest of a cancelled or failed batch; later calls return the same
 * batch. 'forbidden': the source is none of these, has not ended, or has no plan. Runs in the caller's transaction.
 */
export async function startFrom(
  db: Db,
  id: string,
  over: { ratePerSecond?: number | undefined; note: string | null },
  actor: string,
): Promise<{ batch: StoredBatch; created: boolean } | 'forbidden' | null> {
  await db.query('select from batches where id = $1 for update', [id]);
  const source = await getBatch(db, id);
  if (!source) return null;
  const { rows: known } = await db.query<{ id: string }>(
    'select id from batches where source_batch_id = $1',
    [id],
  );
  if (known[0]) return { batch: (await getBatch(db, known[0].id))!, created: false };
  if (!['DRY_RUN', 'CANCELLED', 'FAILED'].includes(source.status) || !source.completed_at || !source.plan) {
    return 'forbidden';
  }
  const selection = { batch_id: id, include_delivered: source.selection.include_delivered };
  const rate = over.ratePerSecond ?? source.rate_per_second;
  const made = await insert(db, [false, id, JSON.stringify(selection), null, rate, over.note, actor]);
  const action = source.status === 'DRY_RUN' ? 'batch.start' : 'batch.continue';
  const after = { ...selection, rate_per_second: rate };
  await audit(db, { actor, action, object: made, reason: over.note, after });
  return { batch: (await getBatch(db, made))!, created: true };
}

export type BatchChange =
  | { kind: 'pause' | 'resume' }
  /** `running`: also cancel the deliveries already started. */
  | { kind: 'cancel'; running?: boolean }
  | { kind: 'rate'; ratePerSecond: number }
  | { kind: 'fail' };

const FROM_STATUSES: Record<BatchChange['kind'], readonly BatchStatus[]> = {
  pause: ['RUNNING'],
  resume: ['PAUSED'],
  cancel: OPEN_BATCH_STATUSES,
  rate: OPEN_BATCH_STATUSES,
  fail: OPEN_BATCH_STATUSES,
};
const TO_STATUS = { pause: 'PAUSED', resume: 'RUNNING', cancel: 'CANCELLED', fail: 'FAILED' } as const;

/**
 * Once the change commits, no item is taken that it forbids. 'unchanged': the batch already has that status;
 * 'forbidden': its status does not allow the change.
 */
export async function changeBatch(
  pool: Pool,
  id: string,
  change: BatchChange,
  { actor, reason }: { actor: string; reason: string | null },
): Promise<'changed' | 'unchanged' | 'forbidden' | null> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<{
      status: BatchStatus;
      rate_per_second: number;
      cancel_running: boolean;
    }>('select status, rate_per_second, cancel_running from batches where id = $1 for update', [id]);
    const before = rows[0];
    if (!before) return null;
    const running = change.kind === 'cancel' && change.running === true;
    // A second cancel may add the deliveries that the first left running.
    const more = before.status === 'CANCELLED' && running && !before.cancel_running;
    if (!FROM_STATUSES[change.kind].includes(before.status) && !more) {
      return change.kind !== 'rate' && before.status === TO_STATUS[change.kind] ? 'unchanged' : 'forbidden';
    }
    const after = {
      status: change.kind === 'rate' ? before.status : TO_STATUS[change.kind],
      rate_per_second: change.kind === 'rate' ? change.ratePerSecond : before.rate_per_second,
      cancel_running: before.cancel_running || running,
    };
    await db.query(
      `update batches set status = $2, status_reason = case when $2 = status then status_reason else $3 end,
         rate_per_second = $4, cancel_running = $5,
         -- It has not ended before what is cancelled now has.
         completed_at = case when $2 = 'CANCELLED' then null else completed_at end,
         due_at = now() + case when $2 = 'PAUSED' then interval '5 minutes' else interval '15 seconds' end
       where id = $1`,
      [id, after.status, reason, after.rate_per_second, after.cancel_running],
    );
    await audit(db, { actor, action: `batch.${change.kind}`, object: id, reason, before, after });
    return 'changed';
  });
}

export interface StoredItem {
  number: number;
  source_delivery_id: string | null;
  event_id: string | null;
  endpoint_id: string | null;
  status: string;
  reason: string | null;
  delivery_id: string | null;
  /** Current status of the new delivery. */
  delivery_status: DeliveryStatus | null;
}

/** Ordered by number; `after` is the last number of the previous page. */
export async function listItems(
  db: Db,
  batchId: string,
  filter: { status?: string | undefined; reason?: string | undefined },
  page: { limit: number; after: number },
): Promise<{ data: StoredItem[]; more: boolean }> {
  const { rows } = await db.query<StoredItem>(
    `select i.number, i.source_delivery_id, i.event_id, i.endpoint_id, i.status, i.reason, i.delivery_id,
       d.status as delivery_status
     from batch_items i left join deliveries d on d.id = i.delivery_id and d.id >= $6
     where i.batch_id = $1 and i.number > $2 and ($3::text is null or i.status = $3)
       and ($4::text is null or i.reason = $4)
     order by i.number limit $5`,
    [
      batchId,
      page.after,
      filter.status ?? null,
      filter.reason ?? null,
      page.limit + 1,
      sinceId('del', batchId),
    ],
  );
  return { data: rows.slice(0, page.limit), more: rows.length > page.limit };
}

const TURNS = `status, status_reason, rate_per_second, planned, coalesce((plan->>'eligible')::integer, 0) as eligible,
  coalesce((plan->>'eligible')::integer, 0) - taken as remaining, skipped_at_turn, taken - skipped_at_turn as created,
  step, completed_at is not null and due_at is null as done`;

const OUTCOMES = `count(*) filter (where d.status = 'DELIVERED')::int as delivered,
  count(*) filter (where d.status = 'FAILED')::int as failed,
  count(*) filter (where d.status = 'CANCELLED')::int as cancelled,
  count(*) filter (where d.status = 'HELD')::int as held,
  count(*) filter (where d.status = 'PENDING')::int as pending,
  count(*) filter (where d.status = 'IN_PROGRESS')::int as in_progress`;

export async function readState(db: Db, id: string): Promise<BatchState> {
  const { rows } = await db.query<BatchOutcomes>({
    name: 'batch-outcomes',
    text: `select ${OUTCOMES} from deliveries d where d.batch_id = $1 and d.id >= $2`,
    values: [id, sinceId('del', id)],
  });
  const { progress, ...state } = await readTurns(db, id);
  return { ...state, progress: { ...progress, ...rows[0]! } };
}

/** The state without the outcomes, whose count takes longer the more deliveries exist. */
export async function readTurns(db: Db, id: string): Promise<BatchState<BatchTurns>> {
  const { rows } = await db.query<BatchTurns & { step: number; done: boolean }>({
    name: 'batch-turns',
    text: `select ${TURNS} from batches where id = $1`,
    values: [id],
  });
  if (!rows[0]) throw new Error(`There is no batch ${id}.`);
  const { step, done, ...progress } = rows[0];
  return { progress, step, done };
}
