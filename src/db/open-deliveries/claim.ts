import type { Db } from '../pool.js';
import { isPaused } from '../derived-status.js';
import { IS_READY, rowOf } from './columns.js';

/** Longer than waiting for a turn, the longest request and its record take. */
export const LEASE_MS = 90_000;
/** A delivery whose workflow should make the attempt is the poller's after this time. */
const GRACE = `interval '30 seconds'`;
/** Overdue for longer, deliveries count as resumed: a rate limits them. */
const OVERDUE = `interval '10 seconds'`;

/** The sent parts of an event, as an attempt has them. */
export interface SentContent {
  payload: string;
  event_headers: Record<string, string> | null;
  event_content_type: string | null;
  event_created_at: Date;
}

/** A delivery claimed for its next attempt, with everything the attempt needs except the endpoint. */
export interface ClaimedDelivery extends SentContent {
  id: string;
  claim: number;
  endpoint_id: string;
  workflow_id: string;
  /** The maker of the attempt that was due: its workflow, or any poller. */
  run_by: 'workflow' | 'queue';
  /** Attempts already recorded. */
  attempt_count: number;
  max_attempts: number;
  event_id: string;
  event_type: string;
  tenant: string;
}

/** Columns of the event `e` that are sent. */
export const CONTENT =
  'e.payload, e.headers as event_headers, e.content_type as event_content_type, e.created_at as event_created_at';
const CLAIMED = `o.id, o.claim, o.endpoint_id, o.workflow_id, o.attempt_count, o.max_attempts, o.event_id, o.event_type,
  o.tenant`;
/** How long after its time a delivery is the poller's. */
const graceOf = (runBy: string) => `case ${runBy} when 'workflow' then ${GRACE} else interval '0' end`;
const CLAIM = `claimed_by = $1, claim_until = now() + ${LEASE_MS} * interval '1 millisecond', claim = claim + 1`;

export interface ClaimDue {
  process: string;
  limit: number;
  /** Limit on those overdue for more than 10 s: resumed, or delayed by an outage. */
  overdueLimit: number;
  /** Ids of endpoints that have all they can take. */
  except: string[];
  /** The last endpoint of the previous look; '' to begin. */
  after: string;
  /** Endpoints examined: bounds the time of a look. */
  window: number;
}

export interface Due {
  claimed: ClaimedDelivery[];
  /** Where the next look goes on; '' when this one reached the last endpoint. */
  next: string;
  /** Milliseconds until the next delivery of the examined endpoints is due; null: none is. */
  nextDueMs: number | null;
  /** How many of the chosen were overdue for more than 10 s. */
  overdue: number;
  /** Examined endpoints that are deleted: their deliveries have to end. */
  deleted: string[];
}

/**
 * Claims deliveries that are due and nobody's: tenants in turn, then their endpoints, longest due first. Paused and
 * disabled endpoints cost one index look-up each, however much waits for them.
 */
