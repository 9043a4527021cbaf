import type { EventFilter, StoredEvent } from './events.js';
import { encodePlace, nextPlace, type FeedPlace } from './feed-place.js';
import type { Db } from './pool.js';

type ListedEvent = Omit<StoredEvent, 'deliveries'>;

export interface FeedPage {
  data: ListedEvent[];
  /** Present on an empty page, too. */
  next_cursor: string;
  /** More events can be read immediately. */
  has_more: boolean;
  /**
   * Acceptance time of the oldest committed event that is not in the feed yet, because an older transaction is open;
   * null: the feed is complete.
   */
  held_back_since: Date | null;
}

/** Events read for one page: a filter with few matches costs no more, and its reader continues after them. */
const LOOKED_AT = 5_000;

/** The position after everything now in the feed. */
export async function feedEnd(db: Db): Promise<FeedPlace> {
  const { rows } = await db.query<{ xid: string }>(
    'select pg_snapshot_xmin(pg_current_snapshot())::text as xid',
  );
  return { xid: rows[0]!.xid, id: '' };
}

interface Row extends ListedEvent {
  /** Null in the only row of an empty page. */
  id: string;
  xid: string;
  below: string;
  ahead: boolean;
  looked: number;
  last_xid: string | null;
  last_id: string | null;
  held_back_since: Date | null;
}

/**
 * The next events after a position, by transaction and id. Only transactions below the oldest open one are read: no new
 * event can appear there, from any process. Null: the position is ahead of this database, so it comes from another one.
 */
export async function readFeed(
  db: Db,
  { tenant, type }: Pick<EventFilter, 'tenant' | 'type'>,
  after: FeedPlace,
  limit: number,
): Promise<FeedPage | null> {
  const most = tenant === undefined && type === undefined ? limit + 1 : LOOKED_AT;
  const { rows } = await db.query<Row>(
    `with settled as materialized (
       select pg_snapshot_xmin(pg_current_snapshot()) as below
     ), looked_at as materialized (
       select id, xid, tenant, type from events
       where (xid, id) > ($1::xid8, $2) and xid < (select below from settled) order by xid, id limit $3
     ), chosen as materialized (
       select id, xid from looked_at
       where ($4::text is null or tenant = $4) and ($5::text is null or type = $5) order by xid, id limit $6
     )
     select e.id, e.type, e.tenant, e.idempotency_key, e.workflow_id, e.created_at,
       case when e.fan_out_after is null then e.delivery_count end as delivery_count, e.xid::text as xid,
       below::text as below, $1::xid8 > below as ahead, looked, last.xid::text as last_xid, last.id as last_id,
       (select created_at from events where xid >= (select below from settled) order by xid, id limit 1)
         as held_back_since
     from settled cross join (select count(*)::int as looked from looked_at) counted
       left join (select xid, id from looked_at order by xid desc, id desc limit 1) last on true
       left join (chosen join events e using (id)) on true
     order by e.xid, e.id`,
    [after.xid, after.id, most, tenant ?? null, type ?? null, limit + 1],
  );
  const { below, ahead, looked, last_xid, last_id, held_back_since } = rows[0]!;
  if (ahead) return null;
  const found = rows.filter(({ id }) => id !== null);
  const shown = found.slice(0, limit);
  const hasMoreFound = found.length > limit;
  const last = looked < most ? null : { xid: last_xid!, id: last_id! };
  return {
    data: shown.map((row) => ({
      id: row.id,
      type: row.type,
      tenant: row.tenant,
      idempotency_key: row.idempotency_key,
      workflow_id: row.workflow_id,
      created_at: row.created_at,
      delivery_count: row.delivery_count,
    })),
    next_cursor: encodePlace(nextPlace({ shown, hasMoreFound, last, below }, after)),
    has_more: hasMoreFound || last !== null,
    held_back_since,
  };
}
