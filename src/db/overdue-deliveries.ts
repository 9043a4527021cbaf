import type { DeliveryStatus, LaneOrAny } from '../domain/delivery.js';
import { sinceId } from '../lib/ids.js';
import { writeAttempts, type AttemptRecord } from './attempts.js';
import { FILE_PAUSE } from './pauses.js';
import { transaction, type Db, type Pool } from './pool.js';

/** An open delivery, with the fields its workflow starts with. */
export interface OpenDelivery {
  id: string;
  endpoint_id: string;
  status: DeliveryStatus;
  status_reason: string | null;
  attempt_count: number;
  max_attempts: number;
  /** Milliseconds until its next attempt is due, by Postgres's clock; 0 if it is due. */
  wait_ms: number;
  lane: LaneOrAny;
}

/** A workflow that should be running: its event and the open deliveries it carries. */
export interface OpenWorkflow {
  workflow_id: string;
  event_id: string;
  event_type: string;
  tenant: string;
  /** Differs from `workflow_id` if the event's deliveries are split over several workflows, and for redeliveries. */
  event_workflow_id: string;
  batch_id: string | null;
  deliveries: OpenDelivery[];
  /** Some of the event's deliveries are not in lane `workflow`: a process attempts them without a workflow. */
  direct: boolean;
}

export interface Claimed {
  id: string;
  event_id: string;
  workflow_id: string;
  /** `due_at` before the claim. */
  due_at: Date | null;
}

/** A delivery that is no longer held. */
export interface Released extends Claimed {
  /** The next attempt is not due yet. */
  waits: boolean;
}

/** A delivery claimed by a process that never reported its attempt. */
export interface Lost {
  id: string;
  attempt_count: number;
  max_attempts: number;
}

const CLAIMED = 'd.id, d.event_id, d.workflow_id, before.due_at';

/**
 * Claims overdue deliveries, longest overdue first. Nobody else gets them before they are due again: the delay is
 * the delivery's age, from 1 minute to 1 hour, so that a delivery which only waits behind others costs ever less.
 */
export async function claimDue(db: Db, limit: number): Promise<Claimed[]> {
  const { rows } = await db.query<Claimed>({
    name: 'claim-due',
    text: `
      with before as (
        select id, due_at from deliveries where status in ('PENDING', 'IN_PROGRESS') and due_at <= now()
          and lane <> 'any' and not in_hand
        order by due_at limit $1 for update skip locked
      )
      update deliveries d set due_at = now() + least(greatest(interval '1 minute', now() - d.created_at), interval '1 hour')
      from before where d.id = before.id
      returning ${CLAIMED}`,
    values: [limit],
  });
  return rows;
}

/**
 * Claims overdue deliveries whose process never reported its attempt, and records it as WORKER_LOST. A later release by
 * that process changes nothing.
 */
export function claimLost(
  pool: Pool,
  limit: number,
  lost: (delivery: Lost) => AttemptRecord,
): Promise<Claimed[]> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<Claimed & Lost>({
      name: 'claim-lost',
      text: `
        select id, event_id, workflow_id, due_at, attempt_count, max_attempts from deliveries
        where in_hand and due_at <= now()
        order by due_at limit $1 for update skip locked`,
      values: [limit],
    });
    if (rows.length > 0) await writeAttempts(db, rows.map(lost));
    return rows;
  });
}

/** Releases claims that could not be used: restores `due_at`. */
export async function unclaim(db: Db, claimed: Claimed[]): Promise<void> {
  await db.query(
    `update deliveries d set due_at = before.due_at
     from unnest($1::text[], $2::timestamptz[]) before (id, due_at)
     where d.id = before.id and d.id = any($1) and status in ('PENDING', 'IN_PROGRESS')`,
    [claimed.map(({ id }) => id), claimed.map(({ due_at }) => due_at)],
  );
}

/** Makes the delivery due in a minute: by then an attempt under way has ended, or its worker is lost. */
export async function lookAgain(db: Db, id: string): Promise<void> {
  await db.query(
    `update deliveries set due_at = now() + interval '1 minute'
     where id = $1 and status in ('PENDING', 'IN_PROGRESS')`,
    [id],
  );
}

/**
 * Releases up to `limit` held deliveries that neither their endpoint nor a pause holds any more, oldest first and
 * endpoints in turn. They are due a minute later: the reconciler finds those whose workflow was not told. Deliveries
 * held by the file PAUSE are released only with `byFile`: other processes cannot see the file. The poller releases
 * those of lane `any`.
 */
