import type { Db } from './pool.js';

/** The tenant whose deliveries a filter is about, for the audit; null: those of any. */
export async function tenantOf(
  db: Db,
  filter: { tenant?: string | undefined; endpoint_id?: string | undefined; event_id?: string | undefined },
): Promise<string | null> {
  const { rows } = await db.query<{ tenant: string | null }>(
    `select coalesce($1::text, (select tenant from endpoints where id = $2),
       (select tenant from events where id = $3)) as tenant`,
    [filter.tenant, filter.endpoint_id, filter.event_id],
  );
  return rows[0]!.tenant;
}
