import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

/** AES-256-GCM under a ring of keys: the first seals, all open. */
export interface SecretCipher {
  /** Ids of the keys, the sealing one first. */
  keyIds: readonly string[];
  /** `about` names the column and the row: the value cannot be opened as that of another. */
  seal(secret: string, about: string): Buffer;
  /** Throws an UnreadableSecretError. */
  open(sealed: Buffer, about: string): string;
  /** HMAC-SHA256 under a key derived from the sealing one, in base64url. */
  mac(text: string): string;
  /** Whether `mac` was made with any key of the ring. */
  isMac(text: string, mac: string): boolean;
}

/** The value was sealed with a key that is not in the ring, or was changed, or belongs to another row. */
export class UnreadableSecretError extends Error {}

/** Layout of a sealed value: format, key id, nonce, tag, ciphertext. SQL reads the key id by `key_of`. */
const FORMAT = 1;
const KEY_ID_AT = 1;
const NONCE_AT = 5;
const TAG_AT = 17;
const TEXT_AT = 33;

interface Key {
  id: Buffer;
  bytes: Buffer;
  macKey: Buffer;
}

/** The id is derived from the key: four bytes, in hex where people read it. */
function keyOf(text: string): Key {
  const bytes = Buffer.from(text.trim(), 'base64');
  if (bytes.length !== 32) throw new Error('Every encryption key must be 32 bytes in base64.');
  const derive = (purpose: string) => createHmac('sha256', bytes).update(purpose).digest();
  return {
    id: derive('surehook key id').subarray(0, NONCE_AT - KEY_ID_AT),
    bytes,
    macKey: derive('surehook attempt'),
  };
}

export const keyIdOf = (sealed: Buffer): string => sealed.toString('hex', KEY_ID_AT, NONCE_AT);

/** `keys` are 32 bytes in base64 each; the first one seals. */
export function createSecretCipher(keys: readonly string[]): SecretCipher {
  const ring = keys.map(keyOf);
  const [first] = ring;
  if (!first) throw new Error('There must be an encryption key.');
  const byId = new Map(ring.map((key) => [key.id.toString('hex'), key]));
  if (byId.size < ring.length) throw new Error('Two encryption keys are the same, or have the same id.');
  const macOf = ({ macKey }: Key, text: string) =>
    createHmac('sha256', macKey).update(text).digest('base64url');
  /** Caches opened secrets for as long as their sealed buffer is referenced. */
  const opened = new WeakMap<Buffer, { about: string; secret: string }>();

  function decrypt(sealed: Buffer, about: string): string {
    const id = keyIdOf(sealed);
    const key = byId.get(id);
    if (sealed[0] !== FORMAT || sealed.length < TEXT_AT)
      throw new UnreadableSecretError('a secret is not sealed as this version seals');
    if (!key)
      throw new UnreadableSecretError(
        `a secret is sealed with the key ${id}, which is not in SUREHOOK_ENCRYPTION_KEYS`,
      );
    const decipher = createDecipheriv('aes-256-gcm', key.bytes, sealed.subarray(NONCE_AT, TAG_AT));
    decipher.setAAD(Buffer.from(about));
    decipher.setAuthTag(sealed.subarray(TAG_AT, TEXT_AT));
    try {
      return decipher.update(sealed.subarray(TEXT_AT), undefined, 'utf8') + decipher.final('utf8');
    } catch (error) {
      const message = `a secret cannot be opened with its key ${id}: it was changed, or belongs to another row`;
      throw new UnreadableSecretError(message, { cause: error });
    }
  }

  return {
    keyIds: [...byId.keys()],
    mac: (text) => macOf(first, text),
    isMac: (text, mac) => ring.some((key) => macOf(key, text) === mac),
    seal(secret, about) {
      const nonce = randomBytes(TAG_AT - NONCE_AT);
      const cipher = createCipheriv('aes-256-gcm', first.bytes, nonce);
      cipher.setAAD(Buffer.from(about));
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(FORMAT), first.id, nonce, cipher.getAuthTag(), text]);
    },
    open(sealed, about) {
      const known = opened.get(sealed);
      if (known?.about === about) return known.secret;
      const secret = decrypt(sealed, about);
      opened.set(sealed, { about, secret });
      return secret;
    },
  };
}
