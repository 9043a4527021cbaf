import { patternsMatching } from '../domain/event.js';
import { OPERATOR_TENANT, type OperationalType } from '../domain/operational-event.js';
import type { Db } from './pool.js';

/** An accepted event that nobody took over is due again after this: its process died. */
const AGAIN = `interval '30 seconds'`;

/** SQL: whether an endpoint of the operator subscribes to a type. Asked at most once a statement. */
const isWanted = (type: OperationalType): string => {
  const patterns = patternsMatching(type).map((pattern) => `'${pattern}'`);
  return `(select exists (select from subscriptions
    where tenant = '${OPERATOR_TENANT}' and pattern in (${patterns.join(', ')})))`;
};

/** SQL: a time as the API shows it. */
export const iso = (time: string): string =>
  `to_char(${time} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * SQL, for the statement of a change: inserts an event for each row of `from` that is not the operator's own, so that the
 * failure of such an event announces nothing. `key`: unique among the events of the type. The case makes Postgres look
 * for subscriptions only where there is such a row: most statements have none.
 */
export const announceEach = (
  type: OperationalType,
  { key, data, from, tenant }: { key: string; data: Record<string, string>; from: string; tenant: string },
): string => `insert into operational_events (type, key, data)
    select '${type}', '${type}/' || ${key},
      json_build_object(${Object.entries(data).map(([name, value]) => `'${name}', ${value}`)})
    from ${from} where case when ${tenant} <> '${OPERATOR_TENANT}' then ${isWanted(type)} end`;

/** SQL: the same for deliveries that end as FAILED, except those that end with the deletion of their endpoint. */
export const announceFailed = (
  from: string,
  columns: { reason: string; attempts: string; classification: string },
): string =>
  announceEach('delivery.failed', {
    key: 'failed.id',
    data: {
      delivery_id: 'failed.id',
      event_id: 'failed.event_id',
      event_type: 'failed.event_type',
      endpoint_id: 'failed.endpoint_id',
      tenant: 'failed.tenant',
      reason: columns.reason,
      attempt_count: columns.attempts,
      last_classification: columns.classification,
      source_delivery_id: 'failed.source_delivery_id',
      batch_id: 'failed.batch_id',
      created_at: iso('failed.created_at'),
      failed_at: iso('now()'),
    },
    from: `(select * from (${from}) failed where ${columns.reason} is distinct from 'ENDPOINT_DELETED') failed`,
    tenant: 'failed.tenant',
  });

export interface Announcement {
  type: OperationalType;
  /** Unique among the events of the type. */
  key: string;
  data: object;
}

/** Call it in the transaction of the change that it announces. */
export async function announce(db: Db, { type, key, data }: Announcement): Promise<void> {
  await db.query(
    `insert into operational_events (type, key, data) select $1, $1 || '/' || $2, $3 where ${isWanted(type)}`,
    [type, key, JSON.stringify(data)],
  );
}

export interface OperationalEvent {
  id: string;
  type: OperationalType;
  key: string;
  data: object;
  at: Date;
}

/** Claims the next events, oldest first: no other process accepts them within the next half minute. */
export async function claimOperationalEvents(db: Db, limit: number): Promise<OperationalEvent[]> {
  const { rows } = await db.query<OperationalEvent>({
    name: 'claim-operational-events',
    text: `
      update operational_events set accept_at = now() + ${AGAIN}
      where id in (select id from operational_events where accept_at <= now() order by accept_at, id limit $1
        for update skip locked)
      returning id, type, key, data, at`,
    values: [limit],
  });
  return rows.sort((a, b) => Number(a.id) - Number(b.id));
}

export async function removeOperationalEvents(db: Db, ids: string[]): Promise<void> {
  await db.query('delete from operational_events where id = any($1)', [ids]);
}
