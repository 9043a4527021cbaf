import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { rotateKeys } from '../../src/bootstrap/rotate-keys.js';
import { requireKeysOfProcess, verifyEncryptionKeys } from '../../src/db/encryption-check.js';
import { migrate } from '../../src/db/migrate.js';
import { transaction, type Db } from '../../src/db/pool.js';
import { beat, removeProcess } from '../../src/db/processes.js';
import { dropUnusedKey, resealAll } from '../../src/db/rotate-keys.js';
import { aboutSealed, ENDPOINT_SECRET, SEALED_COLUMNS } from '../../src/db/sealed-columns.js';
import { newId } from '../../src/lib/ids.js';
import { createSecretCipher, keyIdOf } from '../../src/lib/secret-cipher.js';
import { createDatabase } from '../support/database.js';
import { lockWaits } from '../support/lock-waits.js';

const [OLD, NEW, LOST] = [1, 2, 3].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [
  string,
  string,
  string,
];
const idOf = (key: string) => createSecretCipher([key]).keyIds[0]!;
const both = createSecretCipher([NEW, OLD]);
const old = createSecretCipher([OLD]);

let url: string;
let pool: pg.Pool;
let endpointId: string;
beforeAll(async () => {
  url = await createDatabase(`rotate_${randomBytes(6).toString('hex')}`);
  await migrate(url);
  pool = new pg.Pool({ connectionString: url, max: 4 });
});
afterAll(() => pool.end());
beforeEach(async () => {
  await pool.query('delete from endpoint_secrets; delete from encryption_keys; delete from processes');
  await verifyEncryptionKeys(pool, old);
  endpointId = newId('ep');
  await pool.query(
    `insert into endpoints (id, tenant, url, event_types, timeout_ms) values ($1, 't', 'http://127.0.0.1:1/', '{*}', 1000)`,
    [endpointId],
  );
});

/** Secrets of an endpoint, each the text of its own id. */
async function addSecrets(count: number, cipher = old): Promise<string[]> {
  const ids = Array.from({ length: count }, () => newId('sec'));
  await pool.query(
    `insert into endpoint_secrets (id, endpoint_id, sealed) select id, $2, sealed
     from unnest($1::text[], $3::bytea[]) as s (id, sealed)`,
    [ids, endpointId, ids.map((id) => cipher.seal(`secret of ${id}`, aboutSealed(ENDPOINT_SECRET, id)))],
  );
  return ids;
}
const secrets = async () =>
  (await pool.query<{ id: string; sealed: Buffer }>('select id, sealed from endpoint_secrets order by id'))
    .rows;
const keys = async () =>
  (await pool.query<{ id: string }>('select id from encryption_keys order by id')).rows.map(({ id }) => id);
/** Every secret is what it was, or what it was changed to, by the new key alone. */
async function expectRotated(changed: string[] = []): Promise<void> {
  const cipher = createSecretCipher([NEW]);
  for (const { id, sealed } of await secrets())
    expect(cipher.open(sealed, aboutSealed(ENDPOINT_SECRET, id))).toBe(
      `secret of ${id}${changed.includes(id) ? ', changed' : ''}`,
    );
}
/** As a process does that seals with the new key. */
const change = (id: string) =>
  pool.query('update endpoint_secrets set sealed = $2 where id = $1', [
    id,
    both.seal(`secret of ${id}, changed`, aboutSealed(ENDPOINT_SECRET, id)),
  ]);
/** Calls `before` ahead of each statement that writes secrets again. */
const intercepted = (before: () => unknown) =>
  ({
    async query(text: string, values: unknown[]) {
      if (text.includes('update endpoint_secrets')) await before();
      return pool.query(text, values);
    },
  }) as unknown as Db;
const beatOf = (...keyIds: string[]) =>
  beat(pool, { id: 'p', makesAttempts: true, paused: null, startsBehindMs: 0, keyIds });
/** Resolves when a connection to this database waits for a lock. */
const somebodyWaits = () => expect.poll(() => lockWaits(pool)).toBeGreaterThan(0);

test('every sealed column has the trigger that refuses unknown keys', async () => {
  const { rows } = await pool.query<{ table: string; args: string }>(
    `select tgrelid::regclass::text as table, convert_from(trim(trailing '\\000' from tgargs), 'utf8') as args
     from pg_trigger where tgname = 'sealed_key' or tgname like 'sealed_key_%' order by 1, 2`,
  );
  expect(rows.map(({ table, args }) => `${table}.${args}`)).toEqual(
    SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort(),
  );
});

