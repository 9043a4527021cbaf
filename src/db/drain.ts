import { FILE_PAUSE } from './control.js';
import type { Db } from './pool.js';

/** A delivery whose first attempt is the taker's, with what that needs besides the endpoint. */
export interface Taken {
  id: string;
  endpoint_id: string;
  workflow_id: string;
  /** Until then it is the taker's; what `leaveFirst` knows it by. */
  due_at: string;
  event_id: string;
  event_type: string;
  tenant: string;
  payload: string;
}

export interface Take {
  /** PENDING: those that no lane had room for. HELD: those that nothing holds any more. */
  status: 'PENDING' | 'HELD';
  limit: number;
  /** Endpoints that have enough of them. */
  except: string[];
  /** Also what a file holds: only where it is known whether the file is still there. */
  byFile: boolean;
  /** Until the sweeper takes the attempt for lost. */
  dueInMs: number;
}

const MAY_GO = {
  // Where its endpoint takes none now the gate holds it, and says why in its row.
  PENDING: { endpoint: 'true', delivery: 'due_at <= now()', reason: 'd.status_reason' },
  HELD: {
    endpoint: 'hold_of(ep) is null and pause_of(ep.tenant) is null',
    delivery: 'true',
    reason: `'RESUMED'`,
  },
};

/**
 * Takes deliveries of lane `any` for the direct lane of this process, oldest first and every endpoint in turn. Where the
 * answer is lost the sweeper finds them: nobody knows then whether an attempt was made.
 */
export async function takeFirst(db: Db, { status, limit, except, byFile, dueInMs }: Take): Promise<Taken[]> {
  const open = `lane = 'any' and completed_at is null and status = '${status}'`;
  const { endpoint, delivery, reason } = MAY_GO[status];
  const { rows } = await db.query<Taken>({
    name: `take-first-${status}`,
    text: `
      with recursive waiting as (
        select min(endpoint_id) as id from deliveries where ${open}
        union all
        select (select min(endpoint_id) from deliveries where ${open} and endpoint_id > waiting.id)
        from waiting where waiting.id is not null
      ), ready as (
        select ep.id from waiting join endpoints ep on ep.id = waiting.id and ep.id <> all($2::text[]) and ${endpoint}
      ), chosen as (
        select oldest.id, row_number() over (partition by ready.id order by oldest.id) as turn
        from ready cross join lateral (select id from deliveries where ${open} and endpoint_id = ready.id
            and ($3 or not starts_with(coalesce(status_reason, ''), '${FILE_PAUSE}')) and ${delivery} order by id
            limit greatest(1, $1 / (select count(*) from ready))) oldest
        order by turn, oldest.id limit $1
      ), free as (
        select id from deliveries where id = any(array(select id from chosen)) and ${open} for update skip locked
      ), taken as (
        update deliveries d set status = 'PENDING', lane = 'direct', status_reason = ${reason},
          due_at = now() + $4 * interval '1 millisecond'
        from free where d.id = free.id
        returning d.id, d.endpoint_id, d.workflow_id, d.due_at::text, d.event_id
      )
      select taken.*, e.type as event_type, e.tenant, e.payload
      from taken join events e on e.id = taken.event_id order by taken.id`,
    values: [limit, except, byFile, dueInMs],
  });
  return rows;
}

/** A first attempt that the process which has it does not make. */
export interface Left {
  id: string;
  /** As it was when it was taken: what was claimed or taken since is somebody else's. */
  dueAt: string;
  /** `any`: nothing of it was begun. */
  lane: 'any' | 'workflow';
  inMs: number;
}

/** Gives first attempts to others, after so long. Repeating it changes nothing more. */
export async function leaveFirst(db: Db, left: Left[]): Promise<void> {
  await db.query(
    `update deliveries d set lane = l.lane, due_at = now() + l.in_ms * interval '1 millisecond'
     from unnest($1::text[], $2::timestamptz[], $3::text[], $4::float8[]) l (id, due_at, lane, in_ms)
     where d.id = l.id and d.id = any($1) and d.due_at = l.due_at
       and d.lane = 'direct' and d.status = 'PENDING' and d.attempt_count = 0`,
    [
      left.map(({ id }) => id),
      left.map(({ dueAt }) => dueAt),
      left.map(({ lane }) => lane),
      left.map(({ inMs }) => inMs),
    ],
  );
}

/** First attempts of events that were accepted without anybody knowing: nobody here has them. The sweeper's, after so long. */
export async function leaveEvents(db: Db, eventIds: string[], inMs: number): Promise<void> {
  await db.query(
    `update deliveries set lane = 'workflow', due_at = now() + $2 * interval '1 millisecond'
     where event_id = any($1) and lane = 'direct' and status = 'PENDING' and attempt_count = 0
       -- Held at first, it may have been taken since.
       and status_reason is null`,
    [eventIds, inMs],
  );
}
