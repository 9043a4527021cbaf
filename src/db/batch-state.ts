import type {
  BatchOutcomes,
  BatchPlan,
  BatchState,
  BatchStatus,
  BatchTurns,
  ITEM_STATUSES,
  SkipReason,
} from '../domain/batch.js';
import type { Classification, DeliveryStatus } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import type { Db } from './pool.js';

/** The deliveries a batch is made from. Times are ISO 8601. */
export type Selection = { include_delivered: boolean } &
  /** The ids have a column of their own: there may be ten thousand. */
  (
    | { delivery_id_count: number; tenant: string | null }
    | { filter: BatchFilter }
    /** Events that match the endpoint and never had a delivery to it. */
    | { missing: { endpoint_id: string; event_type?: string; from?: string; to?: string } }
    /** A dry run's whole plan, or another batch's items that were not processed or whose delivery was cancelled. */
    | { batch_id: string }
  );

export interface BatchFilter {
  status: DeliveryStatus[];
  tenant?: string;
  endpoint_id?: string;
  event_type?: string;
  classification?: Classification;
  /** Selects the re-deliveries of this batch; if absent, re-deliveries are excluded. */
  batch_id?: string;
  from?: string;
  to?: string;
}

export interface StoredBatch {
  id: string;
  /** The tenant whose deliveries it selects; null: those of any. */
  tenant: string | null;
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

const COLUMNS = `id, tenant, status, status_reason, dry_run, source_batch_id, selection, rate_per_second, note, created_by,
  created_at, started_at, completed_at, plan, planned as planned_count,
  coalesce((plan->>'eligible')::integer, 0) - taken as remaining_count, skipped_at_turn as skipped_at_turn_count,
  taken - skipped_at_turn as created_count, n.*`;

/**
 * Counted from the rows, not stored: a delivery's status is then written in one place only. A delivery cancelled with an
 * attempt under way counts as cancelled.
 */
export const countsOf = (batch: string): string => `lateral (
    select count(*) filter (where status = 'DELIVERED')::int as delivered_count,
      count(*) filter (where status = 'FAILED')::int as failed_count,
      count(*) filter (where status = 'CANCELLED')::int as cancelled_count,
      count(*) filter (where status is null)::int as open_count
    from (select end_status as status from open_deliveries where batch_id = ${batch}.id
      union all select status from deliveries d
      where d.batch_id = ${batch}.id and d.id >= 'del_' || substr(${batch}.id, 5, 12)) d
  ) n`;
const FROM = `from batches cross join ${countsOf('batches')}`;

export async function getBatch(db: Db, id: string): Promise<StoredBatch | null> {
  const { rows } = await db.query<StoredBatch>(`select ${COLUMNS} ${FROM} where id = $1`, [id]);
  return rows[0] ?? null;
}

export async function listBatches(
  db: Db,
  filter: {
    status?: string | undefined;
    tenant?: string | undefined;
    /** The tenant of the key that made it. */
    key_tenant?: string | undefined;
  },
  page: PageQuery,
): Promise<Page<StoredBatch>> {
  return pageOf(db, `select ${COLUMNS} ${FROM}`, { ...filter }, page, 'bat');
}

export interface StoredItem {
  number: number;
  source_delivery_id: string | null;
  event_id: string | null;
  endpoint_id: string | null;
  status: (typeof ITEM_STATUSES)[number];
  reason: SkipReason | null;
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
     from batch_items i left join all_deliveries d on d.id = i.delivery_id and d.id >= $6
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

/** Why a delivery is held is found out once for each endpoint. */
const OUTCOMES = `
  with ended as (
    select count(*) filter (where status = 'DELIVERED') as delivered, count(*) filter (where status = 'FAILED') as failed,
      count(*) filter (where status = 'CANCELLED') as cancelled
    from deliveries where batch_id = $1 and id >= $2
  ), endpoint as (
    select count(*) filter (where end_status = 'FAILED') as failed,
      count(*) filter (where end_status = 'CANCELLED') as cancelled,
      count(*) filter (where claimed_by is null and attempt_count = 0) as ready_first,
      count(*) filter (where claimed_by is null and attempt_count > 0) as ready_again,
      count(*) filter (where claimed_by is not null and end_status is null and attempt_count = 0) as claimed_first,
      count(*) filter (where claimed_by is not null and end_status is null and attempt_count > 0) as claimed_again,
      held_reason(tenant, endpoint_id) is not null as is_held
    from open_deliveries where batch_id = $1 group by tenant, endpoint_id
  ), open as (
    select coalesce(sum(failed), 0) as failed, coalesce(sum(cancelled), 0) as cancelled,
      coalesce(sum(ready_first + ready_again) filter (where is_held), 0) as held,
      coalesce(sum(claimed_first + case when is_held then 0 else ready_first end), 0) as pending,
      coalesce(sum(claimed_again + case when is_held then 0 else ready_again end), 0) as in_progress
    from endpoint
  )
  select delivered::int, (ended.failed + open.failed)::int as failed, (ended.cancelled + open.cancelled)::int as cancelled,
    held::int, pending::int, in_progress::int from ended, open`;

export async function readState(db: Db, id: string): Promise<BatchState> {
  const { rows } = await db.query<BatchOutcomes>({
    name: 'batch-outcomes',
    text: OUTCOMES,
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
