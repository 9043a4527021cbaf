import { OPEN_STATUSES, type Attempt, type DeliveryStatus, type LaneOrAny } from '../domain/delivery.js';
import type { RetryOn } from '../domain/classify.js';
import { sinceId } from '../lib/ids.js';
import { audit } from './audit.js';
import { notify } from './pauses.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import { transaction, type Db, type Pool } from './pool.js';

export interface StoredDelivery {
  id: string;
  event_id: string;
  endpoint_id: string;
  tenant: string;
  event_type: string;
  status: DeliveryStatus;
  status_reason: string | null;
  attempt_count: number;
  max_attempts: number;
  next_attempt_at: Date | null;
  last_classification: string | null;
  source_delivery_id: string | null;
  batch_id: string | null;
  workflow_id: string;
  /** The lane that made the first attempt. */
  lane: LaneOrAny;
  created_at: Date;
  completed_at: Date | null;
}

const COLUMNS = `id, event_id, endpoint_id, tenant, event_type, status, status_reason, attempt_count, max_attempts,
  next_attempt_at, last_classification, source_delivery_id, batch_id, workflow_id,
  case when lane = 'any' and attempt_count > 0 then 'direct' else lane end as lane, created_at, completed_at`;

export interface DeliveryFilter {
  status?: string | undefined;
  tenant?: string | undefined;
  endpoint_id?: string | undefined;
  event_id?: string | undefined;
  event_type?: string | undefined;
  last_classification?: string | undefined;
  batch_id?: string | undefined;
}

export async function listDeliveries(
  db: Db,
  filter: DeliveryFilter,
  page: PageQuery,
): Promise<Page<StoredDelivery>> {
  const { tenant, ...others } = filter;
  const { endpoint_id } = others;
  // All deliveries of an endpoint have its tenant: check the tenant once, not in every row.
  const known = tenant !== undefined && endpoint_id !== undefined;
  if (known && !(await isOf(db, endpoint_id, tenant))) return { data: [], next_cursor: null };
  const equals = known ? others : filter;
  return pageOf(db, `select ${COLUMNS} from deliveries`, { ...equals }, page, 'del');
}

async function isOf(db: Db, endpointId: string, tenant: string): Promise<boolean> {
  const { rows } = await db.query('select from endpoints where id = $1 and tenant = $2', [
    endpointId,
    tenant,
  ]);
  return rows.length > 0;
}

export type DeliveryWithAttempts = StoredDelivery & { attempts: Attempt[] };

export async function getDelivery(db: Db, id: string): Promise<DeliveryWithAttempts | null> {
  const { rows } = await db.query<DeliveryWithAttempts>(
    `select ${COLUMNS}, coalesce((select json_agg(a.detail order by a.number, a.id) from attempts a
       where a.delivery_id = d.id and a.id >= $2), '[]') as attempts
     from deliveries d where id = $1`,
    [id, sinceId('att', id)],
  );
  return rows[0] ?? null;
}

/** Columns of the endpoint `ep` that an attempt needs. */
export const SENT_WITH = `
  json_build_object('id', ep.id, 'url', ep.url, 'headers', ep.headers, 'content_type', ep.content_type, 'timeout_ms', ep.timeout_ms,
    'retry_on', ep.retry_on, 'deleted', ep.deleted_at is not null) as endpoint,
  array(select s.sealed from endpoint_secrets s where s.endpoint_id = ep.id order by s.id desc) as sealed_secrets`;

/** Columns of the event `e` that are sent. */
export const CONTENT = 'e.payload, e.headers as event_headers, e.content_type as event_content_type';

/** The sent parts of an event, as an attempt has them. */
export interface SentContent {
  payload: string;
  event_headers: Record<string, string> | null;
  event_content_type: string | null;
}

