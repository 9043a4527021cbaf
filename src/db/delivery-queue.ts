import { FILE_PAUSE } from './pauses.js';
import { CONTENT, type SentContent } from './deliveries.js';
import type { Db } from './pool.js';

/** A delivery claimed for its next attempt, with everything the attempt needs except the endpoint. */
export interface ClaimedDelivery extends SentContent {
  id: string;
  endpoint_id: string;
  workflow_id: string;
  in_hand: boolean;
  /** Attempts already made. */
  attempt_count: number;
  max_attempts: number;
  /** When the claim ends; `releaseDeliveries` compares it to identify the claim. */
  due_at: string;
  event_id: string;
  event_type: string;
  tenant: string;
}

export interface ClaimRequest {
  /** PENDING: no lane had room. IN_PROGRESS: the retry is due. HELD: no pause or endpoint state holds it any more. */
  status: 'PENDING' | 'IN_PROGRESS' | 'HELD';
  limit: number;
  /** Ids of endpoints that already have as many as they can take. */
  except: string[];
  /** Include deliveries held by the file PAUSE: only for a process that knows whether the file still exists. */
  byFile: boolean;
  /** Milliseconds until the reconciler counts the attempt as lost. */
  dueInMs: number;
}

/** Below this number of due deliveries one index scan reads them all; from it on, each endpoint is queried. */
const FEW = 1_000;

const DUE = {
  // If the endpoint takes none now, the attempt holds the delivery and stores the reason.
  endpoint: 'true',
  delivery: 'due_at <= now()',
  set: `in_hand = true, lane = 'direct', due_at = now() + $4 * interval '1 millisecond'`,
  few: (open: string) => `select id, endpoint_id, due_at from deliveries
    where ${open} and attempt_count >= 0 and due_at <= now() order by due_at limit ${FEW}`,
};
const RELEASED = {
  endpoint: 'hold_of(ep) is null and pause_of(ep.tenant) is null',
  delivery: 'true',
  // A retry that is not yet due keeps waiting.
  set: `in_hand = coalesce(next_attempt_at <= now(), true), status_reason = 'RESUMED',
    status = case when attempt_count = 0 then 'PENDING' else 'IN_PROGRESS' end,
    lane = case when next_attempt_at > now() then 'any' else 'direct' end,
    due_at = case when next_attempt_at > now() then next_attempt_at else now() + $4 * interval '1 millisecond' end`,
  few: null,
};

/**
 * Claims deliveries of lane `any` for this process's direct lane, longest due first and endpoints in turn. A released
 * one that is not `in_hand` is a retry that waits again. If the result is lost, the reconciler finds the deliveries:
 * nobody knows then whether an attempt was made.
 */
