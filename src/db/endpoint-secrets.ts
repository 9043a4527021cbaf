import { MAX_LIVE_SECRETS, type Signature } from '../domain/endpoint.js';
import { audit, type Actor } from './audit.js';
import { getEndpoint, type By, type StoredEndpoint } from './endpoints.js';
import type { Db } from './pool.js';

export interface StoredSecret {
  id: string;
  sealed: Buffer;
  created_at: Date;
  /** When it stops signing; null: the newest, which does not. */
  expires_at: Date | null;
}

export interface NewSecret {
  id: string;
  sealed: Buffer;
  signature: Signature;
  public_key: string | null;
}

/** Secrets that sign, newest first. */
export async function listLiveSecrets(db: Db, endpointId: string): Promise<StoredSecret[]> {
  const { rows } = await db.query<StoredSecret>(
    `select id, sealed, created_at, expires_at from endpoint_secrets
     where endpoint_id = $1 and (expires_at is null or expires_at > now())
     order by expires_at desc nulls first, id desc`,
    [endpointId],
  );
  return rows;
}

/** The same for a person who may see them: the reading is audited. Empty: no such endpoint. */
export async function readSecrets(db: Db, endpointId: string, actor: Actor): Promise<StoredSecret[]> {
  const endpoint = await getEndpoint(db, endpointId);
  if (!endpoint) return [];
  const { tenant } = endpoint;
  await audit(db, { actor, action: 'endpoint.read_secret', object: endpointId, tenant });
  return listLiveSecrets(db, endpointId);
}

export async function insertSecret(
  db: Db,
  endpointId: string,
  { id, sealed }: Pick<NewSecret, 'id' | 'sealed'>,
): Promise<void> {
  await db.query('insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, $3)', [
    id,
    endpointId,
    sealed,
  ]);
}

/**
 * Makes a secret the newest one; those before sign for `overlapSeconds` more, or until their earlier end. Runs in the
 * caller's transaction. `secretFor` makes the secret for the endpoint whose row is locked, or throws. Null: no such endpoint. 'full': as many secrets are live as may be.
 */
export async function rotateSecret(
  db: Db,
  endpointId: string,
  { secretFor, overlapSeconds }: { secretFor: (locked: StoredEndpoint) => NewSecret; overlapSeconds: number },
  by: By,
): Promise<{ secretId: string } | 'full' | null> {
  const before = await getEndpoint(db, endpointId, 'for update');
  if (!before) return null;
  const live = await listLiveSecrets(db, endpointId);
  if (overlapSeconds > 0 && live.length >= MAX_LIVE_SECRETS) return 'full';
  const secret = secretFor(before);
  await db.query(
    `update endpoint_secrets set expires_at = least(expires_at, now() + $2 * interval '1 second') where endpoint_id = $1`,
    [endpointId, overlapSeconds],
  );
  // Keep no secret that signs nothing: a leaked backup would expose it.
  await db.query('delete from endpoint_secrets where endpoint_id = $1 and expires_at <= now()', [endpointId]);
  await insertSecret(db, endpointId, secret);
  const { signature, public_key } = secret;
  await db.query('update endpoints set signature = $2, public_key = $3, updated_at = now() where id = $1', [
    endpointId,
    signature,
    public_key,
  ]);
  const kept = (await listLiveSecrets(db, endpointId)).map(({ id, expires_at }) => ({ id, expires_at }));
  await audit(db, {
    ...by,
    object: endpointId,
    tenant: before.tenant,
    before: { signature: before.signature, public_key: before.public_key },
    after: { signature, public_key, secrets: kept },
  });
  return { secretId: secret.id };
}
