import { OPEN_STATUSES, type Attempt, type DeliveryStatus } from '../domain/delivery.js';
import { bulkParam, bulkValue } from './bulk-params.js';
import { retryOnConflict, type Db } from './pool.js';

export interface AttemptRecord {
  deliveryId: string;
  attempt: Attempt;
  status: DeliveryStatus;
  reason: string | null;
  /** The endpoint answered 410: the same statement disables it. */
  gone: boolean;
  /** A retry follows and waits unclaimed: the delivery goes to lane `any` if the recorder still has it `in_hand`. */
  keep?: boolean;
  /** The URL that answered: the endpoint may have another by now. Absent in attempts that Temporal kept. */
  url?: string;
}

/** An endpoint without a success for this long is disabled when a delivery to it ends as FAILED. */
const FAILING_DAYS = 5;

/** SQLSTATE classes that a retry cannot fix: data exceptions (22) and integrity violations (23). */
const UNSTORABLE = /^2[23]/;

/**
 * Records attempts and updates their deliveries and endpoints, in one statement and one commit. No two records may have
 * the same delivery. Repeating the call changes nothing. An ended delivery stays ended, except that a 2xx makes a
 * delivery DELIVERED that was cancelled, or whose endpoint was deleted, during the request.
 */
export async function recordAttempts(db: Db, records: AttemptRecord[]): Promise<void> {
  const known = new Set(await retryOnConflict(() => writeAttempts(db, records)));
  for (const record of records) {
    const late = !known.has(record.attempt.id) && record.attempt.classification !== 'WORKER_LOST';
    if (late) await recordLate(db, record);
  }
}

