import type { Attempt, Classification } from '../domain/delivery.js';
import type { IssueStatus } from '../domain/issue.js';
import { audit, type Actor } from './audit.js';
import type { StoredEndpoint } from './endpoints.js';
import type { Page } from './pagination.js';
import { transaction, type Db, type Pool } from './pool.js';

export interface StoredIssue {
  id: string;
  endpoint_id: string;
  endpoint_url: string;
  endpoint_status: StoredEndpoint['status'];
  tenant: string;
  classification: Classification;
  status: IssueStatus;
  first_seen_at: Date;
  last_seen_at: Date;
  attempt_count: number;
  failed_count: number;
  retrying_count: number;
  sample_delivery_id: string;
  /** Of the sample, the newest with this classification; null: it is replaced by a late result. */
  last_attempt: Pick<Attempt, 'http_status' | 'error'> | null;
  acknowledged_at: Date | null;
  acknowledged_by: string | null;
  note: string | null;
}

export interface IssueFilter {
  status: IssueStatus | 'all';
  tenant?: string | undefined;
  endpoint_id?: string | undefined;
}

/** Open deliveries that are looked at for one page. */
const MOST_LOOKED_AT = 20_000;

const CURSOR = /^([tf]) ((?!0000)\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)((?:\.\d{1,6})?\+00) (iss_[0-9a-f]{32})$/;

/** The place that a cursor names; null: it is none. */
export function decodeIssueCursor(cursor: string): string[] | null {
  const [, isOpen, day, time, rest, id] = CURSOR.exec(Buffer.from(cursor, 'base64url').toString()) ?? [];
  const at = Date.parse(`${day}T${time}Z`);
  // Some days that do not exist, such as 30 February, are read as later ones: Postgres would refuse them.
  if (Number.isNaN(at) || !new Date(at).toISOString().startsWith(`${day}T${time}`)) return null;
  return [isOpen!, `${day} ${time}${rest}`, id!];
}

/** Open ones first, the last seen first. `place`: of the last one of the page before. */
export async function listIssues(
  db: Db,
  { status, tenant, endpoint_id: endpointId }: IssueFilter,
  { limit, place }: { limit: number; place: string[] | null },
): Promise<Page<StoredIssue>> {
  const values: unknown[] = [];
  const where: string[] = [];
  const add = (condition: string, ...given: unknown[]) => {
    where.push(condition.replaceAll('?', () => `$${values.push(given.shift())}`));
  };
  if (status !== 'all') add('i.is_open = ?', status === 'open');
  if (tenant !== undefined) add('i.tenant = ?', tenant);
  if (endpointId !== undefined) add('i.endpoint_id = ?', endpointId);
  if (place) add('(i.is_open, i.last_seen_at, i.id) < (?::boolean, ?::timestamptz, ?)', ...place);
  const found = await readIssues(db, where, values, limit + 1);
  const data = found.slice(0, limit);
  const next = found.length > limit ? data.at(-1)!.place : null;
  return {
    data: data.map(({ issue }) => issue),
    next_cursor: next && Buffer.from(next).toString('base64url'),
  };
}

export async function getIssue(db: Db, id: string): Promise<StoredIssue | null> {
  const [found] = await readIssues(db, ['i.id = $1'], [id], 1);
  return found?.issue ?? null;
}

/** Acknowledges an issue, or with null opens it again. Null: there is none. */
export async function markIssue(
  pool: Pool,
  id: string,
  acknowledgement: { note: string | null } | null,
  { actor, note }: { actor: Actor; note: string | null },
): Promise<StoredIssue | null> {
  return transaction(pool, async (db) => {
    await db.query('select from issues where id = $1 for update', [id]);
    const before = await getIssue(db, id);
    if (!before) return null;
    await db.query(
      `update issues set acknowledged_at = case when $2 then now() end, acknowledged_by = case when $2 then $3 end, note = $4
       where id = $1`,
      [id, acknowledgement !== null, actor.name, acknowledgement?.note ?? null],
    );
    const after = (await getIssue(db, id))!;
    const action = acknowledgement ? 'issue.acknowledge' : 'issue.reopen';
    const about = { object: id, tenant: before.tenant, reason: note };
    await audit(db, { actor, action, ...about, before: shown(before), after: shown(after) });
    return after;
  });
}

const shown = ({ endpoint_id, classification, status, acknowledged_at, note }: StoredIssue) => ({
  ...{ endpoint_id, classification, status, acknowledged_at, note },
});

/** Each with its place in the list. */
async function readIssues(
  db: Db,
  where: string[],
  values: unknown[],
  limit: number,
): Promise<{ issue: StoredIssue; place: string }[]> {
  const { rows } = await db.query<StoredIssue & { place: string }>(
    `with page as materialized (
       select i.*, e.url as endpoint_url, e.status as endpoint_status
       from issues i join endpoints e on e.id = i.endpoint_id
       where ${['e.deleted_at is null', '(i.attempt_count > 0 or i.failed_count > 0)', ...where].join(' and ')}
       order by i.is_open desc, i.last_seen_at desc, i.id desc limit ${limit}
     )
     select id, endpoint_id, endpoint_url, endpoint_status, tenant, classification, first_seen_at, last_seen_at,
       case when is_open then 'open' else 'acknowledged' end as status,
       greatest(attempt_count, 0)::float8 as attempt_count, greatest(failed_count, 0)::float8 as failed_count,
       (select count(*)::int from (select last_classification from open_deliveries o
           where o.endpoint_id = page.endpoint_id and o.claimed_by is null
           limit ${Math.ceil(MOST_LOOKED_AT / limit)}) looked_at
         where last_classification = page.classification) as retrying_count,
       sample_delivery_id, acknowledged_at, acknowledged_by, note,
       (select jsonb_build_object('http_status', http_status, 'error', detail->'error') from attempts a
         where a.delivery_id = sample_delivery_id and a.classification = page.classification
         order by number desc limit 1) as last_attempt,
       concat_ws(' ', left(is_open::text, 1), (last_seen_at at time zone 'UTC') || '+00', id) as place
     from page order by is_open desc, last_seen_at desc, id desc`,
    values,
  );
  return rows.map(({ place, ...issue }) => ({ issue, place }));
}
