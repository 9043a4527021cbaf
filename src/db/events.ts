import { DELIVERIES_PER_WORKFLOW, IDEMPOTENCY_WINDOW_HOURS, patternsMatching } from '../domain/event.js';
import type { DeliveryStatus } from '../domain/delivery.js';
import { sinceId } from '../ids.js';
import { pageOf, type Page, type PageQuery } from './page.js';
import type { Db } from './pool.js';

export interface NewEvent {
  id: string;
  tenant: string;
  type: string;
  payload: string;
  idempotencyKey: string;
  requestHash: Buffer;
  /** The workflow id of the key's first use; a later use gets its number behind it. */
  workflowId: string;
  maxAttempts: number;
  createdAt: Date;
  /** Exactly these endpoints, whatever they subscribe to; null: all that match the type. */
  endpointIds: string[] | null;
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
  /** Those it was accepted with, none that was made later. */
  deliveries: DeliveryStub[];
}

export type Accepted =
  { kind: 'accepted'; event: StoredEvent } | { kind: 'duplicate'; event: StoredEvent } | { kind: 'conflict' };

/** Key, event and deliveries in one statement and one commit; a key still in its window changes nothing. */
export async function acceptEvent(db: Db, event: NewEvent): Promise<Accepted> {
  const { rows } = await db.query<{ workflow_id: string | null; deliveries: DeliveryStub[] }>({
    name: 'accept-event',
    text: `
      with tenant as (
        insert into tenants (id) values ($1) on conflict do nothing
      ), key as (
        insert into idempotency_keys as k (tenant, key, event_id, request_hash, accepted_at)
        values ($1, $2, $3, $4, $5)
        on conflict (tenant, key) do update
          set event_id = excluded.event_id, request_hash = excluded.request_hash,
              accepted_at = excluded.accepted_at, generation = k.generation + 1
          where k.accepted_at <= excluded.accepted_at - interval '${IDEMPOTENCY_WINDOW_HOURS} hours'
        returning generation
      ), event as (
        insert into events (id, tenant, type, payload, idempotency_key, workflow_id, created_at)
        select $3, $1, $6, $7, $2, $8 || case when generation = 1 then '' else '~' || generation end, $5 from key
        returning id, workflow_id
      ), fan_out as (
        insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
          status, status_reason)
        select new_id('del', $5), event.id, ep.id, $1, $6, $9,
          event.workflow_id || case when count(*) over () > ${DELIVERIES_PER_WORKFLOW}
            then '~p' || 1 + (row_number() over (order by ep.id) - 1) / ${DELIVERIES_PER_WORKFLOW} else '' end,
          $5, case when held.reason is null then 'PENDING' else 'HELD' end, held.reason
        from event, endpoints ep
          cross join lateral (select coalesce(pause_of($1), hold_of(ep)) as reason) held
        where ep.tenant = $1 and ep.deleted_at is null
          and case when $10::text[] is null then ep.event_types && $11::text[] else ep.id = any($10) end
        returning id, endpoint_id, status
      )
      select (select workflow_id from event),
        coalesce((select json_agg(fan_out order by endpoint_id) from fan_out), '[]') as deliveries`,
    values: [
      event.tenant,
      event.idempotencyKey,
      event.id,
      event.requestHash,
      event.createdAt,
      event.type,
      event.payload,
      event.workflowId,
      event.maxAttempts,
      event.endpointIds,
      patternsMatching(event.type),
    ],
  });
  const row = rows[0]!;
  if (row.workflow_id === null) return findByKey(db, event);
  return {
    kind: 'accepted',
    event: {
      id: event.id,
      type: event.type,
      tenant: event.tenant,
      idempotency_key: event.idempotencyKey,
      workflow_id: row.workflow_id,
      created_at: event.createdAt,
      deliveries: row.deliveries,
    },
  };
}

async function findByKey(db: Db, { tenant, idempotencyKey, requestHash }: NewEvent): Promise<Accepted> {
  const { rows } = await db.query<{ event_id: string; request_hash: Buffer }>(
    'select event_id, request_hash from idempotency_keys where tenant = $1 and key = $2',
    [tenant, idempotencyKey],
  );
  const row = rows[0]!;
  if (!row.request_hash.equals(requestHash)) return { kind: 'conflict' };
  const event = await getEvent(db, row.event_id);
  if (!event) throw new Error(`The event ${row.event_id} of a known idempotency key is missing.`);
  return { kind: 'duplicate', event };
}

const COLUMNS = 'id, type, tenant, idempotency_key, workflow_id, created_at';

export async function getEvent(db: Db, id: string): Promise<(StoredEvent & { payload: string }) | null> {
  const { rows } = await db.query<StoredEvent & { payload: string }>(
    `select ${COLUMNS}, payload,
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
