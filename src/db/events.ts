import { DELIVERIES_PER_WORKFLOW, IDEMPOTENCY_WINDOW_HOURS, patternsMatching } from '../domain/event.js';
import type { DeliveryStatus, LaneOrAny } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import { bulkParam, bulkValue } from './bulk-params.js';
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
  /** Deliveries created with the event; replays and retries excluded. */
  deliveries: DeliveryStub[];
}

export type Accepted =
  { kind: 'accepted'; event: StoredEvent } | { kind: 'duplicate'; event: StoredEvent } | { kind: 'conflict' };

/** Result of one commit; 'known': the key was used within its window, and no event was stored. */
export type Stored =
  | (Extract<Accepted, { kind: 'accepted' }> & {
      /** When another process may make the first attempts. */
      dueAt: string;
    })
  | { kind: 'known' };

/** The lane of the first attempts, and the time during which no other may make them: longer than the lane needs. */
export interface LaneChoice {
  lane: LaneOrAny;
  dueInMs: number;
  /** Lane of deliveries held at acceptance, unless their workflow starts at once. */
  heldLane: LaneOrAny;
}

/**
 * Stores the keys, events and deliveries of many events in one statement and one commit; a key still in its window
 * changes nothing. No two events may have the same tenant and key. Results are in the order of `events`.
 */
