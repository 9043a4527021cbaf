import type { Classification, DeliveryStatus } from '../domain/delivery.js';
import { encodePlace, FEED_START, nextPlace, type FeedPlace } from './feed-place.js';
import type { Db } from './pool.js';

/** An attempt with what a line about it needs. */
export interface FeedAttempt {
  delivery_id: string;
  number: number;
  max_attempts: number;
  event_id: string;
  event_type: string;
  endpoint_id: string;
  tenant: string;
  /** That of the endpoint now. */
  url: string;
  started_at: Date;
  latency_ms: number;
  classification: Classification;
  http_status: number | null;
  error: string | null;
  next_attempt_at: string | null;
  /** The status of the delivery after this attempt. */
  status: DeliveryStatus;
}

export interface AttemptFeedPage {
  /** In the order of the transactions that recorded them. */
  data: FeedAttempt[];
  next_cursor: string;
  has_more: boolean;
}

interface Filter {
  tenant?: string | undefined;
  endpoint_id?: string | undefined;
}

/** Attempts read for one page of a filter with few matches; the delivery of each is looked up. */
const LOOKED_AT = 1_000;

interface Row extends FeedAttempt {
  xid: string;
  below: string;
  ahead: boolean;
  looked: number;
  last: FeedPlace | null;
}

const ID = /^(del_[0-9a-f]{32}) (\d{1,9})$/;
export const isAttemptPlace = (id: string): boolean => ID.test(id);

/** SQL: what is read of a delivery, open or ended. One look-up by index for each row that it is joined to. */
const DELIVERY = `(
  select event_id, event_type, endpoint_id, tenant, max_attempts, status from deliveries where id = a.delivery_id
  union all
  select event_id, event_type, endpoint_id, tenant, max_attempts, null from open_deliveries where id = a.delivery_id
  limit 1)`;

/**
 * The next attempts after a position, in the order of the feed of events: none is missed or repeated. `after` null: the
 * newest ones. Null: the position is ahead of this database.
 */
export async function readAttemptFeed(
  db: Db,
  filter: Filter,
  after: FeedPlace | null,
  limit: number,
): Promise<AttemptFeedPage | null> {
  const { tenant = null, endpoint_id: endpointId = null } = filter;
  const most = tenant === null && endpointId === null ? limit + 1 : LOOKED_AT;
  const [, deliveryId = '', number = '0'] = ID.exec(after?.id ?? '') ?? [];
  const order = after === null ? 'xid desc, delivery_id desc, number desc' : 'xid, delivery_id, number';
  const { rows } = await db.query<Row>(
    `with settled as materialized (
       select pg_snapshot_xmin(pg_current_snapshot()) as below
     ), looked_at as materialized (
       select * from attempts
       where (xid, delivery_id, number) > ($1::xid8, $2, $3::int) and xid < (select below from settled)
       order by ${order} limit $4
     ), chosen as (
       select a.*, d.* from looked_at a cross join lateral ${DELIVERY} d
       where ($5::text is null or tenant = $5) and ($6::text is null or endpoint_id = $6)
       order by ${order} limit $7
     )
     select c.delivery_id, c.number, c.max_attempts, c.event_id, c.event_type, c.endpoint_id, c.tenant, e.url,
       c.started_at, c.latency_ms, c.classification, c.http_status, c.detail->>'error' as error,
       c.detail->>'next_attempt_at' as next_attempt_at,
       case when c.detail->>'next_attempt_at' is null then coalesce(c.status, 'IN_PROGRESS') else 'IN_PROGRESS' end
         as status,
       c.xid::text as xid, below::text as below, $1::xid8 > below as ahead,
       (select count(*)::int from looked_at) as looked,
       (select jsonb_build_object('xid', xid::text, 'id', delivery_id || ' ' || number) from looked_at
        order by xid desc, delivery_id desc, number desc limit 1) as last
     from settled left join (chosen c join endpoints e on e.id = c.endpoint_id) on true
     order by c.xid, c.delivery_id, c.number`,
    [
      (after ?? FEED_START).xid,
      deliveryId,
      number,
      most,
      tenant,
      endpointId,
      limit + (after === null ? 0 : 1),
    ],
  );
  const { below, ahead, looked, last: lastLooked } = rows[0]!;
  if (ahead) return null;
  const found = rows.filter((row) => row.delivery_id !== null);
  const shown = found.slice(0, limit).map((row) => ({ ...row, id: `${row.delivery_id} ${row.number}` }));
  const hasMoreFound = found.length > limit;
  // The newest rows end where the feed ends now.
  const last = after !== null && looked >= most ? lastLooked : null;
  return {
    data: shown.map(attemptOf),
    next_cursor: encodePlace(nextPlace({ shown, hasMoreFound, last, below }, after ?? FEED_START)),
    has_more: hasMoreFound || last !== null,
  };
}

const attemptOf = (row: Row): FeedAttempt => ({
  delivery_id: row.delivery_id,
  number: row.number,
  max_attempts: row.max_attempts,
  event_id: row.event_id,
  event_type: row.event_type,
  endpoint_id: row.endpoint_id,
  tenant: row.tenant,
  url: row.url,
  started_at: row.started_at,
  latency_ms: row.latency_ms,
  classification: row.classification,
  http_status: row.http_status,
  error: row.error,
  next_attempt_at: row.next_attempt_at,
  status: row.status,
});
