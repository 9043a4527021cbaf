import type { Attempt, Classification, DeliveryStatus } from '../domain/delivery.js';
import { audit, type Actor } from './audit.js';
import { sourcesOf } from './derived-status.js';
import { sentWith, SENT_WITH, type EndpointTarget, type SentRow } from './endpoint-targets.js';
import { IS_CLAIMED, rowOf } from './open-deliveries/columns.js';
import { CONTENT, insertRedelivery, type SentContent } from './open-deliveries/index.js';
import { notify } from './pauses.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import type { Db } from './pool.js';
import { workflowStarted } from './workflow-starts.js';

export interface StoredDelivery {
  id: string;
  event_id: string;
  endpoint_id: string;
  tenant: string;
  event_type: string;
  status: DeliveryStatus;
  status_reason: string | null;
  attempt_count: number;
  max_attempts: number;
  next_attempt_at: Date | null;
  last_classification: Classification | null;
  source_delivery_id: string | null;
  batch_id: string | null;
  workflow_id: string;
  /** Whether its workflow has been started. */
  workflow_started: boolean;
  created_at: Date;
  completed_at: Date | null;
}

/**
 * SQL: the deliveries `d` with the ids of `page`. One look-up by index for each: a join may read the whole view instead, and
 * find out for every open delivery whether it is held.
 */
export const deliveriesOf = (page: string): string =>
  `${page} cross join lateral (select * from all_deliveries where id = page.id offset 0) d`;

const COLUMNS = `d.id, event_id, endpoint_id, tenant, event_type, status, status_reason, attempt_count, max_attempts,
  next_attempt_at, last_classification, source_delivery_id, batch_id, workflow_id,
  ${workflowStarted('d')} as workflow_started, created_at, completed_at`;

export interface DeliveryFilter {
  status?: DeliveryStatus | undefined;
  tenant?: string | undefined;
  endpoint_id?: string | undefined;
  event_id?: string | undefined;
  event_type?: string | undefined;
  last_classification?: string | undefined;
  batch_id?: string | undefined;
}

export async function listDeliveries(
  db: Db,
  filter: DeliveryFilter,
  page: PageQuery,
): Promise<Page<StoredDelivery>> {
  const { status, ...equals } = filter;
  const { tenant, ...others } = equals;
  const { endpoint_id } = others;
  // All deliveries of an endpoint have its tenant: check the tenant once, not in every row.
  const known = tenant !== undefined && endpoint_id !== undefined;
  if (known && !(await isOf(db, endpoint_id, tenant))) return { data: [], next_cursor: null };
  const select = (ids: string) => `select ${COLUMNS} from ${deliveriesOf(ids)}`;
  return pageOf(db, select, { ...(known ? others : equals) }, page, 'del', sourcesOf(status));
}

async function isOf(db: Db, endpointId: string, tenant: string): Promise<boolean> {
  const { rows } = await db.query('select from endpoints where id = $1 and tenant = $2', [
    endpointId,
    tenant,
  ]);
  return rows.length > 0;
}

export type DeliveryWithAttempts = StoredDelivery & { attempts: Attempt[] };

