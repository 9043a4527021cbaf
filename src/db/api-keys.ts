import type { Role } from '../domain/role.js';
import { newId } from '../lib/ids.js';
import { audit, type Actor } from './audit.js';
import { pageOf, type Page, type PageQuery } from './pagination.js';
import { transaction, type Db, type Pool } from './pool.js';

/** Channel that tells every process the id of a changed API key; a trigger sends it. */
export const API_KEY_CHANNEL = 'surehook_api_key';

export interface NewApiKey {
  name: string;
  role: Role;
  /** The only tenant that the key sees; null: all of them. */
  tenant: string | null;
  /** Requests; null: no limit. */
  rate_per_second: number | null;
  expires_at: Date | null;
}

export interface StoredApiKey extends NewApiKey {
  id: string;
  created_by: string;
  created_at: Date;
  /** To the minute. */
  last_used_at: Date | null;
  revoked_at: Date | null;
}

const COLUMNS = `id, name, role, tenant, rate_per_second, created_by, created_at, expires_at, last_used_at,
  revoked_at`;

/**
 * `hash`: SHA-256 in hex. 'name_taken': a key with this name is neither revoked nor expired. Runs in the caller's
 * transaction.
 */
export async function insertApiKey(
  db: Db,
  { name, role, tenant, rate_per_second, expires_at }: NewApiKey,
  hash: string,
  actor: Actor,
): Promise<StoredApiKey | 'name_taken'> {
  if (tenant !== null) await keepTenant(db, tenant);
  // Names are unique among keys that are not revoked: an index cannot know the time.
  await revoke(db, 'name = $1 and expires_at <= now()', name, {
    actor,
    reason: 'It has expired, and a new key takes its name.',
  });
  const { rows } = await db.query<StoredApiKey>(
    `insert into api_keys (id, name, hash, role, tenant, rate_per_second, expires_at, created_by)
     values ($1, $2, decode($3, 'hex'), $4, $5, $6, $7, $8)
     on conflict (name) where revoked_at is null do nothing returning ${COLUMNS}`,
    [newId('key'), name, hash, role, tenant, rate_per_second, expires_at, actor.name],
  );
  const [key] = rows;
  if (!key) return 'name_taken';
  await audit(db, { actor, action: 'api_key.create', object: key.id, tenant: null, after: key });
  return key;
}

/** Makes the tenant where there is none, and keeps it from being deleted until the transaction ends. */
async function keepTenant(db: Db, tenant: string): Promise<void> {
  let isKept = false;
  // Again where it was deleted between the two statements.
  while (!isKept) {
    await db.query('insert into tenants (id) values ($1) on conflict do nothing', [tenant]);
    const { rowCount } = await db.query('select from tenants where id = $1 for share', [tenant]);
    isKept = rowCount === 1;
  }
}

export async function getApiKey(db: Db, id: string): Promise<StoredApiKey | null> {
  const { rows } = await db.query<StoredApiKey>(`select ${COLUMNS} from api_keys where id = $1`, [id]);
  return rows[0] ?? null;
}

export const listApiKeys = (
  db: Db,
  filter: { tenant?: string | undefined; role?: string | undefined },
  page: PageQuery,
): Promise<Page<StoredApiKey>> => pageOf(db, `select ${COLUMNS} from api_keys`, { ...filter }, page, 'key');

/** In the order of the hashes; null where there is no such key. */
export async function findApiKeys(db: Db, hashes: string[]): Promise<(StoredApiKey | null)[]> {
  const { rows } = await db.query<StoredApiKey & { given: string }>({
    name: 'find-api-keys',
    text: `select given, ${COLUMNS} from unnest($1::text[]) given
      cross join lateral (select * from api_keys where hash = decode(given, 'hex') limit 1) k`,
    values: [hashes],
  });
  const found = new Map(rows.map(({ given, ...key }) => [given, key]));
  return hashes.map((hash) => found.get(hash) ?? null);
}

/** The revoked key; null: there is none. Revoking again changes nothing. */
export const revokeApiKey = (pool: Pool, id: string, by: Revoker): Promise<StoredApiKey | null> =>
  transaction(pool, async (db) => (await revoke(db, 'id = $1', id, by)) ?? getApiKey(db, id));

interface Revoker {
  actor: Actor;
  reason: string | null;
}

/** `condition`: of one key at most. Null: no key that is not revoked meets it. */
async function revoke(db: Db, condition: string, value: string, by: Revoker): Promise<StoredApiKey | null> {
  const { rows } = await db.query<StoredApiKey>(
    `update api_keys set revoked_at = now() where ${condition} and revoked_at is null returning ${COLUMNS}`,
    [value],
  );
  const [key] = rows;
  if (!key) return null;
  const before = { ...key, revoked_at: null };
  await audit(db, { ...by, action: 'api_key.revoke', object: key.id, tenant: null, before, after: key });
  return key;
}

/** Writes when keys were last used, at most once a minute for each, however many processes report it. */
export async function recordKeyUse(db: Db, used: ReadonlyMap<string, Date>): Promise<void> {
  await db.query(
    `update api_keys k set last_used_at = used.at from unnest($1::text[], $2::timestamptz[]) used (id, at)
     where k.id = used.id and (k.last_used_at is null or k.last_used_at <= used.at - interval '1 minute')`,
    [[...used.keys()], [...used.values()]],
  );
}