export async function claimWaiting(
  db: Db,
  { status, limit, except, byFile, dueInMs }: ClaimRequest,
): Promise<ClaimedDelivery[]> {
  // A subquery hides the status, and the planner then assumes that it is frequent. With statistics older than thousands
  // of held rows, it would otherwise read all of them for every endpoint.
  const rest = `completed_at is null and status = (select '${status}')`;
  const open = `lane = 'any' and ${rest}`;
  const { endpoint, delivery, set, few } = status === 'HELD' ? RELEASED : DUE;
  const now = `${delivery} and ($3 or not starts_with(coalesce(status_reason, ''), '${FILE_PAUSE}'))`;
  const ready = `${open} and ${now}`;
  const { rows } = await db.query<ClaimedDelivery>({
    name: `take-${status}`,
    text: `
      with recursive few as materialized (
        ${few ? few(open) : 'select null as id, null as endpoint_id, now() as due_at where false'}
      ), are_few as (
        select ${few ? `(select count(*) from few) < ${FEW}` : 'false'} as yes
      ), waiting as (
        select min(endpoint_id) as id from deliveries where ${open} and not (select yes from are_few)
        union all
        select (select min(endpoint_id) from deliveries where ${open} and endpoint_id > waiting.id)
        from waiting where waiting.id is not null
      ), endpoint as (
        select ep.id from waiting join endpoints ep on ep.id = waiting.id and ep.id <> all($2::text[]) and ${endpoint}
          -- Of each alone: "exists" would become a join with all that wait.
          and (select true from deliveries where ${ready} and endpoint_id = ep.id limit 1)
      ), each as (
        select longest.id, endpoint.id as endpoint_id, longest.due_at
        from endpoint cross join lateral (select id, due_at from deliveries where ${ready} and endpoint_id = endpoint.id
            order by due_at, id limit greatest(1, $1 / (select count(*) from endpoint))) longest
        union all
        select id, endpoint_id, due_at from few where (select yes from are_few) and endpoint_id <> all($2)
      ), chosen as (
        select id, due_at, row_number() over (partition by endpoint_id order by due_at, id) as turn
        from each order by turn, due_at, id limit $1
      ), free as (
        -- By their ids: the index of all that wait is not for a lane that is written so.
        select id from deliveries where id = any(array(select id from chosen)) and lane || '' = 'any' and ${rest} and ${now}
        for update skip locked
      ), taken as (
        update deliveries d set ${set} from free where d.id = free.id
        returning d.id, d.endpoint_id, d.workflow_id, d.in_hand, d.attempt_count, d.max_attempts, d.due_at, d.event_id
      )
      select taken.id, endpoint_id, taken.workflow_id, in_hand, attempt_count, max_attempts, due_at::text, event_id,
        e.type as event_type, e.tenant, ${CONTENT}
      from taken join events e on e.id = taken.event_id order by taken.id`,
    values: [limit, except, byFile, dueInMs],
  });
  return rows;
}

/** A claimed attempt that its process will not make. */
export interface ReleasedDelivery {
  id: string;
  /** `due_at` of the claim: a different value now means that another process has the delivery. */
  dueAt: string;
  /** `any`: the poller of any process with room takes it. `workflow`: the reconciler does. */
  lane: 'any' | 'workflow';
  inMs: number;
}

/** Releases claims; the deliveries are due again after `inMs`. Repeating the call changes nothing. */
export async function releaseDeliveries(db: Db, left: ReleasedDelivery[]): Promise<void> {
  await db.query(
    `update deliveries d set in_hand = false, due_at = now() + l.in_ms * interval '1 millisecond',
       -- Who made the first attempt stays known.
       lane = case when l.lane = 'any' or d.attempt_count = 0 then l.lane else d.lane end
     from unnest($1::text[], $2::timestamptz[], $3::text[], $4::float8[]) l (id, due_at, lane, in_ms)
     where d.id = l.id and d.id = any($1) and d.due_at = l.due_at and d.in_hand and d.completed_at is null`,
    [
      left.map(({ id }) => id),
      left.map(({ dueAt }) => dueAt),
      left.map(({ lane }) => lane),
      left.map(({ inMs }) => inMs),
    ],
  );
}

/** Gives first attempts to the reconciler after `inMs`: the events may have been accepted, but the result was lost. */
export async function releaseEvents(db: Db, eventIds: string[], inMs: number): Promise<void> {
  await db.query(
    `update deliveries set in_hand = false, lane = 'workflow', due_at = now() + $2 * interval '1 millisecond'
     where event_id = any($1) and in_hand and attempt_count = 0
       -- Held at first, it may have been taken since.
       and status_reason is null`,
    [eventIds, inMs],
  );
}

/** Moves up to `limit` deliveries from lane `any` to the reconciler's lanes, for a process without a poller. */
export async function giveToSweeper(db: Db, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `update deliveries set lane = case when attempt_count = 0 then 'workflow' else 'direct' end
     where id in (select id from deliveries where lane = 'any' and completed_at is null limit $1 for update skip locked)
       and lane = 'any'`,
    [limit],
  );
  return rowCount ?? 0;
}
