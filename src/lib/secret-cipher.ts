import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';

export interface SecretCipher {
  seal(secret: string): Buffer;
  /** Throws where `sealed` was made with another key. */
  open(sealed: Buffer): string;
  /** HMAC-SHA256 under a key derived from the same one, in base64url. */
  mac(text: string): string;
}

/** AES-256-GCM: endpoint secrets are unreadable in the database and its backups. `key` is 32 bytes in base64. */
export function createSecretCipher(key: string): SecretCipher {
  const bytes = Buffer.from(key, 'base64');
  const macKey = createHmac('sha256', bytes).update('surehook attempt').digest();
  /** Caches opened secrets for as long as their sealed buffer is referenced. */
  const opened = new WeakMap<Buffer, string>();
  return {
    mac: (text) => createHmac('sha256', macKey).update(text).digest('base64url'),
    seal(secret) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', bytes, nonce);
      const text = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), text]);
    },
    open(sealed) {
      const known = opened.get(sealed);
      if (known !== undefined) return known;
      const decipher = createDecipheriv('aes-256-gcm', bytes, sealed.subarray(0, 12));
      decipher.setAuthTag(sealed.subarray(12, 28));
      try {
        const secret = decipher.update(sealed.subarray(28), undefined, 'utf8') + decipher.final('utf8');
        opened.set(sealed, secret);
        return secret;
      } catch (error) {
        throw new Error('a secret cannot be opened with this SUREHOOK_ENCRYPTION_KEY', { cause: error });
      }
    },
  };
}
