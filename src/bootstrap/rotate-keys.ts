import { requireKeyEverywhere, verifyEncryptionKeys } from '../db/encryption-check.js';
import { migrate } from '../db/migrate.js';
import { createPool, transaction, type Db, type Pool } from '../db/pool.js';
import { runningKeyRings } from '../db/processes.js';
import { dropUnusedKey, forgetKey, listKeyIds, resealAll, type Resealed } from '../db/rotate-keys.js';
import { createSecretCipher, type SecretCipher } from '../lib/secret-cipher.js';

/** Rows named in a line. */
const LISTED = 10;

/**
 * Encrypts every secret again with the first key, and drops the older keys that nothing needs any more. Returns lines for
 * the operator. `forget`: the id of a lost key.
 */
export async function rotateKeys(options: {
  databaseUrl: string;
  keys: string[];
  forget: string | null;
}): Promise<string[]> {
  const { databaseUrl, keys, forget } = options;
  const cipher = createSecretCipher(keys);
  await migrate(databaseUrl);
  const pool = createPool(databaseUrl, 1);
  try {
    // A refusal rolls everything back.
    await transaction(pool, (db) => prepare(db, cipher, forget));
    const resealed = await resealAll(pool, cipher);
    return [
      ...(forget === null
        ? []
        : [`Key ${forget} is given up: secrets that are encrypted with it stay unreadable.`]),
      `${resealed.resealed} secret(s) encrypted again, with the key ${cipher.keyIds[0]}.`,
      ...unreadableLines(resealed),
      ...(await dropOldKeys(pool, cipher.keyIds[0]!, resealed)),
    ];
  } finally {
    await pool.end();
  }
}

/** Throws where the rotation must not begin. */
async function prepare(db: Db, cipher: SecretCipher, forget: string | null): Promise<void> {
  const running = (await runningKeyRings(db)).flat();
  if (forget !== null) {
    if (cipher.keyIds.includes(forget))
      throw new Error(`The key ${forget} is in SUREHOOK_ENCRYPTION_KEYS: it is not lost.`);
    if (running.includes(forget)) throw new Error(`A running process has the key ${forget}: it is not lost.`);
    const known = await forgetKey(db, forget);
    if (!known) throw new Error(`${forget} is not the id of a key that this database knows.`);
  }
  // A key that was put first by mistake and sealed nothing.
  for (const id of await listKeyIds(db))
    if (!cipher.keyIds.includes(id) && !running.includes(id)) await dropUnusedKey(db, id);
  await verifyEncryptionKeys(db, cipher);
  await requireKeyEverywhere(db, cipher.keyIds[0]!);
}

const unreadableLines = ({ unreadable }: Resealed): string[] =>
  [...unreadable].map(
    ([id, rows]) =>
      `${rows.length} secret(s) are encrypted with the key ${id} and cannot be read: ${rows.slice(0, LISTED).join(', ')}` +
      `${rows.length > LISTED ? ' …' : ''}. They are left as they are: give their endpoints new ones.`,
  );

/** Drops the keys that nothing needs, and says of each other one why it stays. */
async function dropOldKeys(pool: Pool, first: string, { unreadable }: Resealed): Promise<string[]> {
  const lines: string[] = [];
  for (const id of await listKeyIds(pool)) {
    if (id === first) continue;
    if (await transaction(pool, (db) => dropUnusedKey(db, id))) {
      lines.push(`Key ${id} may be removed from SUREHOOK_ENCRYPTION_KEYS.`);
      continue;
    }
    const isSealing = (await runningKeyRings(pool)).some(([sealing]) => sealing === id);
    lines.push(
      isSealing
        ? `Key ${id} is still in use: a running process encrypts with it. Put ${first} first there, restart it, and run this again.`
        : unreadable.has(id)
          ? `Key ${id} stays: secrets that are encrypted with it cannot be read. Run this again when their endpoints have new ones.`
          : `Key ${id} is still in use. Run this again.`,
    );
  }
  return lines;
}
