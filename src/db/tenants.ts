import { audit, type Actor } from './audit.js';
import { endPortalSessions } from './end-portal-sessions.js';
import { lockOutDeliveries } from './make-tenants.js';
import { transaction, type Db, type Pool } from './pool.js';

export interface TenantSettings {
  name: string | null;
  metadata: Record<string, string>;
  /** Null: the default of the configuration. */
  max_endpoints: number | null;
  max_events_per_second: number | null;
}

export interface StoredTenant extends TenantSettings {
  id: string;
  /** Registered endpoints. */
  endpoint_count: number;
  created_at: Date;
  updated_at: Date;
}

export interface TenantDetail extends StoredTenant {
  /** Deliveries that have not ended, counted up to 10,000. */
  open_delivery_count: number;
}

export const REGISTERED = 'deleted_at is null and ad_hoc_key is null';
const COLUMNS = `t.id, name, metadata, max_endpoints, max_events_per_second,
  (select count(*)::int from endpoints where tenant = t.id and ${REGISTERED}) as endpoint_count, created_at, updated_at`;

const MAX_COUNTED = 10_000;
/** SQL: endpoints that deliveries are ready for, one index look-up each. */
const WAITED_FOR = `(with recursive waited as (
    (select endpoint_id as id from open_deliveries where claimed_by is null order by endpoint_id limit 1)
    union all
    select next.id from waited cross join lateral (select endpoint_id as id from open_deliveries
      where claimed_by is null and endpoint_id > waited.id order by endpoint_id limit 1) next
  ) select id from waited)`;

/**
 * SQL: the open deliveries of the tenant $1, at most `limit` of each kind. Claimed ones have no index by endpoint: they are
 * few. A tenant may have any number of endpoints that are deleted, or were made by POST /v1/send: only those are looked at
 * that deliveries are ready for.
 */
const openOf = (limit: number) => {
  const readyOf = (from: string, which: string) => `(select from ${from} cross join lateral (
      select from open_deliveries where endpoint_id = ep.id and claimed_by is null limit ${limit}) o
      where ep.tenant = $1 and ${which} limit ${limit})`;
  const others = `${WAITED_FOR} waited cross join lateral (select * from endpoints where id = waited.id offset 0) ep`;
  return `(select from open_deliveries where claimed_by is not null and tenant = $1
    union all ${readyOf('endpoints ep', REGISTERED)}
    union all ${readyOf(others, '(deleted_at is not null or ad_hoc_key is not null)')})`;
};

export async function getTenant(db: Db, id: string): Promise<TenantDetail | null> {
  const { rows } = await db.query<TenantDetail>(
    `select ${COLUMNS},
       (select least(count(*), ${MAX_COUNTED})::int from ${openOf(MAX_COUNTED)} o) as open_delivery_count
     from tenants t where id = $1`,
    [id],
  );
  return rows[0] ?? null;
}

/** In the order of their ids; `after` is the last id of the page before. `only`: this one alone. */
export async function listTenants(
  db: Db,
  { limit, after, only }: { limit: number; after: string | null; only: string | null },
): Promise<{ data: StoredTenant[]; more: boolean }> {
  const { rows } = await db.query<StoredTenant>(
    `select ${COLUMNS} from tenants t where id > $1 and ($3::text is null or id = $3) order by id limit $2`,
    [after ?? '', limit + 1, only],
  );
  return { data: rows.slice(0, limit), more: rows.length > limit };
}

/** False: there is one already. Runs in the caller's transaction. */
export async function insertTenant(
  db: Db,
  id: string,
  settings: TenantSettings,
  actor: Actor,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into tenants (id, name, metadata, max_endpoints, max_events_per_second) values ($1, $2, $3, $4, $5)
     on conflict do nothing`,
    [id, settings.name, settings.metadata, settings.max_endpoints, settings.max_events_per_second],
  );
  if (rowCount === 0) return false;
  await audit(db, { actor, ...about(id), action: 'tenant.create', after: settings });
  return true;
}

/** Changes the given settings. False: there is no such tenant. */
export async function updateTenant(
  pool: Pool,
  id: string,
  changes: { [K in keyof TenantSettings]?: TenantSettings[K] | undefined },
  actor: Actor,
): Promise<boolean> {
  return transaction(pool, async (db) => {
    const before = await lockTenant(db, id);
    if (!before) return false;
    await audit(db, {
      actor,
      ...about(id),
      action: 'tenant.update',
      before,
      after: { ...before, ...changes },
    });
    // Last: from here to the commit, events of this tenant wait, and those committed with them.
    const columns = Object.keys(changes).map((column, i) => `${column} = $${i + 2}, `);
    await db.query(`update tenants set ${columns.join('')}updated_at = now() where id = $1`, [
      id,
      ...Object.values(changes),
    ]);
    return true;
  });
}

/** Events of the tenant wait for its deletion at most this long. */
const LOCK_MS = 200;
const LOCK_NOT_AVAILABLE = '55P03';

/**
 * 'in_use': it has registered endpoints, open deliveries or API keys, or deliveries are being made. Its portal sessions end. Its
 * history stays, and its next event makes it again.
 */
export async function deleteTenant(
  pool: Pool,
  id: string,
  actor: Actor,
): Promise<'deleted' | 'in_use' | null> {
  // Before the lock, which holds up events.
  if (await isInUse(pool, id)) return 'in_use';
  return transaction(pool, async (db) => {
    await db.query(`set local lock_timeout = ${LOCK_MS}`);
    await lockOutDeliveries(db, id);
    const before = await lockTenant(db, id);
    if (!before) return null;
    if (await isInUse(db, id)) return 'in_use';
    await endPortalSessions(db, id, actor);
    await db.query('delete from tenants where id = $1', [id]);
    await audit(db, { actor, ...about(id), action: 'tenant.delete', before });
    return 'deleted' as const;
  }).catch((error: { code?: string }) => {
    if (error.code === LOCK_NOT_AVAILABLE) return 'in_use';
    throw error;
  });
}

async function isInUse(db: Db, id: string): Promise<boolean> {
  const { rows } = await db.query<{ used: boolean }>(
    `select exists (select from endpoints where tenant = $1 and ${REGISTERED})
       or exists (select from api_keys where tenant = $1 and revoked_at is null and role <> 'portal')
       or exists ${openOf(1)} as used`,
    [id],
  );
  return rows[0]!.used;
}

const about = (id: string) => ({ object: `tenant:${id}`, tenant: id });

/** The settings of a tenant whose row is locked until the transaction ends. */
export async function lockTenant(db: Db, id: string): Promise<TenantSettings | null> {
  const { rows } = await db.query<TenantSettings>(
    `select name, metadata, max_endpoints, max_events_per_second from tenants where id = $1 for no key update`,
    [id],
  );
  return rows[0] ?? null;
}
