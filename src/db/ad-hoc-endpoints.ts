import type { Actor } from './audit.js';
import { insertEndpoint, type NewEndpoint } from './new-endpoint.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Ad hoc endpoints, of POST /v1/send, are deleted when they had no event for this long. */
const IDLE = `interval '30 days'`;
/** `updated_at` shows the last use to this, so that most uses write nothing. */
const NOTED = `interval '1 day'`;

/** Returns the id of the ad hoc endpoint of this key, and makes it if there is none. */
export async function useAdHocEndpoint(
  pool: Pool,
  input: NewEndpoint & { ad_hoc_key: string },
  actor: Actor,
): Promise<string> {
  const { rows } = await pool.query<{ id: string }>(
    `select id from endpoints where ad_hoc_key = $1 and updated_at > now() - ${NOTED}`,
    [input.ad_hoc_key],
  );
  if (rows[0]) return rows[0].id;
  return (await transaction(pool, (db) => insertEndpoint(db, input, actor))).id;
}

/**
 * Deletes ad hoc endpoints that had no event for 30 days and have no open delivery: a later POST /v1/send to the same URL
 * makes a new one. Returns how many, at most `limit`.
 */
export async function forgetAdHocEndpoints(db: Db, limit: number): Promise<number> {
  const { rowCount } = await db.query(
    `with idle as (
       select id from endpoints ep
       where ad_hoc_key is not null and updated_at < now() - ${IDLE}
         and not exists (select from open_deliveries o where o.endpoint_id = ep.id and o.claimed_by is null)
         -- Read once: claimed deliveries have no index by endpoint.
         and id <> all(array(select endpoint_id from open_deliveries where claimed_by is not null))
       order by updated_at limit $1
     ), forgotten as (
       update endpoints ep set deleted_at = now(), updated_at = now(), ad_hoc_key = null, sealed_settings = null from idle
       -- Checked again: it may have been used while this statement waited for its row.
       where ep.id = idle.id and ad_hoc_key is not null and ep.updated_at < now() - ${IDLE}
       returning ep.id, ep.tenant, ep.status, ep.created_at
     ), secrets as (
       delete from endpoint_secrets using forgotten where endpoint_id = forgotten.id
     )
     insert into audit (id, actor, action, object, tenant, reason, before)
     select new_id('aud', now()), 'surehook', 'endpoint.delete', id, tenant, 'no event for 30 days',
       json_build_object('id', id, 'tenant', tenant, 'status', status, 'created_at', created_at) from forgotten`,
    [limit],
  );
  return rowCount ?? 0;
}