/** Everything an attempt needs, read again for each: the newest endpoint settings apply. */
export interface AttemptTarget extends SentContent {
  status: DeliveryStatus;
  status_reason: string | null;
  attempt_count: number;
  /** A process has claimed it for an attempt. */
  in_hand: boolean;
  event_id: string;
  event_type: string;
  tenant: string;
  workflow_id: string;
  endpoint: {
    id: string;
    url: string;
    headers: Record<string, string>;
    content_type: string | null;
    timeout_ms: number;
    retry_on: RetryOn;
    deleted: boolean;
  };
  /** Its batch was cancelled before the first attempt: it must not be sent. */
  withdrawn: boolean;
  /** Why it must not be sent now: everything or its tenant is paused, or its endpoint takes none. */
  held: string | null;
  sealed_secrets: Buffer[];
}

/** In the order of the ids; null where no delivery exists. */
export async function loadAttemptTargets(db: Db, deliveryIds: string[]): Promise<(AttemptTarget | null)[]> {
  const ids = deliveryIds.toSorted();
  const { rows } = await db.query<AttemptTarget & { id: string }>({
    name: 'load-attempt-targets',
    text: `
      select d.id, d.status, d.status_reason, d.attempt_count, d.in_hand,
        d.attempt_count = 0 and exists (select from batches b where b.id = d.batch_id and b.status = 'CANCELLED')
          as withdrawn,
        d.event_id, d.event_type, d.tenant, d.workflow_id, ${CONTENT},
        coalesce(pause_of(d.tenant), hold_of(ep)) as held, ${SENT_WITH}
      from deliveries d
      join events e on e.id = d.event_id
      join endpoints ep on ep.id = d.endpoint_id
      -- From the first to the last leaves the other weeks' partitions alone, which a list does not.
      where d.id = any($1) and d.id >= $2 and d.id <= $3`,
    values: [ids, ids[0], ids.at(-1)],
  });
  const found = new Map(rows.map((row) => [row.id, row]));
  return deliveryIds.map((id) => found.get(id) ?? null);
}

/** Compare-and-set: changes only deliveries whose status is in `from`; returns their ids. */
export async function setStatus(
  db: Db,
  deliveryIds: string[],
  from: readonly DeliveryStatus[],
  status: DeliveryStatus,
  reason: string | null,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `update deliveries set status = $3, status_reason = $4, next_attempt_at = null,
       -- Who has it in hand has not begun when it is to be held, and lets go.
       lane = case when $3 = 'HELD' and in_hand then 'any' else lane end, in_hand = false,
       last_classification = case when $4 = 'ENDPOINT_DELETED' then $4 else last_classification end,
       completed_at = case when $3 = any($5::text[]) then null else now() end
     where id = any($1) and status = any($2) returning id`,
    [deliveryIds, from, status, reason, OPEN_STATUSES],
  );
  return rows.map((row) => row.id);
}

/** Stores why an open delivery makes no progress, for display. */
export async function noteReason(db: Db, id: string, reason: string): Promise<void> {
  await db.query('update deliveries set status_reason = $2 where id = $1 and status = any($3)', [
    id,
    reason,
    OPEN_STATUSES,
  ]);
}

/** Rows changed by one statement; attempts of the others find the pause or deletion when they are due. */
const HELD_AT_ONCE = 20_000;

/** Ends deliveries waiting for a retry, which may be due only a day later. Attempts under way end by themselves. */
export async function endDeliveriesOf(db: Db, endpointId: string): Promise<void> {
  await db.query(
    `update deliveries set status = 'FAILED', status_reason = 'ENDPOINT_DELETED',
       last_classification = 'ENDPOINT_DELETED', next_attempt_at = null, completed_at = now()
     where status in ('IN_PROGRESS', 'HELD') and next_attempt_at > now() and id in (
       select id from deliveries where endpoint_id = $1 and status in ('IN_PROGRESS', 'HELD')
         and next_attempt_at > now() order by id limit $2)`,
    [endpointId, HELD_AT_ONCE],
  );
}

