import { OPEN_STATUSES, type Attempt, type DeliveryStatus } from '../domain/delivery.js';
import type { Db } from './pool.js';

export interface AttemptRecord {
  deliveryId: string;
  attempt: Attempt;
  status: DeliveryStatus;
  reason: string | null;
  /** The endpoint said 410: it is disabled by the same statement. */
  gone: boolean;
}

/** An endpoint without one success for so long is disabled when a delivery to it ends without one, too. */
const FAILING_DAYS = 5;

/** SQLSTATE classes of what no repetition mends: data exceptions, and integrity violations. */
const UNSTORABLE = /^2[23]/;

/**
 * One attempt and what it means for its delivery and its endpoint. Repeating it changes nothing; a delivery that has
 * ended stays ended. What Postgres cannot store is left out, and said so: the delivery goes on.
 */
export async function recordAttempt(db: Db, record: AttemptRecord): Promise<void> {
  try {
    await write(db, record);
  } catch (error) {
    if (!UNSTORABLE.test(String((error as { code?: unknown }).code))) throw error;
    await write(db, { ...record, attempt: withoutDetails(record.attempt) });
  }
}

function withoutDetails(attempt: Attempt): Attempt {
  return {
    ...attempt,
    error: 'What the receiver answered could not be stored.',
    request_headers: {},
    response_headers: {},
    response_body: null,
    truncated: true,
    retry_after: null,
    remote_address: null,
  };
}

async function write(db: Db, record: AttemptRecord): Promise<void> {
  const { deliveryId, attempt, status, reason, gone } = record;
  const { rowCount } = await db.query({
    name: 'record-attempt',
    text: `
      with delivery as (
        update deliveries d set attempt_count = $3, last_classification = $6,
          status = case when not d.status = any($13::text[]) then d.status
            when $10 = 'IN_PROGRESS' and held.reason is not null then 'HELD' else $10 end,
          status_reason = case when not d.status = any($13) then d.status_reason
            when $10 = 'IN_PROGRESS' then held.reason else $11 end,
          next_attempt_at = case when d.status = any($13) then $12::timestamptz end,
          due_at = $12::timestamptz + interval '1 minute',
          completed_at = case when d.status = any($13) and not $10 = any($13) then now() else d.completed_at end
        from endpoints ep cross join lateral (select coalesce(pause_of(ep.tenant), hold_of(ep)) as reason) held
        where d.id = $2 and d.attempt_count < $3 and ep.id = d.endpoint_id
        returning d.id, d.endpoint_id
      ), endpoint as (
        -- Written only where something changes: most attempts succeed at an endpoint that works.
        update endpoints set
          failing_since = case when $6 = 'DELIVERED' then null else coalesce(failing_since, now()) end,
          status = case when ended.why is null then status else 'disabled' end,
          status_reason = coalesce(ended.why, status_reason),
          updated_at = case when ended.why is null then updated_at else now() end
        from delivery cross join lateral (select case
            when status <> 'enabled' then null when $9 then 'gone'
            when $10 = 'FAILED' and failing_since < now() - interval '${FAILING_DAYS} days' then 'failing'
          end as why from endpoints ep where ep.id = delivery.endpoint_id) ended
        where endpoints.id = delivery.endpoint_id and $6 <> 'WORKER_LOST'
          and (ended.why is not null or (failing_since is null) <> ($6 = 'DELIVERED'))
        returning endpoints.id, ended.why
      ), audited as (
        insert into audit (id, actor, action, object, reason)
        select new_id('aud', now()), 'surehook', 'endpoint.disable', id, why from endpoint where why is not null
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
  if (rowCount === 0) await recordLate(db, record);
}

/** A worker that was taken for lost had only been slow: what it saw takes the place of what was supposed. */
async function recordLate(db: Db, { deliveryId, attempt }: AttemptRecord): Promise<void> {
  await db.query(
    `with late as (
       update attempts set started_at = $3, latency_ms = $4, classification = $5, http_status = $6,
         -- What followed it was decided when it counted as lost.
         detail = $7::jsonb || jsonb_build_object('id', id, 'next_attempt_at',
           case when $5 <> 'DELIVERED' then detail->'next_attempt_at' end)
       where delivery_id = $1 and number = $2 and classification = 'WORKER_LOST'
       returning delivery_id
     )
     update deliveries set status = 'DELIVERED', status_reason = null, next_attempt_at = null, due_at = null,
       completed_at = now()
     where id = (select delivery_id from late) and $5 = 'DELIVERED' and status = any($8)`,
    [
      deliveryId,
      attempt.number,
      attempt.started_at,
      attempt.latency_ms,
      attempt.classification,
      attempt.http_status,
      JSON.stringify(attempt),
      OPEN_STATUSES,
    ],
  );
}
