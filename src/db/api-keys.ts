import type { PortalScope, Role } from '../domain/role.js';
import { newId } from '../lib/ids.js';
import { audit, type Actor } from './audit.js';
import { keepTenant } from './make-tenants.js';
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

/** An API key, or the token of a portal session, which has scopes instead of a role. */
export interface Credential extends Omit<StoredApiKey, 'role'> {
  role: Role | 'portal';
  /** Empty for an API key. */
  scopes: PortalScope[];
  /** The time of `performance.now()` at which it expires: the clock of this machine may be wrong. */
  endsAt: number;
}

/** SQL: tokens of portal sessions are rows of the same table. */
const IS_KEY = `role <> 'portal'`;
const COLUMNS = `id, name, role, tenant, rate_per_second, created_by, created_at, expires_at, last_used_at,
  revoked_at`;
/**
 * SQL, for portal sessions and their tokens: when the API key that made the session was revoked, which ended it; null: it did
 * not. A key that had expired ends no sessions, also when a new one takes its name.
 */
export const makerRevokedAt = (made: 'portal_sessions' | 'api_keys'): string => `
  (select maker.revoked_at from api_keys maker
   where maker.id = ${made}.created_by and maker.revoked_at < ${made}.expires_at
     and maker.revoked_at < coalesce(maker.expires_at, 'infinity'))`;

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

export async function getApiKey(db: Db, id: string): Promise<StoredApiKey | null> {
  const { rows } = await db.query<StoredApiKey>(
    `select ${COLUMNS} from api_keys where id = $1 and ${IS_KEY}`,
    [id],
  );
  return rows[0] ?? null;
}

export const listApiKeys = (
  db: Db,
  filter: { tenant?: string | undefined; role?: string | undefined },
  page: PageQuery,
): Promise<Page<StoredApiKey>> => pageOf(db, `select ${COLUMNS} from api_keys`, { ...filter }, page, 'key');

interface Read {
  given: string;
  maker_revoked_at: Date | null;
  /** Null: it does not expire. */
  left_ms: number | null;
}

/**
 * In the order of the hashes; null where there is no such key. Also tokens of portal sessions: one is revoked as soon as the
 * API key is that made its session.
 */
export async function findApiKeys(db: Db, hashes: string[]): Promise<(Credential | null)[]> {
  const asked = performance.now();
  const { rows } = await db.query<Omit<Credential, 'endsAt'> & Read>({
    name: 'find-api-keys',
    text: `select given, k.* from unnest($1::text[]) given cross join lateral (
        select ${COLUMNS}, coalesce(scopes, '{}') as scopes,
          case when role = 'portal' then ${makerRevokedAt('api_keys')} end as maker_revoked_at,
          extract(epoch from expires_at - now())::float8 * 1000 as left_ms
        from api_keys where hash = decode(given, 'hex') limit 1) k`,
    values: [hashes],
  });
  const found = new Map(
    rows.map(({ given, maker_revoked_at, left_ms, ...key }) => [
      given,
      { ...key, revoked_at: key.revoked_at ?? maker_revoked_at, endsAt: asked + (left_ms ?? Infinity) },
    ]),
  );
  return hashes.map((hash) => found.get(hash) ?? null);
}

/**
 * The revoked key; null: there is none. The portal sessions that it made end: `findApiKeys` reads both. Revoking again
 * changes nothing.
 */
export const revokeApiKey = (pool: Pool, id: string, by: Revoker): Promise<StoredApiKey | null> =>
  transaction(pool, async (db) => (await revoke(db, 'id = $1', id, by)) ?? getApiKey(db, id));

interface Revoker {
  actor: Actor;
  reason: string | null;
}

/** `condition`: of one key at most. Null: no key that is not revoked meets it. */
async function revoke(db: Db, condition: string, value: string, by: Revoker): Promise<StoredApiKey | null> {
  const { rows } = await db.query<StoredApiKey>(
    `update api_keys set revoked_at = now() where ${condition} and ${IS_KEY} and revoked_at is null returning ${COLUMNS}`,
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
