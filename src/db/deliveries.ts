import { OPEN_STATUSES, type Attempt, type DeliveryStatus } from '../domain/delivery.js';
import type { RetryOn } from '../domain/classify.js';
import { sinceId } from '../ids.js';
import { pageOf, type Page, type PageQuery } from './page.js';
import type { Db } from './pool.js';

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
  created_at: Date;
  completed_at: Date | null;
}

const COLUMNS = `id, event_id, endpoint_id, tenant, event_type, status, status_reason, attempt_count, max_attempts,
  next_attempt_at, last_classification, source_delivery_id, batch_id, workflow_id, created_at, completed_at`;

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
  return pageOf(db, `select ${COLUMNS} from deliveries`, { ...filter }, page, 'del');
}

export async function getDelivery(
  db: Db,
  id: string,
): Promise<(StoredDelivery & { attempts: Attempt[] }) | null> {
  const { rows } = await db.query<StoredDelivery & { attempts: Attempt[] }>(
    `select ${COLUMNS}, coalesce((select json_agg(a.detail order by a.number, a.id) from attempts a
       where a.delivery_id = d.id and a.id >= $2), '[]') as attempts
     from deliveries d where id = $1`,
    [id, sinceId('att', id)],
  );
  return rows[0] ?? null;
}

/** All an attempt needs, read anew for each: the newest endpoint settings win. */
export interface AttemptTarget {
  status: DeliveryStatus;
  status_reason: string | null;
  attempt_count: number;
  event_id: string;
  event_type: string;
  tenant: string;
  workflow_id: string;
  payload: string;
  endpoint: {
    id: string;
    url: string;
    headers: Record<string, string>;
    timeout_ms: number;
    retry_on: RetryOn;
    status: 'enabled' | 'paused' | 'disabled';
    status_reason: string | null;
    deleted: boolean;
  };
  sealed_secrets: Buffer[];
}

export async function loadAttemptTarget(db: Db, deliveryId: string): Promise<AttemptTarget | null> {
  const { rows } = await db.query<AttemptTarget>({
    name: 'load-attempt-target',
    text: `
      select d.status, d.status_reason, d.attempt_count, d.event_id, d.event_type, d.tenant, d.workflow_id, e.payload,
        json_build_object('id', ep.id, 'url', ep.url, 'headers', ep.headers, 'timeout_ms', ep.timeout_ms,
          'retry_on', ep.retry_on, 'status', ep.status, 'status_reason', ep.status_reason,
          'deleted', ep.deleted_at is not null) as endpoint,
        array(select s.sealed from endpoint_secrets s where s.endpoint_id = ep.id order by s.id desc) as sealed_secrets
      from deliveries d
      join events e on e.id = d.event_id
      join endpoints ep on ep.id = d.endpoint_id
      where d.id = $1`,
    values: [deliveryId],
  });
  return rows[0] ?? null;
}

export interface AttemptRecord {
  deliveryId: string;
  attempt: Attempt;
  status: DeliveryStatus;
  reason: string | null;
  /** The endpoint said 410: it is disabled by the same statement. */
  gone: boolean;
}

/** One attempt and what it means for its delivery. Repeating it changes nothing; a delivery that has ended stays ended. */
export async function recordAttempt(db: Db, record: AttemptRecord): Promise<void> {
  const { deliveryId, attempt, status, reason, gone } = record;
  await db.query({
    name: 'record-attempt',
    text: `
      with delivery as (
        update deliveries set attempt_count = $3, last_classification = $6,
          status = case when status = any($13::text[]) then $10 else status end,
          status_reason = case when status = any($13) then $11 else status_reason end,
          next_attempt_at = case when status = any($13) then $12::timestamptz end,
          completed_at = case when status = any($13) and not $10 = any($13) then now() else completed_at end
        where id = $2 and attempt_count < $3
        returning id, endpoint_id
      ), endpoint as (
        update endpoints set status = 'disabled', status_reason = 'gone', updated_at = now()
        where $9 and status = 'enabled' and id = (select endpoint_id from delivery)
      )
      insert into attempts (id, delivery_id, number, started_at, latency_ms, classification, http_status, detail)
      select $1, id, $3, $4, $5, $6, $7, $8 from delivery`,
    values: [
      attempt.id,
      deliveryId,
      attempt.number,
      attempt.started_at,
      attempt.latency_ms,
      attempt.classification,
      attempt.http_status,
      JSON.stringify(attempt),
      gone,
      status,
      reason,
      attempt.next_attempt_at,
      OPEN_STATUSES,
    ],
  });
}

/** Compare-and-set: only a delivery in one of `from` changes; answers the ids that did. */
export async function setStatus(
  db: Db,
  deliveryIds: string[],
  from: readonly DeliveryStatus[],
  status: DeliveryStatus,
  reason: string | null,
): Promise<string[]> {
  const { rows } = await db.query<{ id: string }>(
    `update deliveries set status = $3, status_reason = $4, next_attempt_at = null,
       last_classification = case when $4 = 'ENDPOINT_DELETED' then $4 else last_classification end,
       completed_at = case when $3 = any($5::text[]) then null else now() end
     where id = any($1) and status = any($2) returning id`,
    [deliveryIds, from, status, reason, OPEN_STATUSES],
  );
  return rows.map((row) => row.id);
}

export async function listHeld(
  db: Db,
  endpointId: string,
  after: string,
  limit: number,
): Promise<{ id: string; workflow_id: string }[]> {
  const { rows } = await db.query<{ id: string; workflow_id: string }>(
    `select id, workflow_id from deliveries where endpoint_id = $1 and status = 'HELD' and id > $2 order by id limit $3`,
    [endpointId, after, limit],
  );
  return rows;
}
