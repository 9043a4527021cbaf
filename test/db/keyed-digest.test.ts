import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { verifyEncryptionKeys } from '../../src/db/encryption-check.js';
import { createKeyedDigest } from '../../src/db/keyed-digest.js';
import { migrate } from '../../src/db/migrate.js';
import { transaction } from '../../src/db/pool.js';
import { dropUnusedKey, forgetKey, resealAll } from '../../src/db/rotate-keys.js';
import { createSecretCipher, UnreadableSecretError } from '../../src/lib/secret-cipher.js';
import { createDatabase } from '../support/database.js';

const [OLD, NEW] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];
const [old, both, fresh] = [[OLD], [NEW, OLD], [NEW]].map(createSecretCipher) as [Cipher, Cipher, Cipher];
type Cipher = ReturnType<typeof createSecretCipher>;

let pool: pg.Pool;
beforeAll(async () => {
  const url = await createDatabase(`digest_${randomBytes(6).toString('hex')}`);
  await migrate(url);
  pool = new pg.Pool({ connectionString: url, max: 4 });
});
afterAll(() => pool.end());
beforeEach(async () => {
  await pool.query('delete from digest_keys; delete from encryption_keys');
  await verifyEncryptionKeys(pool, old);
});

test('processes that begin at the same time agree, and another database has other digests', async () => {
  const many = Array.from({ length: 8 }, () => createKeyedDigest(pool, old)('password'));
  const digests = new Set(await Promise.all(many));
  expect(digests.size).toBe(1);
  expect(await createKeyedDigest(pool, old)('passwore')).not.toBe([...digests][0]);
  await pool.query('delete from digest_keys');
  expect(digests).not.toContain(await createKeyedDigest(pool, old)('password'));
});

test('a rotation of encryption keys changes no digest', async () => {
  const before = await createKeyedDigest(pool, old)('password');
  await verifyEncryptionKeys(pool, both);
  const dropOld = () => transaction(pool, (db) => dropUnusedKey(db, old.keyIds[0]!));
  expect(await dropOld()).toBe(false);
  await resealAll(pool, both);
  expect(await dropOld()).toBe(true);
  expect(await createKeyedDigest(pool, fresh)('password')).toBe(before);
});

test('a digest key that cannot be read is replaced only when its encryption key was given up', async () => {
  const before = await createKeyedDigest(pool, old)('password');
  await verifyEncryptionKeys(pool, both);
  const digest = createKeyedDigest(pool, fresh);
  await expect(digest('password')).rejects.toThrow(UnreadableSecretError);
  expect(await createKeyedDigest(pool, old)('password')).toBe(before);
  await forgetKey(pool, old.keyIds[0]!);
  const after = await digest('password');
  expect(after).not.toBe(before);
  expect(await createKeyedDigest(pool, fresh)('password')).toBe(after);
});