test('thousands of secrets are sealed with the new key, and the old one is dropped', async () => {
  await addSecrets(1_200);
  expect(await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null })).toEqual([
    `1200 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
    `Key ${idOf(OLD)} may be removed from SUREHOOK_ENCRYPTION_KEYS.`,
  ]);
  await expectRotated();
  expect(await keys()).toEqual([idOf(NEW)]);
  // Again: nothing is left to do.
  expect(await rotateKeys({ databaseUrl: url, keys: [NEW], forget: null })).toEqual([
    `0 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
  ]);
});

test('a rotation that breaks off leaves every secret readable, and the next one goes on', async () => {
  await addSecrets(1_200);
  await verifyEncryptionKeys(pool, both);
  let updates = 0;
  const breaking = intercepted(() => {
    if (++updates === 2) throw new Error('the machine died');
  });
  await expect(resealAll(breaking, both)).rejects.toThrow('the machine died');
  const found = (await secrets()).map(({ id, sealed }) => {
    expect(both.open(sealed, aboutSealed(ENDPOINT_SECRET, id))).toBe(`secret of ${id}`);
    return keyIdOf(sealed);
  });
  expect(new Set(found)).toEqual(new Set([idOf(OLD), idOf(NEW)]));
  await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null });
  await expectRotated();
});

test('a secret that changes between the read and the write of a rotation keeps its change', async () => {
  const [id, other] = await addSecrets(2);
  await verifyEncryptionKeys(pool, both);
  expect(
    await resealAll(
      intercepted(() => change(id!)),
      both,
    ),
  ).toMatchObject({ resealed: 1 });
  expect((await secrets()).map((row) => row.id)).toEqual([id, other].sort());
  await expectRotated([id!]);
});

test('two rotations and a writer at the same time lose no secret', async () => {
  const ids = await addSecrets(1_200);
  await verifyEncryptionKeys(pool, both);
  const rotations = [1, 2].map(() => rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null }));
  const changed = ids.filter((_, n) => n % 4 === 0);
  await Promise.all([...rotations, ...changed.map(change)]);
  await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null });
  await expectRotated(changed);
  expect(await keys()).toEqual([idOf(NEW)]);
});

test('nothing is rotated while a process could not read it, and no key dropped that a process seals with', async () => {
  await addSecrets(3);
  await beatOf(idOf(OLD));
  await expect(rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null })).rejects.toThrow(
    `1 running process(es) cannot read what the key ${idOf(NEW)} encrypts`,
  );
  expect(await keys()).toEqual([idOf(OLD)]);
  await removeProcess(pool, 'p');
  await beatOf(idOf(OLD), idOf(NEW));
  expect(await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null })).toEqual([
    `3 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
    `Key ${idOf(OLD)} is still in use: a running process encrypts with it. Put ${idOf(NEW)} first there, restart it, and run this again.`,
  ]);
  await addSecrets(1);
  // A process that died 10 s ago does not count.
  await pool.query(`update processes set alive_at = now() - interval '11 seconds'`);
  expect(await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null })).toEqual([
    `1 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
    `Key ${idOf(OLD)} may be removed from SUREHOOK_ENCRYPTION_KEYS.`,
  ]);
  await expectRotated();
});

test('once a key is dropped, nothing can be sealed with it any more', async () => {
  await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null });
  await expect(addSecrets(1)).rejects.toMatchObject({ code: 'SHK01' });
  expect(await secrets()).toEqual([]);
});

test('a key that is dropped waits for a secret that is being sealed with it', async () => {
  const client = await pool.connect();
  await client.query('begin');
  const id = newId('sec');
  await client.query('insert into endpoint_secrets (id, endpoint_id, sealed) values ($1, $2, $3)', [
    id,
    endpointId,
    old.seal(`secret of ${id}`, aboutSealed(ENDPOINT_SECRET, id)),
  ]);
  const rotation = rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null });
  await somebodyWaits();
  await client.query('commit');
  client.release();
  expect(await rotation).toEqual([
    `0 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
    `Key ${idOf(OLD)} is still in use. Run this again.`,
  ]);
  await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null });
  await expectRotated();
});

test('secrets of a lost key are named and left, and the key can be given up', async () => {
  const lost = createSecretCipher([LOST, OLD]);
  await verifyEncryptionKeys(pool, lost);
  const [lostId] = await addSecrets(1, lost);
  await addSecrets(2);
  const rotate = (forget: string | null = null) => rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget });
  await expect(rotate()).rejects.toThrow(
    `This database has secrets that are encrypted with the key ${idOf(LOST)}, which is not in SUREHOOK_ENCRYPTION_KEYS`,
  );
  await expect(rotate('00000000')).rejects.toThrow('00000000 is not the id of a key');
  expect(await rotate(idOf(LOST))).toEqual([
    `Key ${idOf(LOST)} is given up: secrets that are encrypted with it stay unreadable.`,
    `2 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
    `1 secret(s) are encrypted with the key ${idOf(LOST)} and cannot be read: endpoint_secrets ${lostId}. They are left as they are: give their endpoints new ones.`,
    `Key ${idOf(OLD)} may be removed from SUREHOOK_ENCRYPTION_KEYS.`,
  ]);
  await expect(verifyEncryptionKeys(pool, createSecretCipher([NEW]))).resolves.toBeUndefined();
});

