import { createHmac, randomBytes } from 'node:crypto';
import { UnreadableSecretError, type SecretCipher } from '../lib/secret-cipher.js';
import type { Db } from './pool.js';
import { aboutSealed, DIGEST_KEY } from './sealed-columns.js';

/**
 * HMAC of a text that holds credentials, to compare it with later ones: a plain hash would let the reader of a backup
 * guess passwords. All processes share the key, which no rotation changes.
 */
export type KeyedDigest = (text: string) => Promise<string>;

type Cipher = Pick<SecretCipher, 'seal' | 'open'>;

const KEY_BYTES = 32;
/** The only row. */
const ROW = 'requests';
const ABOUT = aboutSealed(DIGEST_KEY, ROW);

/** The key is read, or made, at the first use. */
export function createKeyedDigest(db: Db, cipher: Cipher): KeyedDigest {
  let reading: Promise<string> | null = null;
  return async function keyedDigest(text) {
    reading ??= readOrMake(db, cipher).catch((error: unknown) => {
      reading = null;
      throw error;
    });
    return createHmac('sha256', await reading)
      .update(text)
      .digest('base64url');
  };
}

async function readOrMake(db: Db, cipher: Cipher): Promise<string> {
  try {
    const key = await read(db, cipher);
    if (key !== null) return key;
  } catch (error) {
    if (!(error instanceof UnreadableSecretError)) throw error;
  }
  const key = randomBytes(KEY_BYTES).toString('base64');
  // One whose encryption key was given up is replaced: the digests made with it match no longer.
  await db.query(
    `insert into digest_keys as d (id, sealed) values ($1, $2) on conflict (id) do update set sealed = excluded.sealed
     where exists (select from encryption_keys k where k.id = key_of(d.sealed) and k.forgotten_at is not null)`,
    [ROW, cipher.seal(key, ABOUT)],
  );
  // Another process may have been first.
  return (await read(db, cipher))!;
}

/** Null: there is none yet. Throws an UnreadableSecretError. */
async function read(db: Db, cipher: Cipher): Promise<string | null> {
  const { rows } = await db.query<{ sealed: Buffer }>('select sealed from digest_keys where id = $1', [ROW]);
  return rows[0] ? cipher.open(rows[0].sealed, ABOUT) : null;
}
