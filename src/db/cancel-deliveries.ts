import type { OPEN_STATUSES } from '../domain/delivery.js';
import { audit, type Actor } from './audit.js';
import { addTo } from '../lib/counts.js';
import { lowestId } from '../lib/ids.js';
import { statusOf } from './derived-status.js';
import { endDeliveries } from './open-deliveries/index.js';
import { transaction, type Db, type Pool } from './pool.js';
import { workflowStarted } from './workflow-starts.js';

export type OpenStatus = (typeof OPEN_STATUSES)[number];

export interface OpenFilter {
  status: OpenStatus[];
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
  workflow_started: boolean;
}

/** Open deliveries examined by one statement: bounds its time, however many exist and however few match. */
const MAX_EXAMINED = 2_000;

/** The next matches, by id; `last` is null on the last page. Deliveries that end with the attempt under way are left out. */
export async function nextOpen(
  db: Db,
  filter: OpenFilter,
  page: { after: string; until: string },
): Promise<{ matches: OpenMatch[]; last: string | null }> {
  const values: unknown[] = [page.after, page.until, filter.status];
  const place = (value: unknown) => `$${values.push(value)}`;
  const range = ['id > $1', 'id < $2'];
  if (filter.from) range.push(`id >= ${place(lowestId('del', filter.from))}`);
  if (filter.to) range.push(`id < ${place(lowestId('del', filter.to))}`);
  // By an index; all other filters would read an unknown number of rows.
  if (filter.event_id !== undefined) range.push(`event_id = ${place(filter.event_id)}`);
  const chosen = Object.entries({
    tenant: filter.tenant,
    endpoint_id: filter.endpoint_id,
    event_type: filter.event_type,
    last_classification: filter.classification,
  }).flatMap(([column, value]) => (value === undefined ? [] : [`e.${column} = ${place(value)}`]));
  const { rows } = await db.query<OpenMatch & { examined: number; last: string; id: string | null }>(
    `with examined as materialized (
       select id, event_id, endpoint_id, tenant, event_type, last_classification, attempt_count, claimed_by, end_status,
         workflow_id
       from open_deliveries where ${range.join(' and ')} order by id limit ${MAX_EXAMINED}
     ), matched as materialized (
       select e.id, e.event_id, e.endpoint_id, e.event_type, e.workflow_id, ${statusOf('e')} as status from examined e
       where ${['e.end_status is null', ...chosen].join(' and ')}
     )
     select page.*, m.id, m.endpoint_id, m.event_type, m.status, m.workflow_id,
       ${workflowStarted('m')} as workflow_started
     from (select count(*)::int as examined, max(id) as last from examined) page
       left join matched m on m.status = any($3)
     order by m.id`,
    values,
  );
  const { examined, last } = rows[0]!;
  return {
    matches: rows.filter(({ id }) => id !== null),
    last: examined < MAX_EXAMINED ? null : last,
  };
}

/** Whether an event that the filter may match still gets deliveries with ids below `until`. */
export async function isFanningOut(
  db: Db,
  { tenant, event_id, event_type }: OpenFilter,
  until: string,
): Promise<boolean> {
  const { rows } = await db.query<{ found: boolean }>(
    `select exists (select from events where fan_out_after is not null and id < $1
       and id = coalesce($2, id) and tenant = coalesce($3, tenant) and type = coalesce($4, type)) as found`,
    [until.replace(/^del/, 'evt'), event_id ?? null, tenant ?? null, event_type ?? null],
  );
  return rows[0]!.found;
}

/** An id above those of all current deliveries. */
export async function idsEnd(db: Db): Promise<string> {
  const { rows } = await db.query<{ id: string }>(`select new_id('del', now() + interval '1 second') as id`);
  return rows[0]!.id;
}

export interface BulkCancel {
  actor: Actor;
  reason: string | null;
  /** As requested, for the audit. */
  filter: object;
  /** The id or control scope acted on. */
  object: string;
  /** Null: the filter names none. */
  tenant: string | null;
}

/**
 * Cancels those of `matches` that are still open, and returns them. Each page has its entry in the audit, in the same commit:
 * its count is right whatever happens to the process afterwards.
 */
export async function cancelPageOf(
  pool: Pool,
  matches: OpenMatch[],
  { actor, reason, filter, object, tenant }: BulkCancel,
): Promise<string[]> {
  return transaction(pool, async (db) => {
    const ids = matches.map(({ id }) => id);
    const cancelled = await endDeliveries(db, ids, 'CANCELLED', reason ?? `cancelled by ${actor.name}`);
    if (cancelled.length === 0) return cancelled;
    const ended = new Set(cancelled);
    const statuses = new Map<string, number>();
    for (const { id, status } of matches) if (ended.has(id)) addTo(statuses, status, 1);
    await audit(db, {
      ...{ actor, action: 'deliveries.cancel', object, tenant, reason },
      // Counts of the deliveries cancelled here, not of all that match.
      before: { filter, statuses: Object.fromEntries(statuses) },
      after: { filter, cancelled: cancelled.length },
    });
    return cancelled;
  });
}
