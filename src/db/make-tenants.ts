import type { Db } from './pool.js';

/** First number of the advisory locks of tenants; the second one is the tenant's share of `LOCKS`. */
const TENANT_LOCKS = 1;
/** Postgres has room for some thousands of locks in all: a commit with many tenants takes no more than these. */
const LOCKS = 64;
const lockOf = (tenant: string) => `(hashtext(${tenant}) & ${LOCKS - 1})`;

/**
 * SQL, for a statement that makes deliveries: makes the missing tenants of `from`, a relation with the column `tenant`. The
 * locks make the deletion of a tenant wait for the commit, in one order: two statements wait for each other, never both.
 */
export const makeTenants = (from: string): string => `insert into tenants (id)
    select tenant from (select distinct tenant, ${lockOf('tenant')} as lock from ${from} order by lock) of_rows
      cross join lateral pg_advisory_xact_lock_shared(${TENANT_LOCKS}, lock)
    order by tenant collate "C" on conflict do nothing`;

/** Waits for those who are making deliveries of a tenant; others wait until the transaction ends. */
export async function lockOutDeliveries(db: Db, tenant: string): Promise<void> {
  await db.query(`select pg_advisory_xact_lock(${TENANT_LOCKS}, ${lockOf('$1')})`, [tenant]);
}

/** Makes the tenant where there is none, and keeps it from being deleted until the transaction ends. */
export async function keepTenant(db: Db, tenant: string): Promise<void> {
  let isKept = false;
  // Again where it was deleted between the two statements.
  while (!isKept) {
    await db.query('insert into tenants (id) values ($1) on conflict do nothing', [tenant]);
    const { rowCount } = await db.query('select from tenants where id = $1 for share', [tenant]);
    isKept = rowCount === 1;
  }
}
