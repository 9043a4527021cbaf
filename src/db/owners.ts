import type { Db } from './pool.js';

/** Objects that belong to a tenant, by the prefix of their ids: their table, and the column of their owner. */
const SOURCES = {
  ep: 'tenant from endpoints',
  evt: 'tenant from events',
  del: 'tenant from all_deliveries',
  // A batch of a key above tenants may name deliveries of others, whatever tenant it is about.
  bat: 'key_tenant as tenant from batches',
  iss: 'tenant from issues',
  pos: 'tenant from portal_sessions',
} as const;

export type OwnedPrefix = keyof typeof SOURCES;

export const isOwned = (prefix: string): prefix is OwnedPrefix => prefix in SOURCES;

/** The tenant that an object belongs to; null: there is none, or it belongs to no tenant. */
export async function ownerOf(db: Db, prefix: OwnedPrefix, id: string): Promise<string | null> {
  const { rows } = await db.query<{ tenant: string | null }>(`select ${SOURCES[prefix]} where id = $1`, [id]);
  return rows[0]?.tenant ?? null;
}
