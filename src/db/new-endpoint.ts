import { audit, type Actor } from './audit.js';
import { insertSecret, type NewSecret } from './endpoint-secrets.js';
import { about, COLUMNS, columnsOf, shown, type EndpointSettings, type StoredEndpoint } from './endpoints.js';
import type { Db } from './pool.js';

export interface NewEndpoint extends EndpointSettings {
  id: string;
  tenant: string;
  enabled: boolean;
  secret: NewSecret;
  /** The confidential values of its settings; null: there are none. */
  sealed_settings: Buffer | null;
  ad_hoc_key: string | null;
}

/** The id that a client has chosen belongs to another endpoint, which may be deleted. */
export class IdTakenError extends Error {}

const UNIQUE_VIOLATION = '23505';

/** Returns an existing ad hoc endpoint with its own secret. Runs in the caller's transaction. */
export async function insertEndpoint(
  db: Db,
  { enabled, secret, ...input }: NewEndpoint,
  actor: Actor,
): Promise<StoredEndpoint> {
  await db.query('insert into tenants (id) values ($1) on conflict do nothing', [input.tenant]);
  const { names, values } = columnsOf({
    ...input,
    signature: secret.signature,
    public_key: secret.public_key,
    status: enabled ? 'enabled' : 'disabled',
    status_reason: enabled ? null : 'manual',
  });
  const { rows } = await db
    .query<StoredEndpoint & { created: boolean }>(
      `insert into endpoints as e (${names.join(', ')}) values (${names.map((_, i) => `$${i + 1}`).join(', ')})
       on conflict (ad_hoc_key) do update set updated_at = now()
       returning ${COLUMNS}, id = $${names.indexOf('id') + 1} as created`,
      values,
    )
    .catch((error: { code?: string; constraint?: string }) => {
      if (error.code !== UNIQUE_VIOLATION || error.constraint !== 'endpoints_pkey') throw error;
      throw new IdTakenError(input.id, { cause: error });
    });
  const { created, ...endpoint } = rows[0]!;
  if (created) {
    await insertSecret(db, endpoint.id, secret);
    await audit(db, { actor, action: 'endpoint.create', ...about(endpoint), after: shown(endpoint) });
  }
  return endpoint;
}
