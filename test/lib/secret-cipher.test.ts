import { expect, test } from 'vitest';
import { createSecretCipher, keyIdOf, UnreadableSecretError } from '../../src/lib/secret-cipher.js';

const [A, B] = [1, 2].map((byte) => Buffer.alloc(32, byte).toString('base64')) as [string, string];

test('a value is opened by every ring that has its key, and names that key', () => {
  const old = createSecretCipher([A]);
  const both = createSecretCipher([B, A]);
  const sealed = old.seal('whsec_1', 'endpoint_secrets.sealed:sec_1');
  expect(both.open(sealed, 'endpoint_secrets.sealed:sec_1')).toBe('whsec_1');
  expect(keyIdOf(sealed)).toBe(old.keyIds[0]);
  expect(both.keyIds).toEqual([createSecretCipher([B]).keyIds[0], old.keyIds[0]]);
});

test('the first key of a ring seals', () => {
  const both = createSecretCipher([B, A]);
  const sealed = both.seal('whsec_1', 'x');
  expect(keyIdOf(sealed)).toBe(both.keyIds[0]);
  expect(() => createSecretCipher([A]).open(sealed, 'x')).toThrow(
    `a secret is sealed with the key ${both.keyIds[0]}, which is not in SUREHOOK_ENCRYPTION_KEYS`,
  );
});

test('a value cannot be opened as that of another row, also after it was opened as its own', () => {
  const cipher = createSecretCipher([A]);
  const sealed = cipher.seal('whsec_1', 'endpoint_secrets.sealed:sec_1');
  expect(cipher.open(sealed, 'endpoint_secrets.sealed:sec_1')).toBe('whsec_1');
  expect(() => cipher.open(sealed, 'endpoint_secrets.sealed:sec_2')).toThrow(UnreadableSecretError);
});

test('no changed value is opened, whichever byte of it was changed', () => {
  const cipher = createSecretCipher([A]);
  const sealed = cipher.seal('whsec_1', 'x');
  for (let at = 0; at < sealed.length; at++) {
    const changed = Buffer.from(sealed);
    changed[at]! ^= 1;
    expect(() => cipher.open(changed, 'x'), `byte ${at}`).toThrow(UnreadableSecretError);
  }
  for (let length = 0; length < sealed.length; length++)
    expect(() => cipher.open(sealed.subarray(0, length), 'x'), `${length} bytes`).toThrow(
      UnreadableSecretError,
    );
});

test('two values of one text have nothing in common but their format and key', () => {
  const cipher = createSecretCipher([A]);
  const [one, other] = [cipher.seal('same', 'x'), cipher.seal('same', 'x')];
  expect(one.subarray(0, 5)).toEqual(other.subarray(0, 5));
  expect(one.subarray(5, 17)).not.toEqual(other.subarray(5, 17));
  expect(one.subarray(33)).not.toEqual(other.subarray(33));
});

test('a proof made with an older key holds as long as that key is in the ring', () => {
  const mac = createSecretCipher([A]).mac('attempt');
  expect(createSecretCipher([B, A]).isMac('attempt', mac)).toBe(true);
  expect(createSecretCipher([B, A]).isMac('attempt 2', mac)).toBe(false);
  expect(createSecretCipher([B]).isMac('attempt', mac)).toBe(false);
});

test('a ring has at least one key, each of 32 bytes, and none twice', () => {
  expect(() => createSecretCipher([])).toThrow('There must be an encryption key.');
  expect(() => createSecretCipher([A, 'c2hvcnQ='])).toThrow('must be 32 bytes in base64');
  expect(() => createSecretCipher([A, B, A])).toThrow('the same');
});
