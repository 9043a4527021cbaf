import type { Db } from './pool.js';
import { lockTenant, REGISTERED, type TenantSettings } from './tenants.js';

/** The tenant has as many endpoints as it may have. */
export class QuotaExceededError extends Error {}

/**
 * Throws a QuotaExceededError unless the tenant may have one more registered endpoint; makes the tenant where there is
 * none. In the transaction that registers the endpoint: its lock lets one at a time count and insert.
 */
export async function requireEndpointRoom(db: Db, tenant: string, defaultMax: number | null): Promise<void> {
  let settings: TenantSettings | null = null;
  // Again where it was deleted between the two statements.
  while (!settings) {
    await db.query('insert into tenants (id) values ($1) on conflict do nothing', [tenant]);
    settings = await lockTenant(db, tenant);
  }
  const max = settings.max_endpoints ?? defaultMax;
  if (max === null) return;
  const { rows } = await db.query<{ count: number }>(
    `select count(*)::int from (select from endpoints where tenant = $1 and ${REGISTERED} limit $2) counted`,
    [tenant, max],
  );
  if (rows[0]!.count >= max) throw new QuotaExceededError(`It may have ${max} endpoints, and has as many.`);
}

/** Rates of the tenants that have their own: of all, or of those among `ids`. */
export async function listEventRates(
  db: Db,
  ids: string[] | null,
): Promise<{ id: string; max_events_per_second: number }[]> {
  const { rows } = await db.query<{ id: string; max_events_per_second: number }>(
    `select id, max_events_per_second from tenants
     where max_events_per_second is not null${ids ? ' and id = any($1)' : ''}`,
    ids ? [ids] : [],
  );
  return rows;
}