export async function claimDue(db: Db, request: ClaimDue): Promise<Due> {
  const { process, limit, overdueLimit, except, after, window } = request;
  const { rows } = await db.query<
    ClaimedDelivery & {
      looked: number | null;
      last: string | null;
      next_due_ms: number | null;
      overdue: number;
      deleted: string[];
      id: string | null;
    }
  >({
    name: 'claim-due',
    text: `
      with recursive waiting as (
        -- One index look-up for each endpoint and maker of attempts that something ready waits for: its first.
        (select endpoint_id as id, run_by, run_at as first_at, 1 as nth from open_deliveries
          where claimed_by is null and endpoint_id > $5 order by endpoint_id, run_by, run_at limit 1)
        union all
        select next.id, next.run_by, next.first_at, nth + (next.id <> waiting.id)::int
        from waiting cross join lateral (
          select endpoint_id as id, run_by, run_at as first_at from open_deliveries
          where claimed_by is null and (endpoint_id, run_by) > (waiting.id, waiting.run_by)
          order by endpoint_id, run_by, run_at limit 1) next
        where nth < $6 or next.id = waiting.id
      ), endpoint as materialized (
        select ep.id, ep.tenant, ep.deleted_at is not null as deleted, w.run_by, w.first_at + ${graceOf('w.run_by')} as due_at
        from waiting w join endpoints ep on ep.id = w.id
        where ep.deleted_at is not null
          or ep.id <> all($4::text[]) and hold_of(ep) is null and not ${isPaused('ep.tenant')}
      ), due as materialized (
        select id, tenant, run_by from endpoint where not deleted and due_at <= now()
      ), each as (
        select o.id, o.run_at, due.tenant, row_number() over (partition by due.id order by o.run_at, o.id) as turn
        from due cross join lateral (select id, run_at from open_deliveries o
          where o.endpoint_id = due.id and o.run_by = due.run_by and claimed_by is null
            and run_at <= now() - ${graceOf('due.run_by')}
          order by run_at, id limit greatest(1, $2 / (select count(*) from due))) o
      ), in_turn as (
        select id, run_at, row_number() over (partition by tenant order by turn, run_at, id) as turn,
          run_at < now() - ${OVERDUE} as overdue from each
      ), chosen as (
        select id, overdue from (select id, turn, run_at, overdue,
            row_number() over (partition by overdue order by turn, run_at, id) as nth from in_turn) counted
        where not overdue or nth <= $3 order by turn, run_at, id limit $2
      ), free as (
        -- Asked again: another process may have attempted one meanwhile, and its retry is not due.
        select id, run_by from open_deliveries where id = any(array(select id from chosen)) and ${IS_READY}
          and run_at <= now() for update skip locked
      ), claimed as (
        -- The poller goes on with a delivery that its workflow left too long, until the workflow takes it back.
        update open_deliveries o set ${CLAIM}, run_by = 'queue' from free where o.id = free.id
        returning ${CLAIMED}, free.run_by
      ), look as (
        select (select count(*)::int from chosen where overdue) as overdue, (select max(nth) from waiting) as looked, (select max(id) from waiting) as last,
          array(select distinct id from endpoint where deleted) as deleted,
          (select extract(epoch from min(due_at) - now()) * 1000 from endpoint where not deleted and due_at > now())::float8
            as next_due_ms
      )
      select look.*, o.*, ${CONTENT} from look left join (claimed o cross join ${rowOf('events', 'o.event_id')} e) on true`,
    values: [process, limit, overdueLimit, except, after, window],
  });
  const { looked, last, next_due_ms: nextDueMs, overdue, deleted } = rows[0]!;
  return {
    claimed: rows.filter(({ id }) => id !== null),
    next: looked === null || looked < window ? '' : last!,
    nextDueMs,
    overdue,
    deleted,
  };
}

/** Claims one delivery that is due, or with `now` not yet due; null if it is not ready or something holds it. */
export async function claimDelivery(
  db: Db,
  id: string,
  { process, now }: { process: string; now: boolean },
): Promise<ClaimedDelivery | null> {
  const { rows } = await db.query<ClaimedDelivery>({
    name: 'claim-delivery',
    text: `
      with claimed as (
        update open_deliveries o set ${CLAIM}, run_by = 'workflow'
        where id = $2 and ${IS_READY} and ($3 or run_at <= now()) and held_reason(tenant, endpoint_id) is null
        returning ${CLAIMED}, o.run_by
      )
      select o.*, ${CONTENT} from claimed o cross join ${rowOf('events', 'o.event_id')} e`,
    values: [process, id, now],
  });
  return rows[0] ?? null;
}

/**
 * The workflow of this delivery waits for its time, or for its pause to end: the poller makes the next attempt only when it
 * is overdue. Not when it is due by now: nobody would make it before the poller may.
 */
export async function assignToWorkflow(db: Db, id: string): Promise<void> {
  await db.query({
    name: 'assign-to-workflow',
    text: `
      update open_deliveries set run_by = 'workflow'
      where id = $1 and ${IS_READY} and run_by = 'queue' and (run_at > now() or run_at <= now() - ${GRACE})`,
    values: [id],
  });
}

/** The workflows of these events are not started yet: until they are, the pollers make their attempts. */
export async function assignToQueue(db: Db, eventIds: string[]): Promise<void> {
  await db.query(
    `update open_deliveries set run_by = 'queue' where event_id = any($1) and run_by = 'workflow'`,
    [eventIds],
  );
}
