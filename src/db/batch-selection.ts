import { isOpen } from '../domain/delivery.js';
import {
  type Bind,
  cutByWork,
  type Inserted,
  insertLookedAt,
  limitFor,
  PAGE,
  pageOf,
  type Planning,
  rangeOf,
} from './batch-pages.js';
import type { Selection } from './batch-state.js';
import type { Db } from './pool.js';

type Of<K extends string> = Extract<Selection, Record<K, unknown>>;

/** Inserts the items of the next page of a batch's selection, PLANNED or SKIPPED with the reason. */
export function insertNextPage(db: Db, batch: Planning): Promise<Inserted> {
  const { selection } = batch;
  if ('delivery_id_count' in selection) return insertChosen(db, batch, selection);
  if ('filter' in selection) return insertFiltered(db, batch, selection);
  if ('missing' in selection) return insertMissing(db, batch, selection);
  return insertFromBatch(db, batch, selection.batch_id);
}

/** The ids of a batch are at most 10,000; a delivery is looked up for those of this page only. */
async function insertChosen(db: Db, batch: Planning, selection: Of<'delivery_id_count'>): Promise<Inserted> {
  const { rowCount } = await db.query(
    `with chosen as (
       select one.id, row_number() over (partition by one.id order by place) as nth,
         row_number() over (order by one.id, place) as number
       from batches b cross join lateral unnest(b.delivery_ids) with ordinality one (id, place) where b.id = $1
     ), page as materialized (select * from chosen where number > $4 and number <= $4 + $5)
     insert into batch_items (batch_id, number, source_delivery_id, event_id, endpoint_id, event_type, status, reason)
     select $1, number, page.id, d.event_id, d.endpoint_id, d.event_type,
       case when why.reason is null then 'PLANNED' else 'SKIPPED' end, why.reason
     from page
       left join lateral (select * from all_deliveries
         where id = page.id and nth = 1 and ($6::text is null or tenant = $6) limit 1) d on true
       cross join lateral replay_skip(d.id, d.event_id, d.endpoint_id, $3) skip
       cross join lateral (select case
         when nth > 1 then 'duplicate_id'
         when d.id is null then 'not_found'
         when d.tenant <> $2 then 'foreign_tenant'
         else skip.reason end as reason) why`,
    [batch.id, selection.tenant, selection.include_delivered, batch.planned, PAGE, batch.key_tenant],
  );
  const planned = batch.planned + rowCount!;
  return { items: rowCount!, last: planned < selection.delivery_id_count ? String(planned) : null };
}

/** Indexed by these and the id, those with the fewest rows first. */
const INDEXED = ['batch_id', 'endpoint_id', 'tenant', 'event_type'] as const;

async function insertFiltered(
  db: Db,
  batch: Planning,
  { filter: given, include_delivered }: Of<'filter'>,
): Promise<Inserted> {
  const filter = batch.key_tenant === null ? given : { ...given, tenant: batch.key_tenant };
  const values: unknown[] = [batch.id, batch.planned, include_delivered];
  const bind: Bind = (value) => `$${values.push(value)}`;
  // One indexed condition at most decides which rows are read, and all others filter the page: with more of them a
  // statement would read on until it has a page of matches.
  const column = INDEXED.find((name) => filter[name] !== undefined);
  const range = rangeOf(batch, 'del', filter);
  const wantsOpen = filter.status.some((status) => isOpen({ status }));
  const table = wantsOpen ? 'all_deliveries' : 'deliveries';
  const lookedAt = pageOf(table, column && { column, value: filter[column]! }, range, bind);
  const chosen = [`status = any(${bind(filter.status)})`];
  // Replays and manual retries are selected only by batch or id: a filter used a second time would replay the replays
  // of its first use.
  if (!filter.batch_id) chosen.push('source_delivery_id is null and batch_id is null');
  for (const name of INDEXED) {
    if (filter[name] && name !== column) chosen.push(`${name} = ${bind(filter[name])}`);
  }
  if (filter.classification) chosen.push(`last_classification = ${bind(filter.classification)}`);
  return insertLookedAt(db, {
    lookedAt: `select *, id as source from (${lookedAt}) page`,
    chosen: chosen.join(' and '),
    values,
  });
}

async function insertMissing(db: Db, batch: Planning, selection: Of<'missing'>): Promise<Inserted> {
  const { endpoint_id, event_type, ...times } = selection.missing;
  const { rows } = await db.query<{
    tenant: string;
    event_types: string[];
    filter_path: string | null;
    filter_cost: number;
  }>(
    `select tenant, event_types, filter_path, filter_cost from endpoints
     where id = $1 and ($2::text is null or tenant = $2)`,
    [endpoint_id, batch.key_tenant],
  );
  if (!rows[0]) return { items: 0, last: null };
  const values: unknown[] = [batch.id, batch.planned, selection.include_delivered];
  const bind: Bind = (value) => `$${values.push(value)}`;
  const tenant = { column: 'tenant', value: rows[0].tenant };
  const { filter_path, filter_cost } = rows[0];
  const limit = filter_path === null ? PAGE : limitFor(filter_cost);
  const page = pageOf('events', tenant, rangeOf(batch, 'evt', times), bind, limit);
  const endpoint = bind(endpoint_id);
  const chosen = [
    'not targeted',
    `exists (select from unnest(${bind(rows[0].event_types)}::text[]) p where p = event_type
       or p like '%*' and starts_with(event_type, left(p, -1)))`,
    // The delivery to the endpoint is still being made with the others of a wide event.
    `(fan_out_after is null or fan_out_after >= ${endpoint})`,
    // With a limit, it stays one look-up for each event; a join could read all deliveries of the endpoint.
    ...['open_deliveries', 'deliveries'].map(
      (table) => `(select true from ${table} d
        where d.event_id = looked_at.event_id and d.endpoint_id = ${endpoint} limit 1) is null`,
    ),
  ];
  if (event_type) chosen.push(`event_type = ${bind(event_type)}`);
  const lookedAt = (from: string, more = '') =>
    `select id, null as source, id as event_id, ${endpoint} as endpoint_id, type as event_type, targeted, fan_out_after
       ${more} from (${from}) page`;
  if (filter_path === null)
    return insertLookedAt(db, { lookedAt: lookedAt(page), chosen: chosen.join(' and '), values });
  const cost = bind(filter_cost);
  chosen.push(`(select filter_passes(${bind(filter_path)}::jsonpath, ${cost}, document, payload_size(payload, document))
    from (select payload_document(payload) as document offset 0) read)`);
  return insertLookedAt(db, {
    lookedAt: lookedAt(
      cutByWork(page, `most_filter_work(${cost}, octet_length(payload))`),
      ', payload, page_rows',
    ),
    read: 'max(page_rows)',
    limit,
    chosen: chosen.join(' and '),
    values,
  });
}

/** All items of a dry run; of any other batch, the items never processed and those whose delivery was cancelled. */
async function insertFromBatch(db: Db, batch: Planning, sourceId: string): Promise<Inserted> {
  const after = Number(batch.planned_to ?? 0);
  const { rows } = await db.query<{ items: number; more: boolean }>(
    `with source as (select dry_run, planned from batches where id = $2), copied as (
       select i.*, i.number as place from source cross join batch_items i
         left join lateral (select status from deliveries where id = i.delivery_id limit 1) d on true
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
