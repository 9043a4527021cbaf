import { randomBytes } from 'node:crypto';
import { UnreadableSecretError, type SecretCipher } from '../../lib/secret-cipher.js';

/** The content of a session's cookie and of a sign-in link. Both are sealed: nobody else can read or make them. */
export interface PageToken {
  /** By which it is known as used up. */
  id: string;
  /** The API key that it stands for. */
  keyHash: string;
  /** Unix time in milliseconds. */
  expiresAt: number;
}

/** Lifetimes by use. A token of one use cannot be opened as that of the other. */
const LIFETIME_MS = {
  session: 12 * 60 * 60 * 1000,
  'sign-in link': 10 * 60 * 1000,
};
export type TokenUse = keyof typeof LIFETIME_MS;

type Cipher = Pick<SecretCipher, 'seal' | 'open'>;

export const newToken = (use: TokenUse, keyHash: string, now: number): PageToken => ({
  id: randomBytes(16).toString('base64url'),
  keyHash,
  expiresAt: now + LIFETIME_MS[use],
});

export const sealToken = (secrets: Cipher, use: TokenUse, token: PageToken): string =>
  secrets.seal(JSON.stringify(token), about(use)).toString('base64url');

/** Null: it was not sealed for this use, or with a key that is not known here. It may have expired. */
export function openToken(secrets: Cipher, use: TokenUse, text: string): PageToken | null {
  try {
    return JSON.parse(secrets.open(Buffer.from(text, 'base64url'), about(use))) as PageToken;
  } catch (error) {
    if (error instanceof UnreadableSecretError) return null;
    throw error;
  }
}

const about = (use: TokenUse) => `page ${use}`;