export async function releaseHeld(db: Db, limit: number, byFile: boolean): Promise<Released[]> {
  const { rows } = await db.query<Released>({
    name: 'release-held',
    text: `
      with recursive held as (
        select min(endpoint_id) as id from deliveries where status = 'HELD' and lane <> 'any'
        union all
        select (select min(endpoint_id) from deliveries where status = 'HELD' and lane <> 'any' and endpoint_id > held.id)
        from held where held.id is not null
      ), released as (
        select oldest.id, row_number() over (partition by ep.id order by oldest.id) as turn
        from held join endpoints ep on ep.id = held.id and hold_of(ep) is null and pause_of(ep.tenant) is null
          cross join lateral (select id from deliveries where status = 'HELD' and lane <> 'any'
            and endpoint_id = ep.id and ($2 or not starts_with(coalesce(status_reason, ''), '${FILE_PAUSE}'))
            order by id limit $1) oldest
        order by turn, oldest.id limit $1
      ), before as (
        select id, due_at from deliveries where id = any(array(select id from released)) and status = 'HELD' and lane <> 'any'
        for update skip locked
      )
      update deliveries d set status = case when attempt_count = 0 then 'PENDING' else 'IN_PROGRESS' end,
        lane = case when attempt_count = 0 then 'workflow' else lane end, status_reason = 'RESUMED',
        due_at = greatest(now(), next_attempt_at) + interval '1 minute'
      from before where d.id = before.id and status = 'HELD'
      returning ${CLAIMED}, coalesce(d.next_attempt_at > now(), false) as waits`,
    values: [limit, byFile],
  });
  return rows;
}

/**
 * The open deliveries that the workflow of this id must carry; null if there are none. Excludes those that a process
 * has claimed, or may yet claim from lane `any`.
 */
export async function openWorkflow(
  db: Db,
  { event_id, workflow_id }: Pick<Claimed, 'event_id' | 'workflow_id'>,
): Promise<OpenWorkflow | null> {
  const { rows } = await db.query<OpenWorkflow>({
    name: 'open-workflow',
    text: `
      select $2::text as workflow_id, e.id as event_id, e.type as event_type, e.tenant,
        e.workflow_id as event_workflow_id, max(d.batch_id) as batch_id, json_agg(json_build_object('id', d.id, 'endpoint_id', d.endpoint_id,
          'status', d.status, 'status_reason', d.status_reason, 'attempt_count', d.attempt_count,
          'max_attempts', d.max_attempts, 'lane', d.lane,
          'wait_ms', ceil(coalesce(greatest(0, extract(epoch from d.next_attempt_at - now()) * 1000), 0)))
          order by d.endpoint_id) as deliveries,
        exists (select from deliveries x where x.event_id = e.id and x.id >= $3 and x.lane <> 'workflow') as direct
      from events e join deliveries d on d.event_id = e.id and d.id >= $3
      where e.id = $1 and d.workflow_id = $2 and d.status in ('PENDING', 'IN_PROGRESS', 'HELD')
        and d.lane <> 'any' and not d.in_hand
      group by e.id`,
    values: [event_id, workflow_id, sinceId('del', event_id)],
  });
  return rows[0] ?? null;
}

export interface OpenDeliveryCounts {
  byStatus: Record<'PENDING' | 'IN_PROGRESS' | 'HELD', number>;
  /** Overdue deliveries; `oldestSeconds` is how long the longest of them has been overdue. */
  overdue: number;
  oldestSeconds: number;
}

/** For the metrics; reads only the indexes of open deliveries. */
export async function countOpenDeliveries(db: Db): Promise<OpenDeliveryCounts> {
  const { rows } = await db.query<{
    pending: number;
    in_progress: number;
    held: number;
    overdue: number;
    oldest: number;
  }>(`
    select open.*, due.* from (
      select count(*) filter (where status = 'PENDING')::int as pending,
        count(*) filter (where status = 'IN_PROGRESS')::int as in_progress,
        count(*) filter (where status = 'HELD')::int as held
      from deliveries where status in ('PENDING', 'IN_PROGRESS', 'HELD')) open, (
      select count(*)::int as overdue, coalesce(extract(epoch from now() - min(due_at)), 0)::float8 as oldest from (
        select due_at from deliveries
        where status in ('PENDING', 'IN_PROGRESS') and lane <> 'any' and not in_hand and due_at <= now()
        union all
        select due_at from deliveries
        where status in ('PENDING', 'IN_PROGRESS') and lane = 'any' and completed_at is null and attempt_count >= 0
          -- While everything is paused nobody is to move them.
          and due_at <= now() and not exists (select from control where scope = 'all')
        union all
        select due_at from deliveries where in_hand and due_at <= now()) each) due`);
  const { pending, in_progress, held, overdue, oldest } = rows[0]!;
  return {
    byStatus: { PENDING: pending, IN_PROGRESS: in_progress, HELD: held },
    overdue,
    oldestSeconds: oldest,
  };
}
