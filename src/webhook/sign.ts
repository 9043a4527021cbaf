import { createHmac, createPrivateKey, createPublicKey, randomBytes, sign as signWith } from 'node:crypto';
import type { Signature } from '../domain/endpoint.js';

const HMAC_PREFIX = 'whsec_';
/** The forms of Standard Webhooks for ed25519. */
const PRIVATE_PREFIX = 'whsk_';
const PUBLIC_PREFIX = 'whpk_';
const SECRET_BYTES = 32;
const SEED_BYTES = 32;
/** A private ed25519 key in PKCS #8 is this and the seed (RFC 8410 section 7). */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Makes one signature of a content, with its version: `v1,…` or `v1a,…`. */
export type Sign = (content: string) => string;

export function newSecret(kind: Signature = 'hmac'): string {
  if (kind === 'hmac') return HMAC_PREFIX + randomBytes(SECRET_BYTES).toString('base64');
  const seed = randomBytes(SEED_BYTES);
  return PRIVATE_PREFIX + Buffer.concat([seed, publicHalf(seed)]).toString('base64');
}

/** The kind of a secret; null where it is none. */
export function kindOf(secret: string): Signature | null {
  if (isSecret(secret)) return 'hmac';
  return isPrivateKey(secret) ? 'ed25519' : null;
}

/** A secret in the format of Standard Webhooks: `whsec_` and the canonical base64 of 24 to 64 bytes. */
export function isSecret(value: string): boolean {
  const key = bytesOf(value, HMAC_PREFIX);
  return key !== null && key.length >= 24 && key.length <= 64;
}

/** `whsk_` and the base64 of a seed, or of the seed and its public key. */
function isPrivateKey(value: string): boolean {
  const key = bytesOf(value, PRIVATE_PREFIX);
  if (key?.length === SEED_BYTES) return true;
  return key?.length === 2 * SEED_BYTES && publicHalf(key).equals(key.subarray(SEED_BYTES));
}

/** The key that receivers verify with; null for HMAC, whose secret both sides have. */
export function publicKeyOf(secret: string): string | null {
  const key = bytesOf(secret, PRIVATE_PREFIX);
  return key && PUBLIC_PREFIX + publicHalf(key).toString('base64');
}

/** Reads the secret once, for many signatures. */
export function signerOf(secret: string): Sign {
  const seed = bytesOf(secret, PRIVATE_PREFIX);
  if (seed) {
    const key = privateKey(seed);
    return (content) => `v1a,${signWith(null, Buffer.from(content), key).toString('base64')}`;
  }
  const key = bytesOf(secret, HMAC_PREFIX);
  if (!key) throw new Error('a secret is neither whsec_ nor whsk_');
  return (content) => `v1,${createHmac('sha256', key).update(content, 'utf8').digest('base64')}`;
}

/** The value of `webhook-signature`: one signature for each live secret, so that a rotation breaks no receiver. */
export function sign(signers: Sign[], id: string, timestamp: number, body: string): string {
  const content = `${id}.${timestamp}.${body}`;
  if (signers.length === 1) return signers[0]!(content);
  return signers.map((signer) => signer(content)).join(' ');
}

/** Null unless it is the prefix and canonical base64. */
function bytesOf(value: string, prefix: string): Buffer | null {
  if (!value.startsWith(prefix)) return null;
  const encoded = value.slice(prefix.length);
  const bytes = Buffer.from(encoded, 'base64');
  return bytes.toString('base64') === encoded ? bytes : null;
}

function privateKey(seed: Buffer) {
  const der = Buffer.concat([PKCS8, seed.subarray(0, SEED_BYTES)]);
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

function publicHalf(seed: Buffer): Buffer {
  const { x } = createPublicKey(privateKey(seed)).export({ format: 'jwk' });
  return Buffer.from(x!, 'base64url');
}
