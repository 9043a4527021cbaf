import { OPEN_STATUSES } from '../domain/delivery.js';
import { lowestId } from '../lib/ids.js';
import { setStatus } from './deliveries.js';
import { transaction, type Db, type Pool } from './pool.js';

export type OpenStatus = (typeof OPEN_STATUSES)[number];

export interface OpenFilter {
  tenant?: string | undefined;
  endpoint_id?: string | undefined;
  event_id?: string | undefined;
  event_type?: string | undefined;
  classification?: string | undefined;
  from?: Date | undefined;
  to?: Date | undefined;
}

export interface OpenMatch {
  id: string;
  endpoint_id: string;
  event_type: string;
  status: OpenStatus;
  workflow_id: string;
  /** A workflow may be responsible for it. */
  carried: boolean;
}

/** Open deliveries read by one statement: bounds its time, however many exist and however few match. */
const LOOKED_AT = 2_000;

/** The next matches of one status, by id; `last` is null on the last page. */
export async function nextOpen(
  db: Db,
  filter: OpenFilter,
  page: { status: OpenStatus; after: string; until: string },
): Promise<{ matches: OpenMatch[]; last: string | null }> {
  const values: unknown[] = [page.after, page.until];
  const place = (value: unknown) => `$${values.push(value)}`;
  const range = ['id > $1', 'id < $2'];
  if (filter.from) range.push(`id >= ${place(lowestId('del', filter.from))}`);
  if (filter.to) range.push(`id < ${place(lowestId('del', filter.to))}`);
  const chosen = Object.entries({
    'looked_at.tenant': filter.tenant,
    'looked_at.endpoint_id': filter.endpoint_id,
    'looked_at.event_type': filter.event_type,
    'looked_at.last_classification': filter.classification,
    'd.event_id': filter.event_id,
  }).flatMap(([column, value]) => (value === undefined ? [] : [`${column} = ${place(value)}`]));
  // Read by status, from the index of open deliveries: an endpoint's index would be scanned through all its history.
  const { rows } = await db.query<OpenMatch & { looked_at: string; id: string | null }>(
    `with looked_at as materialized (
       select id, tenant, endpoint_id, event_type, last_classification from deliveries
       where status = '${page.status}' and ${range.join(' and ')} order by id limit ${LOOKED_AT}
     )
     select looked_at.id as looked_at, d.id, d.endpoint_id, d.event_type, d.status, d.workflow_id,
       d.lane <> 'any' and not d.in_hand as carried
     from looked_at left join deliveries d on ${['d.id = looked_at.id', ...chosen].join(' and ')}
     order by looked_at.id`,
    values,
  );
  return {
    matches: rows.filter(({ id }) => id !== null),
    last: rows.length < LOOKED_AT ? null : rows.at(-1)!.looked_at,
  };
}

/** An id above those of all current deliveries. */
export async function idsEnd(db: Db): Promise<string> {
  const { rows } = await db.query<{ id: string }>(`select new_id('del', now() + interval '1 second') as id`);
  return rows[0]!.id;
}

export interface BulkCancel {
  actor: string;
  reason: string | null;
  /** As requested, for the audit. */
  filter: object;
  /** The id or control scope acted on. */
  object: string;
}

/**
 * Cancels those of `ids` that are still open and adds them to the count in `entry`, the single audit entry of the call,
 * which its first page creates. Both commit together, so the count is right even if the process dies.
 */
export async function cancelPageOf(
  pool: Pool,
  ids: string[],
  { actor, reason, filter, object }: BulkCancel,
  entry: string | null,
): Promise<{ cancelled: string[]; entry: string | null }> {
  return transaction(pool, async (db) => {
    const words = reason ?? `cancelled by ${actor}`;
    const cancelled = await setStatus(db, ids, OPEN_STATUSES, 'CANCELLED', words);
    if (cancelled.length === 0) return { cancelled, entry };
    if (entry === null) {
      const { rows } = await db.query<{ id: string }>(
        `insert into audit (id, actor, action, object, reason, after)
         values (new_id('aud', now()), $1, 'deliveries.cancel', $2, $3, $4) returning id`,
        [actor, object, reason, JSON.stringify({ filter, cancelled: cancelled.length })],
      );
      return { cancelled, entry: rows[0]!.id };
    }
    await db.query(
      `update audit set after = jsonb_set(after, '{cancelled}', to_jsonb((after->>'cancelled')::int + $2))
       where id = $1`,
      [entry, cancelled.length],
    );
    return { cancelled, entry };
  });
}
