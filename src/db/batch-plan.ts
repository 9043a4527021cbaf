import type { SKIP_REASONS } from '../domain/batch.js';
import { type BatchPlan, type BatchStatus } from '../domain/batch.js';
import { lowestId } from '../lib/ids.js';
import type { Selection } from './batches.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Rows read by one statement: bounds its time, however many rows exist and however few match. */
const PAGE = 5_000;
/** Entries in each list of a plan. */
const LISTED = 100;

interface Planning {
  id: string;
  status: BatchStatus;
  dry_run: boolean;
  selection: Selection;
  source_batch_id: string | null;
  planned: number;
  planned_to: string | null;
}

/** A page of inserted items; `last` is null on the last page. */
interface Planned {
  items: number;
  last: string | null;
}

/**
 * Copies the next page of a batch's selection into its items, oldest first, with the reason for each skipped one; after
 * the last page the plan is final. The position commits with the page, so no page is made twice. False: done.
 */
export async function planPage(pool: Pool, id: string): Promise<boolean> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<Planning>(
      `select id, status, dry_run, selection, source_batch_id, planned, planned_to from batches where id = $1 for update`,
      [id],
    );
    const batch = rows[0];
    if (batch?.status !== 'PLANNING') return false;
    const { items, last } = await nextPage(db, batch);
    await db.query(
      `update batches set planned = planned + $2, planned_to = coalesce($3, planned_to),
         due_at = now() + interval '1 minute' where id = $1`,
      [id, items, last],
    );
    if (last !== null) return true;
    await skipDoubles(db, id);
    await db.query(
      `update batches set plan = $2, status = case when dry_run then 'DRY_RUN' else 'RUNNING' end,
         started_at = case when dry_run then null else now() end,
         completed_at = case when dry_run then now() end, due_at = case when dry_run then null else due_at end
       where id = $1`,
      [id, JSON.stringify(await summarize(db, id))],
    );
    return false;
  });
}

/** Two deliveries of one event to one endpoint are replayed once: skip the later ones, as the run would. */
async function skipDoubles(db: Db, id: string): Promise<void> {
  await db.query(
    `update batch_items set status = 'SKIPPED', reason = 'duplicate'
     where batch_id = $1 and number = any(array(
       select number from (
         select number, row_number() over (partition by event_id, endpoint_id order by number) as nth
         from batch_items where batch_id = $1 and status = 'PLANNED') planned
       where nth > 1))`,
    [id],
  );
}

function nextPage(db: Db, batch: Planning): Promise<Planned> {
  const { selection } = batch;
  if ('delivery_id_count' in selection) return chosenIds(db, batch, selection);
  if ('filter' in selection) return filtered(db, batch, selection);
  if ('missing' in selection) return missing(db, batch, selection);
  return taken(db, batch, selection.batch_id);
}

type Of<K extends string> = Extract<Selection, Record<K, unknown>>;

async function chosenIds(db: Db, batch: Planning, selection: Of<'delivery_id_count'>): Promise<Planned> {
  const { rowCount } = await db.query(
    `with chosen as (
       select one.id, row_number() over (partition by one.id order by place) as nth,
         row_number() over (order by one.id, place) as number
       from batches b cross join lateral unnest(b.delivery_ids) with ordinality one (id, place) where b.id = $1
     )
     insert into batch_items (batch_id, number, source_delivery_id, event_id, endpoint_id, event_type, status, reason)
     select $1, number, chosen.id, d.event_id, d.endpoint_id, d.event_type,
       case when why.reason is null then 'PLANNED' else 'SKIPPED' end, why.reason
     from chosen left join deliveries d on d.id = chosen.id and nth = 1
       cross join lateral (select case
         when nth > 1 then 'duplicate_id'
         when d.id is null then 'not_found'
         when d.tenant <> $2 then 'foreign_tenant'
         else replay_skip(d.id, d.event_id, d.endpoint_id, $3) end as reason) why
     where number > $4 and number <= $4 + $5`,
    [batch.id, selection.tenant, selection.include_delivered, batch.planned, PAGE],
  );
  const planned = batch.planned + rowCount!;
  return { items: rowCount!, last: planned < selection.delivery_id_count ? String(planned) : null };
}

async function filtered(
  db: Db,
  batch: Planning,
  { filter, include_delivered }: Of<'filter'>,
): Promise<Planned> {
  const values: unknown[] = [batch.id, batch.planned, include_delivered];
  const place = (value: unknown) => `$${values.push(value)}`;
  const where = [...between(batch, 'del', filter, place)];
  // Replays and manual retries are selected only by batch or id: a filter used a second time would replay the replays
  // of its first use.
  if (filter.batch_id) where.push(`batch_id = ${place(filter.batch_id)}`);
  else where.push('source_delivery_id is null and batch_id is null');
  // Indexed columns narrow the rows read; the other conditions filter the page.
  if (filter.tenant) where.push(`tenant = ${place(filter.tenant)}`);
  if (filter.endpoint_id) where.push(`endpoint_id = ${place(filter.endpoint_id)}`);
  const chosen = [`status = any(${place(filter.status)})`];
  if (filter.event_type) chosen.push(`event_type = ${place(filter.event_type)}`);
  if (filter.classification) chosen.push(`last_classification = ${place(filter.classification)}`);
  return insertLookedAt(
    db,
    `select id, id as source, event_id, endpoint_id, event_type, status, last_classification from deliveries
     where ${where.join(' and ')} order by id limit ${PAGE}`,
    chosen.join(' and '),
    values,
  );
}

