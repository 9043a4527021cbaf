import type pg from 'pg';
import { aboutSealed, ENDPOINT_SECRET } from '../../src/db/sealed-columns.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { newId } from '../../src/lib/ids.js';
import { ENCRYPTION_KEY } from './service.js';

/** Copies an endpoint of a test service, with the same secret sealed for each copy. `ownPath`: each URL ends with a number. */
export async function copyEndpoint(
  db: Pick<pg.Pool, 'query'>,
  id: string,
  count: number,
  over: { types?: string[]; status?: string; ownPath?: boolean } = {},
): Promise<void> {
  const cipher = createSecretCipher([ENCRYPTION_KEY]);
  const { rows: secrets } = await db.query<{ id: string; sealed: Buffer }>(
    'select id, sealed from endpoint_secrets where endpoint_id = $1',
    [id],
  );
  const secret = cipher.open(secrets[0]!.sealed, aboutSealed(ENDPOINT_SECRET, secrets[0]!.id));
  const { rows } = await db.query<{ id: string }>(
    `insert into endpoints (id, tenant, url, event_types, timeout_ms, status)
     select new_id('ep', now()), tenant, url || case when $3 then '/' || n else '' end, coalesce($4, event_types),
       timeout_ms, coalesce($5, status)
     from endpoints, generate_series(1, $2::int) n where id = $1 returning id`,
    [id, count, over.ownPath ?? false, over.types, over.status],
  );
  const ids = rows.map(() => newId('sec'));
  await db.query(
    `insert into endpoint_secrets (id, endpoint_id, sealed)
     select * from unnest($1::text[], $2::text[], $3::bytea[])`,
    [
      ids,
      rows.map((row) => row.id),
      ids.map((secretId) => cipher.seal(secret, aboutSealed(ENDPOINT_SECRET, secretId))),
    ],
  );
}
