import { transaction, type Db, type Pool } from '../pool.js';
import { DEAD } from '../processes.js';
import { LEASE_MS } from './claim.js';
import { writeAttempts, type AttemptRecord } from './record.js';

/** A process that has shown since that it lives may have made new claims. */
const DIED = `claimed_by = any($2)
  and not exists (select from processes p where p.id = claimed_by and p.alive_at > now() - ${DEAD})`;

/** A delivery whose claim ended without a record. */
export interface LostClaim {
  id: string;
  claim: number;
  attempt_count: number;
  max_attempts: number;
}

/**
 * Ends the claims of dead processes, or where none is given those past their time, each with the record that `lost` makes
 * of it. Returns how many.
 */
export function endLostClaims(
  pool: Pool,
  { dead, limit, startsOpen = false }: { dead: string[] | null; limit: number; startsOpen?: boolean },
  lost: (delivery: LostClaim) => AttemptRecord,
): Promise<number> {
  return transaction(pool, async (db) => {
    const { rows } = await db.query<LostClaim>(
      `select id, claim, attempt_count, max_attempts from open_deliveries
       where claimed_by is not null and ${dead ? DIED : '$2::text is null and claim_until <= now()'}
       order by claim_until limit $1 for update skip locked`,
      [limit, dead],
    );
    if (rows.length > 0) await writeAttempts(db, rows.map(lost), startsOpen);
    return rows.length;
  });
}

/** Claims that a process has had for longer than `ms`. */
export async function claimsOlderThan(
  db: Db,
  process: string,
  ms: number,
): Promise<{ id: string; claim: number }[]> {
  const { rows } = await db.query<{ id: string; claim: number }>({
    name: 'claims-older-than',
    text: `
      select id, claim from open_deliveries
      where claimed_by = $1 and claim_until < now() + (${LEASE_MS} - $2) * interval '1 millisecond'`,
    values: [process, ms],
  });
  return rows;
}
