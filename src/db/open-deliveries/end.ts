import { audit, type Actor } from '../audit.js';
import { announceFailed } from '../operational-events.js';
import { notify } from '../pauses.js';
import { transaction, type Db, type Pool } from '../pool.js';
import { IS_CLAIMED, IS_READY, KEPT } from './columns.js';

export type EndStatus = 'FAILED' | 'CANCELLED';

/** Reason and classification of a delivery that ended because its endpoint is deleted. */
const ENDPOINT_DELETED = 'ENDPOINT_DELETED';
/** SQL: the last classification of a delivery that ends without another attempt. */
const lastClassification = (reason: string) =>
  `case when ${reason} = '${ENDPOINT_DELETED}' then ${reason} else last_classification end`;

/**
 * Ends open deliveries: those that are ready at once, the others with the attempt under way, whose 2xx still makes them
 * DELIVERED. Returns the ids of both. Runs in the caller's transaction.
 */
export async function endDeliveries(
  db: Db,
  ids: string[],
  status: EndStatus,
  reason: string,
): Promise<string[]> {
  // In a statement of its own: the next one sees what was claimed or released until the lock was granted.
  await db.query('select from open_deliveries where id = any($1) order by id for update', [ids]);
  const { rows } = await db.query<{ id: string }>(
    `with flagged as (
       update open_deliveries set end_status = $2, status_reason = $3
       where id = any($1) and ${IS_CLAIMED} and end_status is null returning id
     ), ended as (
       delete from open_deliveries where id = any($1) and ${IS_READY} returning *
     ), history as (
       insert into deliveries (${KEPT}, status, status_reason, attempt_count, last_classification, completed_at)
       select ${KEPT}, $2, $3, attempt_count, ${lastClassification('$3')}, now() from ended
     ), failed as (
       ${announceFailed(`select * from ended where $2 = 'FAILED'`, {
         reason: '$3',
         attempts: 'failed.attempt_count',
         classification: 'failed.last_classification',
       })}
     )
     select id from flagged union all select id from ended`,
    [ids, status, reason],
  );
  return rows.map((row) => row.id);
}

/**
 * Ends the next open deliveries of a deleted endpoint, and those that are claimed with their attempt. Returns how many of
 * either kind, at most `limit`.
 */
export function endDeliveriesOf(pool: Pool, endpointId: string, limit: number): Promise<number> {
  return transaction(pool, async (db) => {
    const next = async (which: string) => {
      const { rows } = await db.query<{ id: string }>(
        `select id from open_deliveries where endpoint_id = $1 and ${which} limit $2 for update skip locked`,
        [endpointId, limit],
      );
      return rows.map(({ id }) => id);
    };
    // Apart: there is an index for either.
    const ready = await next('claimed_by is null');
    const claimed = await next('claimed_by is not null and end_status is null');
    if (ready.length + claimed.length > 0)
      await endDeliveries(db, [...ready, ...claimed], 'FAILED', ENDPOINT_DELETED);
    return Math.max(ready.length, claimed.length);
  });
}

/** A claim under which nothing was sent. */
export interface ReleasedClaim {
  id: string;
  claim: number;
  /** Milliseconds until the delivery is due again; null: its time stays. */
  inMs: number | null;
  /** A fault of ours may last: wait a tenth of the delivery's age, at most a minute. */
  backOff: boolean;
  /** Why, for a person; null: the reason stays. */
  reason: string | null;
}

/**
 * Gives claims back: the deliveries are ready again, or end as it was decided meanwhile. Uses up no attempt. Repeating
 * the call changes nothing.
 */
export function releaseClaims(pool: Pool, released: ReleasedClaim[]): Promise<void> {
  const ids = released.map(({ id }) => id);
  return transaction(pool, async (db) => {
    await db.query('select from open_deliveries where id = any($1) order by id for update', [ids]);
    await db.query(
      `with input as (
         select * from unnest($1::text[], $2::int[], $3::float8[], $4::text[], $5::bool[]) as i (id, claim, in_ms, reason, back_off)
       ), ended as (
         delete from open_deliveries o using input i
         where o.id = i.id and o.claim = i.claim and ${IS_CLAIMED} and o.end_status is not null returning o.*
       ), history as (
         insert into deliveries (${KEPT}, status, status_reason, attempt_count, last_classification, completed_at)
         select ${KEPT}, end_status, status_reason, attempt_count, ${lastClassification('status_reason')}, now() from ended
       ), failed as (
         ${announceFailed(`select * from ended where end_status = 'FAILED'`, {
           reason: 'failed.status_reason',
           attempts: 'failed.attempt_count',
           classification: 'failed.last_classification',
         })}
       )
       update open_deliveries o set claimed_by = null, claim_until = null, run_by = 'queue',
         run_at = coalesce(now() + i.in_ms * interval '1 millisecond' + case when i.back_off
           then least((now() - o.created_at) / 10, interval '1 minute') else interval '0' end, o.run_at),
         status_reason = coalesce(i.reason, o.status_reason)
       from input i
       where o.id = i.id and o.claim = i.claim and ${IS_CLAIMED} and o.end_status is null`,
      [
        ids,
        released.map(({ claim }) => claim),
        released.map(({ inMs }) => inMs),
        released.map(({ reason }) => reason),
        released.map(({ backOff }) => backOff),
      ],
    );
  });
}

/**
 * Makes a delivery that is ready due now, for the poller of any process. False: it is claimed, or has ended. Runs in the
 * caller's transaction.
 */
export async function attemptNow(db: Db, id: string): Promise<boolean> {
  const { rowCount } = await db.query(
    `update open_deliveries set run_at = least(run_at, now()), run_by = 'queue' where id = $1 and ${IS_READY}`,
    [id],
  );
  if (rowCount === 1) await notify(db);
  return rowCount === 1;
}

/** An open delivery, for the audit. */
export interface OpenBefore {
  id: string;
  tenant: string;
  attempt_count: number;
  last_classification: string | null;
}

/** The open deliveries among `ids`, locked: call it before they end. */
export async function readOpen(db: Db, ids: string[]): Promise<OpenBefore[]> {
  const { rows } = await db.query<OpenBefore>(
    `select id, tenant, attempt_count, last_classification from open_deliveries where id = any($1)
     order by id for update`,
    [ids],
  );
  return rows;
}

/** False if it had ended already. Runs in the caller's transaction. */
export async function cancelDelivery(
  db: Db,
  id: string,
  actor: Actor,
  reason: string | null,
): Promise<boolean> {
  const [before] = await readOpen(db, [id]);
  const status = 'CANCELLED';
  const [cancelled] = await endDeliveries(db, [id], status, reason ?? `cancelled by ${actor.name}`);
  if (!before || cancelled === undefined) return false;
  const { tenant, ...state } = before;
  await audit(db, {
    ...{ actor, action: 'delivery.cancel', object: id, tenant, reason },
    ...{ before: state, after: { ...state, status } },
  });
  return true;
}