async function missing(db: Db, batch: Planning, selection: Of<'missing'>): Promise<Planned> {
  const { endpoint_id, event_type, ...range } = selection.missing;
  const values: unknown[] = [batch.id, batch.planned, selection.include_delivered];
  const place = (value: unknown) => `$${values.push(value)}`;
  const where = between(batch, 'evt', range, place);
  const endpoint = place(endpoint_id);
  const chosen = [
    'not targeted',
    `exists (select from unnest(patterns) p where p = event_type
       or p like '%*' and starts_with(event_type, left(p, -1)))`,
    `not exists (select from deliveries d where d.event_id = looked_at.event_id and d.endpoint_id = ${endpoint})`,
  ];
  if (event_type) chosen.push(`event_type = ${place(event_type)}`);
  return insertLookedAt(
    db,
    `select e.id, null as source, e.id as event_id, ep.id as endpoint_id, e.type as event_type,
       e.targeted, ep.event_types as patterns
     from endpoints ep join events e on e.tenant = ep.tenant
     where ep.id = ${endpoint} and ${where.join(' and ')} order by e.id limit ${PAGE}`,
    chosen.join(' and '),
    values,
  );
}

/** Id range of the rows to read: after the last page, before the creation of the batch. */
function between(
  batch: Planning,
  prefix: 'del' | 'evt',
  range: { from?: string; to?: string },
  place: (value: unknown) => string,
): string[] {
  const id = prefix === 'evt' ? 'e.id' : 'id';
  const made = `${prefix}_${batch.id.slice(batch.id.indexOf('_') + 1)}`;
  const where = [`${id} < ${place(made)}`];
  if (batch.planned_to !== null) where.push(`${id} > ${place(batch.planned_to)}`);
  if (range.from) where.push(`${id} >= ${place(lowestId(prefix, new Date(range.from)))}`);
  if (range.to) where.push(`${id} < ${place(lowestId(prefix, new Date(range.to)))}`);
  return where;
}

/** `values` begin with the batch's id, its item count so far, and whether to include DELIVERED ones. */
async function insertLookedAt(db: Db, lookedAt: string, chosen: string, values: unknown[]): Promise<Planned> {
  const { rows } = await db.query<{ looked: number; last: string; items: number }>(
    `with looked_at as materialized (${lookedAt}), inserted as (
       insert into batch_items (batch_id, number, source_delivery_id, event_id, endpoint_id, event_type, status, reason)
       select $1, $2::integer + row_number() over (order by id), source, event_id, endpoint_id, event_type,
         case when why.reason is null then 'PLANNED' else 'SKIPPED' end, why.reason
       from looked_at
         cross join lateral (select replay_skip(source, event_id, endpoint_id, $3) as reason) why
       where ${chosen}
       returning 1
     )
     select count(*)::int as looked, max(id) as last, (select count(*)::int from inserted) as items from looked_at`,
    values,
  );
  const { looked, last, items } = rows[0]!;
  return { items, last: looked < PAGE ? null : last };
}

/** All items of a dry run; of any other batch, the items never taken and those whose delivery was cancelled. */
async function taken(db: Db, batch: Planning, sourceId: string): Promise<Planned> {
  const after = Number(batch.planned_to ?? 0);
  const { rows } = await db.query<{ items: number; more: boolean }>(
    `with source as (select dry_run, planned from batches where id = $2), copied as (
       select i.*, i.number as place from batch_items i, source
         left join lateral (select status from deliveries where id = i.delivery_id) d on true
       where i.batch_id = $2 and i.number > $3 and i.number <= $3 + ${PAGE}
         and (source.dry_run or i.status = 'PLANNED' or i.status = 'CREATED' and d.status = 'CANCELLED')
     ), inserted as (
       insert into batch_items (batch_id, number, source_delivery_id, event_id, endpoint_id, event_type, status, reason)
       select $1, $4::integer + row_number() over (order by place), source_delivery_id, event_id, endpoint_id, event_type,
         case when status = 'SKIPPED' then 'SKIPPED' else 'PLANNED' end, reason
       from copied
     )
     select (select count(*)::int from copied) as items, planned > $3 + ${PAGE} as more from source`,
    [batch.id, sourceId, after, batch.planned],
  );
  const { items, more } = rows[0]!;
  return { items, last: more ? String(after + PAGE) : null };
}

async function summarize(db: Db, batchId: string): Promise<BatchPlan> {
  const counts = async <T>(column: string, status: string) =>
    (
      await db.query<T & { count: number }>(
        `select ${column}, count(*)::int as count from batch_items where batch_id = $1 and status = $2
         group by ${column} order by count desc, ${column} limit ${LISTED}`,
        [batchId, status],
      )
    ).rows;
  const { rows: skipped } = await db.query<BatchPlan['skipped'][number]>(
    `select source_delivery_id as delivery_id, reason from batch_items where batch_id = $1 and status = 'SKIPPED'
     order by number limit ${LISTED}`,
    [batchId],
  );
  const byStatus = await db.query<{ status: string; count: number }>(
    'select status, count(*)::int as count from batch_items where batch_id = $1 group by status',
    [batchId],
  );
  const of = (status: string) => byStatus.rows.find((row) => row.status === status)?.count ?? 0;
  const reasons = await counts<{ reason: (typeof SKIP_REASONS)[number] }>('reason', 'SKIPPED');
  return {
    total: of('PLANNED') + of('SKIPPED'),
    eligible: of('PLANNED'),
    skipped_by_reason: Object.fromEntries(reasons.map(({ reason, count }) => [reason, count])),
    skipped,
    by_endpoint: await counts<{ endpoint_id: string }>('endpoint_id', 'PLANNED'),
    by_event_type: await counts<{ event_type: string }>('event_type', 'PLANNED'),
  };
}
