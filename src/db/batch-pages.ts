import { lowestId } from '../lib/ids.js';
import type { Selection } from './batch-state.js';
import type { Db } from './pool.js';

/** Rows read by one statement: bounds its time, however many rows exist and however few match. */
export const PAGE = 2_500;
/** Work of a filter on the payloads of a page, as `most_filter_work` counts it: about 0.2 s. */
const MAX_WORK = 2_000_000;

/** A batch whose selection is being copied into its items. */
export interface Planning {
  id: string;
  /** The only tenant whose deliveries it may hold; null: any. */
  key_tenant: string | null;
  selection: Selection;
  /** Items so far. */
  planned: number;
  /** The last row read; null before the first page. */
  planned_to: string | null;
}

/** A page of inserted items; `last` is null on the last page. */
export interface Inserted {
  items: number;
  last: string | null;
}

/** Adds a value to a statement, and returns its placeholder. */
export type Bind = (value: unknown) => string;

interface IdRange {
  above: '>' | '>=';
  low: string;
  below: string;
}

/** The ids after the last page, and before the creation of the batch. */
export function rangeOf(
  batch: Planning,
  prefix: 'del' | 'evt',
  times: { from?: string; to?: string },
): IdRange {
  const idAt = (time: string | undefined) => (time === undefined ? [] : [lowestId(prefix, new Date(time))]);
  const created = `${prefix}_${batch.id.slice(batch.id.indexOf('_') + 1)}`;
  return {
    above: batch.planned_to === null ? '>=' : '>',
    low: batch.planned_to ?? idAt(times.from)[0] ?? '',
    below: [created, ...idAt(times.to)].sort()[0]!,
  };
}

/** The next rows by id, of those with a value in an indexed column. */
export function pageOf(
  table: 'all_deliveries' | 'deliveries' | 'events',
  only: { column: string; value: string } | undefined,
  { above, low, below }: IdRange,
  bind: Bind,
  limit = PAGE,
): string {
  const where = [`id ${above} ${bind(low)}`, `id < ${bind(below)}`];
  if (only) where.push(`${only.column} = ${bind(only.value)}`);
  return `select * from ${table} where ${where.join(' and ')} order by id limit ${limit}`;
}

/** Rows that a page can have before `cutByWork` ends it: a filter of this cost does so much for an empty payload. */
export const limitFor = (cost: number): number =>
  Math.min(PAGE, Math.ceil(MAX_WORK / Math.min(cost * 32, 200_000)));

/** The first rows of a page, up to MAX_WORK and at least one; `page_rows` counts the rows of the whole page. */
export const cutByWork = (page: string, work: string): string =>
  `select * from (
     select *, count(*) over () as page_rows, row_number() over one as nth, sum(${work}) over one as work from (${page}) page
     window one as (order by id)) priced
   where nth = 1 or work <= ${MAX_WORK}`;

/** `values` begin with the batch's id, its item count so far, and whether to include DELIVERED ones. */
export async function insertLookedAt(
  db: Db,
  {
    lookedAt,
    read = 'count(*)',
    limit = PAGE,
    chosen,
    values,
  }: {
    lookedAt: string;
    /** SQL: the rows of the page, if `lookedAt` is only a part of it. */
    read?: string;
    /** Limit of the statement that read the page. */
    limit?: number;
    chosen: string;
    values: unknown[];
  },
): Promise<Inserted> {
  const { rows } = await db.query<{ read: number; looked: number; last: string; items: number }>(
    `with looked_at as materialized (${lookedAt}), inserted as (
       insert into batch_items (batch_id, number, source_delivery_id, event_id, endpoint_id, event_type, status, reason)
       select $1, $2::integer + row_number() over (order by id), source, event_id, endpoint_id, event_type,
         case when why.reason is null then 'PLANNED' else 'SKIPPED' end, why.reason
       from looked_at cross join lateral replay_skip(source, event_id, endpoint_id, $3) why
       where ${chosen}
       returning 1
     )
     select ${read}::int as read, count(*)::int as looked, max(id) as last, (select count(*)::int from inserted) as items
     from looked_at`,
    values,
  );
  const { looked, last, items } = rows[0]!;
  const isCut = looked < rows[0]!.read;
  return { items, last: isCut || looked === limit ? last : null };
}