export async function getDelivery(db: Db, id: string): Promise<DeliveryWithAttempts | null> {
  const { rows } = await db.query<DeliveryWithAttempts>(
    `select ${COLUMNS}, coalesce((select json_agg(a.detail order by a.number) from attempts a
       where a.delivery_id = $1), '[]') as attempts
     from all_deliveries d where d.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** Everything an attempt needs besides its claim: the newest endpoint settings apply. `held` also says a pause of its tenant. */
export interface AttemptTarget extends SentContent, EndpointTarget {
  event_id: string;
  event_type: string;
  tenant: string;
  workflow_id: string;
}

/** In the order of the claims; null where the claim is over, or the delivery is to end with it. */
export async function loadAttemptTargets(
  db: Db,
  claims: { id: string; claim: number }[],
): Promise<(AttemptTarget | null)[]> {
  const askedAt = performance.now();
  const { rows } = await db.query<Omit<AttemptTarget, 'secrets'> & SentRow & { id: string }>({
    name: 'load-attempt-targets',
    text: `
      select d.id, d.event_id, d.event_type, d.tenant, d.workflow_id, ${CONTENT},
        held_reason(d.tenant, d.endpoint_id) as held, ${SENT_WITH}
      from unnest($1::text[], $2::int[]) as c (id, claim)
        cross join ${rowOf('open_deliveries', 'c.id')} d
        cross join ${rowOf('events', 'd.event_id')} e
        cross join ${rowOf('endpoints', 'd.endpoint_id')} ep
      where d.claim = c.claim and d.${IS_CLAIMED} and d.end_status is null`,
    values: [claims.map(({ id }) => id), claims.map(({ claim }) => claim)],
  });
  const found = new Map(rows.map((row) => [row.id, sentWith(row, askedAt)]));
  return claims.map(({ id }) => found.get(id) ?? null);
}

/** A delivery as the activity of its workflow sees it. */
export type Progress = Pick<
  StoredDelivery,
  'id' | 'status' | 'status_reason' | 'attempt_count' | 'max_attempts'
> & {
  attempts: Attempt[];
  /** Null: it has ended. */
  open: {
    claimed_by: string | null;
    run_by: 'workflow' | 'queue';
    wait_ms: number;
    is_held: boolean;
  } | null;
};

/** Null: there is no such delivery. `wait_ms`: until its claim ends, or until its next attempt is due. */
export async function readProgress(db: Db, id: string): Promise<Progress | null> {
  const { rows } = await db.query<Progress>({
    name: 'read-progress',
    text: `
      select d.id, d.status, d.status_reason, d.attempt_count, d.max_attempts,
        coalesce((select json_agg(a.detail order by a.number) from attempts a where a.delivery_id = $1), '[]') as attempts,
        (select json_build_object('claimed_by', o.claimed_by, 'run_by', o.run_by, 'is_held', d.status = 'HELD', 'wait_ms', greatest(0, ceil(
          extract(epoch from coalesce(o.claim_until, o.run_at) - now()) * 1000))) from open_deliveries o where o.id = $1)
          as open
      from all_deliveries d where d.id = $1`,
    values: [id],
  });
  return rows[0] ?? null;
}

/**
 * Creates a new delivery of the same event to the same endpoint, because an ended delivery never changes. If one is
 * open, from an earlier call or a replay batch, returns that one; null if the endpoint is deleted. Runs in the caller's
 * transaction.
 */
export async function redeliver(
  db: Db,
  source: StoredDelivery,
  {
    actor,
    reason,
    ...options
  }: { actor: Actor; reason: string | null; maxAttempts: number; workflow: boolean },
): Promise<DeliveryWithAttempts | null> {
  // A replay batch takes the same lock, so that only one of the two redelivers the event.
  await db.query('select from events where id = $1 for no key update', [source.event_id]);
  const { event_id, endpoint_id, tenant, event_type } = source;
  const { rows: open } = await db.query<{ id: string }>(
    'select id from open_deliveries where event_id = $1 and endpoint_id = $2',
    [event_id, endpoint_id],
  );
  if (open[0]) return getDelivery(db, open[0].id);
  const { rows } = await db.query<{ id: string }>(
    `select new_id('del', now()) as id from endpoints where id = $1 and deleted_at is null`,
    [endpoint_id],
  );
  const id = rows[0]?.id;
  if (id === undefined) return null;
  const about = { event_id, endpoint_id, tenant, event_type, source_delivery_id: source.id, batch_id: null };
  await insertRedelivery(db, [{ id, ...about, workflow_id: `redeliver:${id}` }], options);
  const before = { id: source.id, status: source.status, completed_at: source.completed_at };
  await audit(db, {
    ...{ actor, action: 'delivery.retry', object: source.id, tenant, reason },
    ...{ before, after: { id, status: 'PENDING', source_delivery_id: source.id } },
  });
  await notify(db);
  return getDelivery(db, id);
}