test('a key that was put first by mistake and sealed nothing is dropped', async () => {
  await verifyEncryptionKeys(pool, createSecretCipher([LOST, OLD]));
  await expect(verifyEncryptionKeys(pool, both)).rejects.toThrow(idOf(LOST));
  await addSecrets(1);
  await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null });
  expect(await keys()).toEqual([idOf(NEW)]);
});

test('a rotation that is refused changes nothing, and no key in use is given up', async () => {
  const rotate = (forget: string | null = null) => rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget });
  await verifyEncryptionKeys(pool, createSecretCipher([LOST, OLD]));
  await beatOf(idOf(OLD));
  // The process lacks the new key: the lost one is not given up either.
  await expect(rotate(idOf(LOST))).rejects.toThrow('1 running process(es) cannot read');
  await expect(rotate(idOf(OLD))).rejects.toThrow(`The key ${idOf(OLD)} is in SUREHOOK_ENCRYPTION_KEYS`);
  await removeProcess(pool, 'p');
  await beatOf(idOf(LOST), idOf(NEW));
  await expect(rotate(idOf(LOST))).rejects.toThrow(`A running process has the key ${idOf(LOST)}`);
  // A process seals with it: it is not one that was set by mistake.
  await expect(rotate()).rejects.toThrow(`the key ${idOf(LOST)}, which is not in SUREHOOK_ENCRYPTION_KEYS`);
  expect((await pool.query('select id from encryption_keys where forgotten_at is null')).rowCount).toBe(2);
});

test('a new key does not seal while a running process lacks it', async () => {
  await beatOf(idOf(OLD));
  const start = () => transaction(pool, (db) => verifyEncryptionKeys(db, both));
  await expect(start()).rejects.toThrow(
    `1 running process(es) cannot read what the key ${idOf(NEW)} encrypts: give all of them this key`,
  );
  expect(await keys()).toEqual([idOf(OLD)]);
  await removeProcess(pool, 'p');
  await beatOf(idOf(OLD), idOf(NEW));
  await start();
  expect(await keys()).toEqual([idOf(OLD), idOf(NEW)].sort());
});

test.each([
  ['a key was added', [OLD], (db: Db) => verifyEncryptionKeys(db, both), 'which is not in SUREHOOK'],
  ['its key was dropped', [OLD, NEW], (db: Db) => dropUnusedKey(db, idOf(OLD)), 'was rotated away'],
])('a process that starts while %s waits for it, and is refused', async (_name, ring, work, message) => {
  const client = await pool.connect();
  await client.query('begin');
  await work(client);
  // Too late to be seen by that transaction.
  await beatOf(...ring.map(idOf));
  const started = requireKeysOfProcess(pool, createSecretCipher(ring)).catch((error: Error) => error.message);
  await somebodyWaits();
  await client.query('commit');
  client.release();
  expect(await started).toContain(message);
});

test('a key with secrets that cannot be read stays, with the reason', async () => {
  const [id] = await addSecrets(3);
  await pool.query(`update endpoint_secrets set sealed = sealed || '\\x00' where id = $1`, [id]);
  expect(await rotateKeys({ databaseUrl: url, keys: [NEW, OLD], forget: null })).toEqual([
    `2 secret(s) encrypted again, with the key ${idOf(NEW)}.`,
    `1 secret(s) are encrypted with the key ${idOf(OLD)} and cannot be read: endpoint_secrets ${id}. They are left as they are: give their endpoints new ones.`,
    `Key ${idOf(OLD)} stays: secrets that are encrypted with it cannot be read. Run this again when their endpoints have new ones.`,
  ]);
});

test('the error names a check value that was changed', async () => {
  await pool.query(`update encryption_keys set sealed = sealed || '\\x00'`);
  await expect(verifyEncryptionKeys(pool, old)).rejects.toThrow(
    `The check value of the encryption key ${idOf(OLD)} cannot be opened with it: it was changed.`,
  );
});
