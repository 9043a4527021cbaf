import { FILE_PAUSE } from './pauses.js';
import { CONTENT, type SentContent } from './deliveries.js';
import type { Db } from './pool.js';

/** A delivery whose next attempt is the taker's, with what that needs besides the endpoint. */
export interface ClaimedDelivery extends SentContent {
  id: string;
  endpoint_id: string;
  workflow_id: string;
  in_hand: boolean;
  /** Attempts made before. */
  attempt_count: number;
  max_attempts: number;
  /** Until then it is the taker's; what `leave` knows it by. */
  due_at: string;
  event_id: string;
  event_type: string;
  tenant: string;
}

export interface ClaimRequest {
  /** PENDING: those that no lane had room for. IN_PROGRESS: retries that are due. HELD: those that nothing holds any more. */
  status: 'PENDING' | 'IN_PROGRESS' | 'HELD';
  limit: number;
  /** Endpoints that have enough of them. */
  except: string[];
  /** Also what a file holds: only where it is known whether the file is still there. */
  byFile: boolean;
  /** Until the sweeper takes the attempt for lost. */
  dueInMs: number;
}

/** So many are looked through; where more are due, every endpoint is asked for its own. */
const FEW = 1_000;

const DUE = {
  // Where its endpoint takes none now the gate holds it, and says why in its row.
  endpoint: 'true',
  delivery: 'due_at <= now()',
  set: `in_hand = true, lane = 'direct', due_at = now() + $4 * interval '1 millisecond'`,
  few: (open: string) => `select id, endpoint_id, due_at from deliveries
    where ${open} and attempt_count >= 0 and due_at <= now() order by due_at limit ${FEW}`,
};
const RELEASED = {
  endpoint: 'hold_of(ep) is null and pause_of(ep.tenant) is null',
  delivery: 'true',
  // A retry whose time has not come goes on to wait for it.
  set: `in_hand = coalesce(next_attempt_at <= now(), true), status_reason = 'RESUMED',
    status = case when attempt_count = 0 then 'PENDING' else 'IN_PROGRESS' end,
    lane = case when next_attempt_at > now() then 'any' else 'direct' end,
    due_at = case when next_attempt_at > now() then next_attempt_at else now() + $4 * interval '1 millisecond' end`,
  few: null,
};

/**
 * Takes deliveries of lane `any` for the direct lane of this process, longest due first and every endpoint in turn; of
 * those that were held, not `in_hand` are retries that only wait again. Where the answer is lost the sweeper finds them:
 * nobody knows then whether an attempt was made.
 */
export async function claimWaiting(
  db: Db,
  { status, limit, except, byFile, dueInMs }: ClaimRequest,
): Promise<ClaimedDelivery[]> {
  // What is not known while planning counts as frequent. Where Postgres has not heard yet that thousands are held, it would
  // read all of them for every endpoint.
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

/** An attempt that the process which has it in hand does not make. */
export interface ReleasedDelivery {
  id: string;
  /** As it was when it was taken: what was claimed or taken since is somebody else's. */
  dueAt: string;
  /** `any`: for whoever has room. `workflow`: for the sweeper. */
  lane: 'any' | 'workflow';
  inMs: number;
}

/** Gives attempts to others, after so long. Repeating it changes nothing more. */
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

/** First attempts of events that were accepted without anybody knowing: nobody here has them. The sweeper's, after so long. */
export async function releaseEvents(db: Db, eventIds: string[], inMs: number): Promise<void> {
  await db.query(
    `update deliveries set in_hand = false, lane = 'workflow', due_at = now() + $2 * interval '1 millisecond'
     where event_id = any($1) and in_hand and attempt_count = 0
       -- Held at first, it may have been taken since.
       and status_reason is null`,
    [eventIds, inMs],
  );
}

/** Where nobody drains lane `any`, the sweeper looks after what is in it: so many more of them. */
export async function giveToSweeper(db: Db, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `update deliveries set lane = case when attempt_count = 0 then 'workflow' else 'direct' end
     where id in (select id from deliveries where lane = 'any' and completed_at is null limit $1 for update skip locked)
       and lane = 'any'`,
    [limit],
  );
  return rowCount ?? 0;
}
