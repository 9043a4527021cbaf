import { IDEMPOTENCY_WINDOW_HOURS } from '../domain/event.js';
import type { DeliveryStatus } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import { deliveriesOf } from './deliveries.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import type { Db } from './pool.js';

export interface NewEvent {
  id: string;
  tenant: string;
  type: string;
  payload: string;
  /** Sent with every request of the event, in addition to the endpoint's headers. */
  headers?: Record<string, string> | null;
  /** Null: the endpoint's content type, or JSON. */
  contentType?: string | null;
  idempotencyKey: string;
  /** SHA-256 in hex. */
  requestHash: string;
  /** Workflow id of the key's first use; later uses append `~` and their number. */
  workflowId: string;
  maxAttempts: number;
  /** By this process's clock; converted to Postgres's clock when stored. */
  createdAt: Date;
  /** Deliver to exactly these, whatever they subscribe to; null: to all endpoints that match the type. */
  endpointIds: string[] | null;
}

/** The sent parts of an event. */
export interface Content {
  /** The sender's own JSON text. */
  payload: string;
  headers: Record<string, string> | null;
  content_type: string | null;
}

export interface DeliveryStub {
  id: string;
  endpoint_id: string;
  status: DeliveryStatus;
}

export interface StoredEvent {
  id: string;
  type: string;
  tenant: string;
  idempotency_key: string;
  workflow_id: string;
  created_at: Date;
  /** Deliveries created with the event; replays and retries excluded. At most the first 100. */
  deliveries: DeliveryStub[];
  /** Number of these deliveries; null while more are being made. */
  delivery_count: number | null;
}

export type Accepted =
  { kind: 'accepted'; event: StoredEvent } | { kind: 'duplicate'; event: StoredEvent } | { kind: 'conflict' };

/** The key's first event if it was used within its window, or a conflict if the request differs; null: free. */
export async function findByKey(
  db: Db,
  { tenant, idempotencyKey, requestHash }: NewEvent,
): Promise<Exclude<Accepted, { kind: 'accepted' }> | null> {
  const { rows } = await db.query<{ event_id: string; request_hash: string }>(
    `select event_id, encode(request_hash, 'hex') as request_hash from idempotency_keys
     where tenant = $1 and key = $2 and accepted_at > now() - interval '${IDEMPOTENCY_WINDOW_HOURS} hours'`,
    [tenant, idempotencyKey],
  );
  const [row] = rows;
  if (!row) return null;
  if (row.request_hash !== requestHash) return { kind: 'conflict' };
  const event = await getEvent(db, row.event_id);
  if (!event) throw new Error(`The event ${row.event_id} of a known idempotency key is missing.`);
  return { kind: 'duplicate', event };
}

const COLUMNS = `id, type, tenant, idempotency_key, workflow_id, created_at,
  case when fan_out_after is null then delivery_count end as delivery_count`;
/** Limit on the deliveries shown with an event. */
export const MAX_SHOWN = 100;
const firstOf = (table: string) => `(select id, endpoint_id from ${table}
  where event_id = $1 and id >= $2 and source_delivery_id is null and batch_id is null
  order by endpoint_id limit ${MAX_SHOWN})`;

export async function getEvent(db: Db, id: string): Promise<(StoredEvent & Content) | null> {
  const { rows } = await db.query<StoredEvent & Content>(
    `select ${COLUMNS}, payload, headers, content_type,
       coalesce((select json_agg(json_build_object('id', d.id, 'endpoint_id', d.endpoint_id, 'status', d.status)
         order by d.endpoint_id) from ${deliveriesOf(`(${firstOf('open_deliveries')} union all
         ${firstOf('deliveries')} order by endpoint_id limit ${MAX_SHOWN}) page`)}), '[]') as deliveries
     from events e where id = $1`,
    [id, sinceId('del', id)],
  );
  return rows[0] ?? null;
}

export interface EventFilter {
  tenant?: string | undefined;
  type?: string | undefined;
  idempotency_key?: string | undefined;
}

export async function listEvents(
  db: Db,
  { idempotency_key: key, ...filter }: EventFilter,
  page: PageQuery,
): Promise<Page<Omit<StoredEvent, 'deliveries'>>> {
  const select = `select ${COLUMNS} from events`;
  if (key === undefined) return pageOf(db, select, { ...filter }, page, 'evt');
  // By the table of keys, one look-up a tenant: an index of its own would cost every event an entry.
  const { rows } = await db.query<{ ids: string[] }>(
    `select array_append(k.earlier_event_ids, k.event_id) as ids
     from tenants t join idempotency_keys k on k.tenant = t.id and k.key = $1
     where $2::text is null or t.id = $2`,
    [key, filter.tenant ?? null],
  );
  return pageOf(db, select, { ...filter }, { ...page, ids: rows.flatMap(({ ids }) => ids) }, 'evt');
}
