import { IDEMPOTENCY_WINDOW_HOURS } from '../domain/event.js';
import { transaction, type Db, type Pool } from './pool.js';

/** The Idempotency-Key of a request that creates something other than an event. */
export interface RequestKey {
  /** Empty if the created object belongs to no tenant. */
  tenant: string;
  route: string;
  key: string;
  /** SHA-256 in hex. */
  requestHash: string;
}

/** A key used within its window: the object it created, or a conflict if the request differs. */
export type KnownKey = { kind: 'known'; id: string } | { kind: 'conflict' };

/** Null if the key is free. */
export async function findKey(
  db: Db,
  { tenant, route, key, requestHash }: RequestKey,
): Promise<KnownKey | null> {
  const { rows } = await db.query<{ object: string; request_hash: string }>(
    `select object, encode(request_hash, 'hex') as request_hash from request_keys
     where tenant = $1 and route = $2 and key = $3
       and accepted_at > now() - interval '${IDEMPOTENCY_WINDOW_HOURS} hours'`,
    [tenant, route, key],
  );
  const [row] = rows;
  if (!row) return null;
  return row.request_hash === requestHash ? { kind: 'known', id: row.object } : { kind: 'conflict' };
}

/**
 * Runs `make` once per key, in one transaction with the key; a second request with the key waits until the first
 * commits. `idOf` returns the id of the created object, or null if none was created and the key stays free. Without a
 * key, `make` always runs.
 */
export async function oncePerKey<T>(
  pool: Pool,
  key: RequestKey | null,
  make: (db: Db) => Promise<T>,
  idOf: (made: T) => string | null,
): Promise<{ kind: 'made'; made: T } | KnownKey> {
  return transaction(pool, async (db) => {
    if (key && !(await claimKey(db, key))) return (await findKey(db, key))!;
    const made = await make(db);
    if (key) await storeKey(db, key, idOf(made));
    return { kind: 'made', made };
  });
}

/** False if the key was used within its window. */
async function claimKey(db: Db, { tenant, route, key, requestHash }: RequestKey): Promise<boolean> {
  const { rowCount } = await db.query(
    `insert into request_keys as k (tenant, route, key, request_hash) values ($1, $2, $3, decode($4, 'hex'))
     on conflict (tenant, route, key) do update
       set request_hash = excluded.request_hash, object = null, accepted_at = excluded.accepted_at
       where k.accepted_at <= excluded.accepted_at - interval '${IDEMPOTENCY_WINDOW_HOURS} hours'`,
    [tenant, route, key, requestHash],
  );
  return rowCount === 1;
}

async function storeKey(db: Db, { tenant, route, key }: RequestKey, id: string | null): Promise<void> {
  const where = 'where tenant = $1 and route = $2 and key = $3';
  if (id === null) await db.query(`delete from request_keys ${where}`, [tenant, route, key]);
  else await db.query(`update request_keys set object = $4 ${where}`, [tenant, route, key, id]);
}
