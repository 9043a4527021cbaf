import type { Db } from './pool.js';

/** Seals and opens secrets; `open` throws if another key sealed the value. */
interface Box {
  seal(secret: string): Buffer;
  open(sealed: Buffer): string;
}

const TEXT = 'surehook';

/**
 * Rejects a key other than the one this database's secrets are sealed with, and stores a check value if there is none.
 * Without a check value, as before an upgrade, the newest secret is tested instead.
 */
export async function verifyEncryptionKey(db: Db, box: Box): Promise<void> {
  const { rows } = await db.query<{ sealed: Buffer | null }>(
    `select coalesce(
       (select sealed from encryption_check),
       (select sealed from endpoint_secrets order by id desc limit 1)
     ) as sealed`,
  );
  const sealed = rows[0]?.sealed;
  if (sealed) {
    try {
      box.open(sealed);
    } catch (error) {
      throw new Error(
        "SUREHOOK_ENCRYPTION_KEY is not the key that this database's secrets are encrypted with; start with that key, by default in DATA_DIR/encryption-key.",
        { cause: error },
      );
    }
  }
  await db.query('insert into encryption_check (sealed) values ($1) on conflict do nothing', [
    box.seal(TEXT),
  ]);
}
