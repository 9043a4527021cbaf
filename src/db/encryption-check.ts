import type { SecretCipher } from '../lib/secret-cipher.js';
import { transaction, type Db, type Pool } from './pool.js';
import { runningKeyRings } from './processes.js';

/** SQLSTATE of the trigger `sealed_key`: a value is sealed with a key that is not, or no longer, one of the database. */
export const UNKNOWN_KEY = 'SHK01';

const TEXT = 'surehook';
const aboutCheck = (keyId: string) => `encryption_keys:${keyId}`;

interface Known {
  id: string;
  sealed: Buffer;
}

/**
 * Why this ring of keys does not go with the database; null: it does. Every key that values were sealed with must be in
 * the ring and open its check value, unless an operator has given it up as lost.
 */
export async function encryptionFault(db: Db, { keyIds, open }: SecretCipher): Promise<string | null> {
  const { rows } = await db.query<Known>(
    'select id, sealed from encryption_keys where forgotten_at is null order by id',
  );
  const missing = rows.filter(({ id }) => !keyIds.includes(id)).map(({ id }) => id);
  if (missing.length > 0) {
    return (
      `This database has secrets that are encrypted with the key ${missing.join(', ')}, which is not in ` +
      'SUREHOOK_ENCRYPTION_KEYS (by default in DATA_DIR/encryption-key): add it. Keys that are there: ' +
      `${keyIds.join(', ')}. See docs/encryption.md if it is lost.`
    );
  }
  for (const { id, sealed } of rows) {
    try {
      open(sealed, aboutCheck(id));
    } catch {
      return `The check value of the encryption key ${id} cannot be opened with it: it was changed.`;
    }
  }
  return null;
}

/** As `encryptionFault`, for a process that runs: its sealing key may have been rotated away since its start. */
export async function runningEncryptionFault(db: Db, cipher: SecretCipher): Promise<string | null> {
  const fault = await encryptionFault(db, cipher);
  if (fault) return fault;
  const [sealing] = cipher.keyIds;
  const { rows } = await db.query('select from encryption_keys where id = $1 and forgotten_at is null', [
    sealing,
  ]);
  return rows.length > 0
    ? null
    : `The first key of this process, ${sealing}, was rotated away: restart it with the new key first.`;
}

/**
 * Throws where the ring does not go with the database, and stores the check value of the sealing key. Throws also where
 * that key is new and a running process lacks it: roll the transaction back then.
 */
export async function verifyEncryptionKeys(db: Db, cipher: SecretCipher): Promise<void> {
  const fault = await encryptionFault(db, cipher);
  if (fault) throw new Error(fault);
  const id = cipher.keyIds[0]!;
  // Before the processes are read: `requireKeysOfProcess` waits for it.
  const { rowCount } = await db.query(
    `insert into encryption_keys as k (id, sealed) values ($1, $2)
     on conflict (id) do update set sealed = excluded.sealed, forgotten_at = null where k.forgotten_at is not null`,
    [id, cipher.seal(TEXT, aboutCheck(id))],
  );
  if (rowCount === 1) await requireKeyEverywhere(db, id);
}

/** Throws where a running process could not read what a key seals. */
export async function requireKeyEverywhere(db: Db, id: string): Promise<void> {
  const lacking = (await runningKeyRings(db)).filter((keyIds) => !keyIds.includes(id)).length;
  if (lacking === 0) return;
  throw new Error(
    `${lacking} running process(es) cannot read what the key ${id} encrypts: give all of them this key, ` +
      'behind the present ones, and restart them first. A process that was killed counts for 10 seconds.',
  );
}

/**
 * Throws where the keys of this process do not go with the database. Call it after the first heartbeat: those who add or
 * drop a key read the processes after they wrote the key. So they see this process, or it sees their change.
 */
export function requireKeysOfProcess(pool: Pool, cipher: SecretCipher): Promise<void> {
  return transaction(pool, async (db) => {
    // Waits for those who are adding or dropping a key.
    await db.query('lock table encryption_keys in share mode');
    const fault = await runningEncryptionFault(db, cipher);
    if (fault) throw new Error(fault);
  });
}
