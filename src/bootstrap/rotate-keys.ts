import { verifyEncryptionKeys } from '../db/encryption-check.js';
import { migrate } from '../db/migrate.js';
import { createPool } from '../db/pool.js';
import { dropUnusedKey, forgetKey, listKeyIds, processesWithout, resealAll } from '../db/rotate-keys.js';
import { createSecretCipher } from '../lib/secret-cipher.js';

/** Rows named in a line. */
const LISTED = 10;

/**
 * Encrypts every secret again with the first key, and forgets the older ones that nothing needs any more. Returns what to
 * tell the operator. `forget`: the id of a lost key.
 */
export async function rotateKeys(options: {
  databaseUrl: string;
  keys: string[];
  forget: string | null;
}): Promise<string[]> {
  const cipher = createSecretCipher(options.keys);
  const first = cipher.keyIds[0]!;
  await migrate(options.databaseUrl);
  const pool = createPool(options.databaseUrl, 1);
  try {
    const lines: string[] = [];
    if (options.forget !== null) {
      const known = await forgetKey(pool, options.forget);
      if (!known) throw new Error(`${options.forget} is not the id of a key that this database knows.`);
      lines.push(`Key ${options.forget} is given up: secrets that are encrypted with it stay unreadable.`);
    }
    // One that was set by mistake, and sealed nothing.
    for (const id of await listKeyIds(pool)) if (!cipher.keyIds.includes(id)) await dropUnusedKey(pool, id);
    const before = await processesWithout(pool, first);
    if (before.withoutIt > 0)
      throw new Error(
        `${before.withoutIt} running process(es) cannot read what the key ${first} encrypts: give all of them this key, ` +
          'behind the present ones, and restart them first.',
      );
    await verifyEncryptionKeys(pool, cipher);

    const { resealed, unreadable } = await resealAll(pool, cipher);
    lines.push(`${resealed} secret(s) encrypted again, with the key ${first}.`);
    for (const [id, rows] of unreadable)
      lines.push(
        `${rows.length} secret(s) are encrypted with the key ${id} and cannot be read: ${rows.slice(0, LISTED).join(', ')}` +
          `${rows.length > LISTED ? ' …' : ''}. They are left as they are: give their endpoints new ones.`,
      );
    const { sealingWithOther: busy } = await processesWithout(pool, first);
    for (const id of await listKeyIds(pool)) {
      if (id === first || unreadable.has(id)) continue;
      lines.push(
        busy.includes(id)
          ? `Key ${id} is still in use: a running process encrypts with it. Put ${first} first there, restart it, and run this again.`
          : (await dropUnusedKey(pool, id))
            ? `Key ${id} may be removed from SUREHOOK_ENCRYPTION_KEYS.`
            : `Key ${id} is still in use. Run this again.`,
      );
    }
    return lines;
  } finally {
    await pool.end();
  }
}