/** Records one attempt; if Postgres cannot store its details, a note replaces them, so that the delivery continues. */
export async function recordAttempt(db: Db, record: AttemptRecord): Promise<void> {
  try {
    await recordAttempts(db, [record]);
  } catch (error) {
    if (!UNSTORABLE.test(String((error as { code?: unknown }).code))) throw error;
    await recordAttempts(db, [{ ...record, attempt: withoutDetails(record.attempt) }]);
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

/** Runs the statement only, also inside a caller's transaction. Returns the ids of the attempts it inserted. */
export async function writeAttempts(db: Db, records: AttemptRecord[]): Promise<string[]> {
  const each = (of: (record: AttemptRecord) => string | number | boolean | null) =>
    bulkValue(records.map(of));
  const ids = records.map(({ deliveryId }) => deliveryId).sort();
  const { rows } = await db.query<{ id: string }>({
    name: 'record-attempts',
    text: `
      with input as (
        select i.*, date_trunc('milliseconds', now() + wait_ms * interval '1 millisecond') as next_at
        from unnest(${bulkParam(1)}, ${bulkParam(2)}, ${bulkParam(3, 'int')}, ${bulkParam(4, 'timestamptz')},
          ${bulkParam(5, 'float8')}, ${bulkParam(6)}, ${bulkParam(7, 'int')}, ${bulkParam(8)}, ${bulkParam(9, 'bool')}, ${bulkParam(10)},
          ${bulkParam(11)}, ${bulkParam(12, 'float8')}, ${bulkParam(14)}, ${bulkParam(17, 'bool')})
          as i (id, delivery_id, number, started_at, latency_ms, classification, http_status, detail, gone, status, reason,
            wait_ms, url, keep)
      ), delivery as (
        update deliveries d set attempt_count = i.number, last_classification = i.classification,
          status = case when i.status = 'DELIVERED' and cut_short(d) then i.status
            when not d.status = any($13::text[]) then d.status
            when i.status = 'IN_PROGRESS' and held.reason is not null then 'HELD' else i.status end,
          status_reason = case when i.status = 'DELIVERED' and cut_short(d) then null
            when not d.status = any($13) then d.status_reason
            when i.status = 'IN_PROGRESS' then held.reason else i.reason end,
          next_attempt_at = case when d.status = any($13) then i.next_at end,
          lane = case when i.keep and d.in_hand then 'any' else d.lane end, in_hand = false,
          due_at = case when i.keep and d.in_hand then i.next_at else i.next_at + interval '1 minute' end,
          completed_at = case when d.status = any($13) and not i.status = any($13) then now() else d.completed_at end
        from input i, endpoints ep cross join lateral (select case when i.status = 'IN_PROGRESS' then
          coalesce(pause_of(ep.tenant), hold_of(ep)) end as reason) held
        where d.id = i.delivery_id and d.id = any(${bulkParam(2)})
          -- Leaves the other weeks' partitions alone, which a list does not.
          and d.id >= $15 and d.id <= $16 and d.attempt_count < i.number and ep.id = d.endpoint_id
        returning d.id, d.endpoint_id, i.id as attempt_id
      ), outcome as (
        select endpoint_id, bool_or(i.classification = 'DELIVERED') as delivered, bool_or(i.gone and coalesce(i.url, ep.url) = ep.url) as gone,
          bool_or(i.status = 'FAILED') as failed
        from delivery join input i on i.id = delivery.attempt_id join endpoints ep on ep.id = endpoint_id where i.classification <> 'WORKER_LOST'
        group by endpoint_id
      ), endpoint as (
        -- Written only where something changes: most attempts succeed at an endpoint that works.
        update endpoints set
          failing_since = case when o.delivered then null else coalesce(failing_since, now()) end,
          status = case when ended.why is null then status else 'disabled' end,
          status_reason = coalesce(ended.why, status_reason),
          updated_at = case when ended.why is null then updated_at else now() end
        from outcome o cross join lateral (select case
            -- One made for a URL of POST /v1/send stays: the next to that URL would be held for good.
            when status <> 'enabled' or ad_hoc_key is not null then null when o.gone then 'gone'
            when o.failed and not o.delivered and failing_since < now() - interval '${FAILING_DAYS} days' then 'failing'
          end as why from endpoints ep where ep.id = o.endpoint_id) ended
        where endpoints.id = o.endpoint_id
          and (ended.why is not null or (failing_since is null) <> o.delivered)
        returning endpoints.id, ended.why
      ), audited as (
        insert into audit (id, actor, action, object, reason)
        select new_id('aud', now()), 'surehook', 'endpoint.disable', id, why from endpoint where why is not null
      )
      insert into attempts (id, delivery_id, number, started_at, latency_ms, classification, http_status, detail)
      select i.id, i.delivery_id, i.number, i.started_at, i.latency_ms, i.classification, i.http_status,
        i.detail::jsonb || case when i.next_at is null then '{}'
          else jsonb_build_object('next_attempt_at', to_char(i.next_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')) end
      from delivery join input i on i.id = delivery.attempt_id
      returning id`,
    values: [
      each(({ attempt }) => attempt.id),
      each(({ deliveryId }) => deliveryId),
      each(({ attempt }) => attempt.number),
      each(({ attempt }) => attempt.started_at),
      each(({ attempt }) => attempt.latency_ms),
      each(({ attempt }) => attempt.classification),
      each(({ attempt }) => attempt.http_status),
      each(({ attempt }) => JSON.stringify(attempt)),
      each(({ gone }) => gone),
      each(({ status }) => status),
      each(({ reason }) => reason),
      each(({ attempt }) => untilMs(attempt.next_attempt_at)),
      OPEN_STATUSES,
      each(({ url }) => url ?? null),
      ids[0],
      ids.at(-1),
      each(({ keep = false }) => keep),
    ],
  });
  return rows.map((row) => row.id);
}

/**
 * Milliseconds from now by this process's clock, which made `time`. Postgres adds them to its own clock: the clocks of
 * two machines may differ by minutes, which is longer than the first three delays.
 */
const untilMs = (time: string | null) => (time === null ? null : Date.parse(time) - Date.now());

/** A worker recorded as lost was only slow: its result replaces the assumed WORKER_LOST. */
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
       last_classification = $5, in_hand = false, completed_at = now()
     where id = (select delivery_id from late) and $5 = 'DELIVERED' and (status = any($8) or cut_short(deliveries))`,
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