export async function acceptEvents(
  db: Db,
  events: NewEvent[],
  { lane, dueInMs, heldLane }: LaneChoice,
): Promise<Stored[]> {
  const each = (of: (event: NewEvent) => string | number | null) => bulkValue(events.map(of));
  const { rows } = await db.query<{
    id: string;
    workflow_id: string;
    created_at: Date;
    due_at: string;
    delivery_id: string | null;
    endpoint_id: string;
    status: DeliveryStatus;
  }>({
    name: 'accept-events',
    text: `
      with input as (
        select i.*, endpoint_list::text[] as endpoint_ids, string_to_array(pattern_list, ' ') as patterns,
          date_trunc('milliseconds', now() - age_ms * interval '1 millisecond') as at
        from unnest(${bulkParam(1)}, ${bulkParam(2)}, ${bulkParam(3)}, ${bulkParam(4)}, ${bulkParam(5)}, ${bulkParam(6)}, ${bulkParam(7)},
          ${bulkParam(8, 'int')}, ${bulkParam(9, 'float8')}, ${bulkParam(10)}, ${bulkParam(11)}, ${bulkParam(15)}, ${bulkParam(16)})
          as i (id, tenant, type, payload, key, hash, workflow_id, max_attempts, age_ms, endpoint_list, pattern_list,
            headers, content_type)
      ), tenant as (
        insert into tenants (id) select distinct tenant from input order by tenant on conflict do nothing
      ), key as (
        -- In one order everywhere: two processes that share keys wait for each other, never both.
        insert into idempotency_keys as k (tenant, key, event_id, request_hash, accepted_at)
        select tenant, key, id, decode(hash, 'hex'), at from input order by tenant, key
        on conflict (tenant, key) do update
          set event_id = excluded.event_id, request_hash = excluded.request_hash,
              accepted_at = excluded.accepted_at, generation = k.generation + 1
          where k.accepted_at <= excluded.accepted_at - interval '${IDEMPOTENCY_WINDOW_HOURS} hours'
        returning event_id, generation
      ), event as (
        insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at, targeted, headers,
          content_type)
        select i.id, i.tenant, i.type, i.payload, i.key,
          i.workflow_id || case when generation = 1 then '' else '~' || generation end, i.at,
          i.endpoint_ids is not null, i.headers::jsonb, i.content_type
        from key join input i on i.id = key.event_id
        returning id, workflow_id, created_at
      ), fan_out as (
        insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
          status, status_reason, lane, in_hand, due_at)
        select new_id('del', i.at), i.id, ep.id, i.tenant, i.type, i.max_attempts,
          event.workflow_id || case when count(*) over (partition by i.id) > ${DELIVERIES_PER_WORKFLOW}
            then '~p' || 1 + (row_number() over (partition by i.id order by ep.id) - 1) / ${DELIVERIES_PER_WORKFLOW}
            else '' end,
          i.at, case when held.reason is null then 'PENDING' else 'HELD' end, held.reason,
          case when held.reason is null
              -- One workflow starts all parts of a wide event.
              or $12 = 'workflow' and count(*) over (partition by i.id) > ${DELIVERIES_PER_WORKFLOW}
                and not bool_and(held.reason is not null) over (partition by i.id)
            then $12 else $14 end,
          $12 = 'direct' and held.reason is null,
          -- What is held goes on in the order it came.
          case when held.reason is null then now() + $13 * interval '1 millisecond' else i.at end
        from event join input i on i.id = event.id
          join endpoints ep on ep.tenant = i.tenant and ep.deleted_at is null
            and case when i.endpoint_ids is null then ep.event_types && i.patterns else ep.id = any(i.endpoint_ids) end
          cross join lateral (select coalesce(
            case when (select exists (select from control)) then pause_of(i.tenant) end, hold_of(ep)) as reason) held
        returning event_id, id, endpoint_id, status
      )
      select event.id, event.workflow_id, event.created_at, (now() + $13 * interval '1 millisecond')::text as due_at,
        fan_out.id as delivery_id, fan_out.endpoint_id, fan_out.status
      from event left join fan_out on fan_out.event_id = event.id
      order by event.id, fan_out.endpoint_id`,
    values: [
      each((event) => event.id),
      each((event) => event.tenant),
      each((event) => event.type),
      each((event) => event.payload),
      each((event) => event.idempotencyKey),
      each((event) => event.requestHash),
      each((event) => event.workflowId),
      each((event) => event.maxAttempts),
      each((event) => Date.now() - event.createdAt.getTime()),
      each((event) => event.endpointIds && `{${event.endpointIds.join()}}`),
      each((event) => patternsMatching(event.type).join(' ')),
      lane,
      dueInMs,
      heldLane,
      each(({ headers }) => (headers ? JSON.stringify(headers) : null)),
      each(({ contentType }) => contentType ?? null),
    ],
  });
  const stored = new Map<
    string,
    { workflow_id: string; created_at: Date; dueAt: string; deliveries: DeliveryStub[] }
  >();
  for (const { id, workflow_id, created_at, due_at: dueAt, delivery_id, endpoint_id, status } of rows) {
    const event = stored.get(id) ?? { workflow_id, created_at, dueAt, deliveries: [] };
    stored.set(id, event);
    if (delivery_id) event.deliveries.push({ id: delivery_id, endpoint_id, status });
  }
  return events.map((event) => {
    const made = stored.get(event.id);
    if (!made) return { kind: 'known' };
    const { id, type, tenant, idempotencyKey } = event;
    const { workflow_id, created_at, dueAt, deliveries } = made;
    return {
      kind: 'accepted',
      dueAt,
      event: { id, type, tenant, idempotency_key: idempotencyKey, created_at, workflow_id, deliveries },
    };
  });
}

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

const COLUMNS = 'id, type, tenant, idempotency_key, workflow_id, created_at';

export async function getEvent(db: Db, id: string): Promise<(StoredEvent & Content) | null> {
  const { rows } = await db.query<StoredEvent & Content>(
    `select ${COLUMNS}, payload, headers, content_type,
       coalesce((select json_agg(json_build_object('id', d.id, 'endpoint_id', d.endpoint_id, 'status', d.status)
         order by d.endpoint_id) from deliveries d
         where d.event_id = e.id and d.id >= $2 and d.source_delivery_id is null and d.batch_id is null), '[]') as deliveries
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
  filter: EventFilter,
  page: PageQuery,
): Promise<Page<Omit<StoredEvent, 'deliveries'>>> {
  return pageOf(db, `select ${COLUMNS} from events`, { ...filter }, page, 'evt');
}
