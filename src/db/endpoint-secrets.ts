import type { Db } from './pool.js';

export interface SealedSecret {
  id: string;
  sealed: Buffer;
}

/** Newest first. */
export async function listSealedSecrets(db: Db, endpointId: string): Promise<SealedSecret[]> {
  const { rows } = await db.query<SealedSecret>(
    'select id, sealed from endpoint_secrets where endpoint_id = $1 order by id desc',
    [endpointId],
  );
  return rows;
}
