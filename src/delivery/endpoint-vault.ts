import { aboutSealed, ENDPOINT_SECRET, ENDPOINT_SETTINGS } from '../db/sealed-columns.js';
import { UnreadableSecretError, type SecretCipher } from '../lib/secret-cipher.js';

/** The confidential values of an endpoint's settings. They are sealed together, as one text. */
export interface Confidential {
  headers: Record<string, string>;
  /** Belongs to `basic_auth`. */
  password: string | null;
  /** PEM; belongs to `client_certificate`. */
  private_key: string | null;
  /** Belongs to `extra_signature`. */
  extra_secret: string | null;
}

type Cipher = Pick<SecretCipher, 'seal' | 'open'>;

export const NOTHING: Confidential = { headers: {}, password: null, private_key: null, extra_secret: null };

/** Null where nothing is confidential. */
export function sealSettings(cipher: Cipher, endpointId: string, settings: Confidential): Buffer | null {
  const { headers, password, private_key, extra_secret } = settings;
  const isEmpty = Object.keys(headers).length === 0 && (password ?? private_key ?? extra_secret) === null;
  return isEmpty ? null : cipher.seal(JSON.stringify(settings), aboutSealed(ENDPOINT_SETTINGS, endpointId));
}

export function openSettings(cipher: Cipher, endpointId: string, sealed: Buffer | null): Confidential {
  if (!sealed) return NOTHING;
  const text = cipher.open(sealed, aboutSealed(ENDPOINT_SETTINGS, endpointId));
  try {
    return JSON.parse(text) as Confidential;
  } catch {
    // The error itself would quote the settings.
    throw new UnreadableSecretError('the settings of an endpoint are not stored as this version stores them');
  }
}

export function sealSecret(cipher: Cipher, secretId: string, secret: string): Buffer {
  return cipher.seal(secret, aboutSealed(ENDPOINT_SECRET, secretId));
}

export function openSecret(cipher: Cipher, { id, sealed }: { id: string; sealed: Buffer }): string {
  return cipher.open(sealed, aboutSealed(ENDPOINT_SECRET, id));
}