/** Holds a paused endpoint's open deliveries, those waiting for a retry too; `next_attempt_at` is kept. */
export async function holdDeliveriesOf(db: Db, endpointId: string): Promise<void> {
  await db.query(
    `update deliveries set status = 'HELD', status_reason = hold_of(ep) from endpoints ep
     where ep.id = $1 and deliveries.status in ('PENDING', 'IN_PROGRESS') and deliveries.id in (
       select id from deliveries where endpoint_id = $1 and status in ('PENDING', 'IN_PROGRESS')
         -- Who has it in hand holds it by itself; released, it would be made twice.
         and not in_hand
       order by id limit $2)
       -- Taken meanwhile, it is in hand, too.
       and not deliveries.in_hand`,
    [endpointId, HELD_AT_ONCE],
  );
}

/**
 * Makes a delivery due now and wakes the poller and the reconciler, for deliveries that no workflow carries. Changes
 * nothing while an attempt is under way, or outside `lane` if given. Returns whether it changed the delivery.
 */
export async function attemptNow(pool: Pool, id: string, lane: LaneOrAny | null): Promise<boolean> {
  return transaction(pool, async (db) => {
    const { rowCount } = await db.query(
      `update deliveries set due_at = least(due_at, now()), next_attempt_at = least(next_attempt_at, now())
       where id = $1 and status in ('PENDING', 'IN_PROGRESS') and not in_hand and ($2::text is null or lane = $2)`,
      [id, lane],
    );
    if (rowCount === 1) await notify(db);
    return rowCount === 1;
  });
}

/** Returns the cancelled delivery; null if it had ended already. */
export async function cancelDelivery(
  pool: Pool,
  id: string,
  actor: string,
  reason: string | null,
): Promise<DeliveryWithAttempts | null> {
  return transaction(pool, async (db) => {
    const words = reason ?? `cancelled by ${actor}`;
    const [cancelled] = await setStatus(db, [id], OPEN_STATUSES, 'CANCELLED', words);
    if (!cancelled) return null;
    await audit(db, { actor, action: 'delivery.cancel', object: id, reason });
    return getDelivery(db, id);
  });
}

/**
 * Creates a new delivery of the same event to the same endpoint, because an ended delivery never changes. If one is
 * open, from an earlier call or a replay batch, returns that one; null if the endpoint is deleted. Runs in the caller's
 * transaction.
 */
export async function redeliver(
  db: Db,
  source: StoredDelivery,
  { actor, reason }: { actor: string; reason: string | null },
): Promise<StoredDelivery | null> {
  // A replay batch takes the same lock, so that only one of the two redelivers the event.
  await db.query('select from events where id = $1 for no key update', [source.event_id]);
  const { rows: open } = await db.query<StoredDelivery>(
    `select ${COLUMNS} from deliveries where event_id = $1 and endpoint_id = $2 and status = any($3)`,
    [source.event_id, source.endpoint_id, OPEN_STATUSES],
  );
  if (open[0]) return open[0];
  const { rows } = await db.query<StoredDelivery>(
    `insert into deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, workflow_id, created_at,
       source_delivery_id, status, status_reason)
     select made.id, event_id, endpoint_id, d.tenant, event_type, max_attempts, 'redeliver:' || made.id, now(), d.id,
       case when held.reason is null then 'PENDING' else 'HELD' end, held.reason
     from (select new_id('del', now()) as id) made, deliveries d
       join endpoints ep on ep.id = d.endpoint_id and ep.deleted_at is null
       cross join lateral (select coalesce(pause_of(ep.tenant), hold_of(ep)) as reason) held
     where d.id = $1 returning ${COLUMNS}`,
    [source.id],
  );
  const made = rows[0] ?? null;
  const after = { id: made?.id };
  if (made) await audit(db, { actor, action: 'delivery.retry', object: source.id, reason, after });
  return made;
}
