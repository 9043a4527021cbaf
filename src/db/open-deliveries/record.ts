import type { Attempt } from '../../domain/delivery.js';
import { bulkParam, bulkValue } from '../bulk-params.js';
import { announceFailed } from '../operational-events.js';
import { retryOnConflict, type Db, type Pool } from '../pool.js';
import { IS_CLAIMED, KEPT } from './columns.js';
import { ENDPOINT_OUTCOME, ENDPOINT_SUCCESS } from './endpoint-outcome.js';
import { recordLate } from './record-late.js';

export interface AttemptRecord {
  deliveryId: string;
  /** The claim under which the attempt was made. */
  claim: number;
  attempt: Attempt;
  /** IN_PROGRESS: another attempt follows, at the attempt's `next_attempt_at`. */
  status: 'IN_PROGRESS' | 'DELIVERED' | 'FAILED';
  reason: string | null;
  /** The endpoint answered 410, or that it wants no more: the same statement disables it. */
  gone: boolean;
  /** The URL that answered: the endpoint may have another by now. Absent in attempts that Temporal kept. */
  url?: string;
}

/** SQLSTATE classes that a retry cannot fix: data exceptions (22) and integrity violations (23). */
const UNSTORABLE = /^2[23]/;

/**
 * Records attempts, ends their claims, and moves on or ends their deliveries, in one statement and one commit. No two
 * records may have the same delivery. Repeating the call changes nothing. An attempt whose claim is over is recorded
 * late: it replaces the WORKER_LOST that was assumed, and a 2xx makes the delivery DELIVERED. `startsOpen`: deliveries that
 * are open after their first attempt get a workflow.
 */
export async function recordAttempts(
  pool: Pool,
  records: AttemptRecord[],
  startsOpen = false,
): Promise<void> {
  let left = records;
  // A cancellation that commits while the statement waits for the row makes it miss the row: its second try does not.
  for (let tries = 0; left.length > 0 && tries < 2; tries++) {
    const recorded = new Set(await retryOnConflict(() => writeAttempts(pool, left, startsOpen)));
    left = left.filter(({ deliveryId }) => !recorded.has(deliveryId));
  }
  for (const record of left) {
    if (record.attempt.classification !== 'WORKER_LOST') await recordLate(pool, record);
  }
}

/** Records one attempt; if Postgres cannot store its details, a note replaces them, so that the delivery continues. */
export async function recordAttempt(pool: Pool, record: AttemptRecord, startsOpen = false): Promise<void> {
  try {
    await recordAttempts(pool, [record], startsOpen);
  } catch (error) {
    if (!UNSTORABLE.test(String((error as { code?: unknown }).code))) throw error;
    await recordAttempts(pool, [{ ...record, attempt: withoutDetails(record.attempt) }], startsOpen);
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

const INPUT = `input as (
    select i.*, date_trunc('milliseconds', now() + wait_ms * interval '1 millisecond') as next_at
    from unnest(${bulkParam(1)}, ${bulkParam(2, 'int')}, ${bulkParam(3, 'int')}, ${bulkParam(4, 'timestamptz')},
      ${bulkParam(5, 'float8')}, ${bulkParam(6)}, ${bulkParam(7, 'int')}, ${bulkParam(8)}, ${bulkParam(9, 'bool')},
      ${bulkParam(10)}, ${bulkParam(11)}, ${bulkParam(12, 'float8')}, ${bulkParam(13)})
      as i (delivery_id, claim, number, started_at, latency_ms, classification, http_status, detail, gone, status,
        reason, wait_ms, url)
  )`;
const OWN_CLAIM = `o.id = i.delivery_id and o.id = any(${bulkParam(1)}) and o.claim = i.claim and ${IS_CLAIMED}`;
const ENDED = `ended as (
    delete from open_deliveries o using input i
    where ${OWN_CLAIM} and (i.status <> 'IN_PROGRESS' or o.end_status is not null)
    returning o.*, i.number, i.classification,
      case when i.status = 'DELIVERED' then i.status else coalesce(o.end_status, i.status) end as status,
      case when i.status <> 'DELIVERED' then case when o.end_status is null then i.reason else o.status_reason end
        end as reason
  ), history as (
    insert into deliveries (${KEPT}, status, status_reason, attempt_count, last_classification, completed_at)
    select ${KEPT}, status, reason, number, classification, now() from ended
  )`;
const ATTEMPT = `attempt as (
    insert into attempts (delivery_id, number, started_at, latency_ms, classification, http_status, detail)
    select i.delivery_id, i.number, i.started_at, i.latency_ms, i.classification, i.http_status,
      i.detail::jsonb || case when i.next_at is null then '{}' else jsonb_build_object('next_attempt_at',
        case when not has_ended then to_char(i.next_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') end) end
    from recorded join input i on i.delivery_id = recorded.id
    on conflict do nothing
  )`;

const RECORD = `
  with ${INPUT}, ${ENDED}, waiting as (
    update open_deliveries o set attempt_count = i.number, last_classification = i.classification,
      status_reason = null, run_at = i.next_at, claimed_by = null, claim_until = null,
      -- The workflow may have died with the process: the poller does not wait for it.
      run_by = case when i.classification = 'WORKER_LOST' then 'queue' else o.run_by end
    from input i
    where ${OWN_CLAIM} and i.status = 'IN_PROGRESS' and o.end_status is null
    returning o.id, o.endpoint_id, o.event_id, o.workflow_id, i.number, o.source_delivery_id, o.batch_id
  ), started as (
    insert into workflow_starts (workflow_id, event_id, delivery_id)
    select distinct on (workflow_id) workflow_id, event_id,
      case when source_delivery_id is not null or batch_id is not null then id end
    from waiting where $14 and number = 1 order by workflow_id
    on conflict do nothing
  ), recorded as (
    select id, endpoint_id, true as has_ended from ended union all select id, endpoint_id, false from waiting
  ), ${ENDPOINT_OUTCOME}, failed as (
    ${announceFailed(`select * from ended where status = 'FAILED'`, {
      reason: 'failed.reason',
      attempts: 'failed.number',
      classification: 'failed.classification',
    })}
  ), ${ATTEMPT}
  select id from recorded`;

/** The same where every attempt is DELIVERED and disables nothing, at three fifths of the cost. */
const RECORD_DELIVERED = `
  with ${INPUT}, ${ENDED}, recorded as (
    select id, true as has_ended from ended
  ), ${ENDPOINT_SUCCESS}, ${ATTEMPT}
  select id from recorded`;

/** Runs the statement only, also inside a caller's transaction. Returns the ids of the deliveries whose claim it ended. */
export async function writeAttempts(db: Db, records: AttemptRecord[], startsOpen = false): Promise<string[]> {
  const each = (of: (record: AttemptRecord) => string | number | boolean | null) =>
    bulkValue(records.map(of));
  const allDelivered = records.every(({ status, gone }) => status === 'DELIVERED' && !gone);
  const { rows } = await db.query<{ id: string }>({
    name: allDelivered ? 'record-delivered' : 'record-attempts',
    text: allDelivered ? RECORD_DELIVERED : RECORD,
    values: [
      each(({ deliveryId }) => deliveryId),
      each(({ claim }) => claim),
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
      each(({ url }) => url ?? null),
      ...(allDelivered ? [] : [startsOpen]),
    ],
  });
  return rows.map((row) => row.id);
}

/**
 * Milliseconds from now by this process's clock, which made `time`. Postgres adds them to its own clock: the clocks of
 * two machines may differ by minutes, which is longer than the first three delays.
 */
const untilMs = (time: string | null) => (time === null ? null : Date.parse(time) - Date.now());
