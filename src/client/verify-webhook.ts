import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { SurehookError } from './errors.js';

/** The request is not a webhook of this endpoint: answer it with 400. */
export class WebhookVerificationError extends SurehookError {}

/** The request is fresh, and signed with another secret, if at all: the secret may have been rotated. */
export class SignatureMismatchError extends WebhookVerificationError {}

export type WebhookHeaders = Headers | Record<string, string | string[] | undefined>;

export interface VerifiedWebhook<T = unknown> {
  /** The event's id, the same on every retry and replay: deduplicate by it. */
  id: string;
  /** When this attempt was signed. */
  timestamp: Date;
  payload: T;
}

/** DER of an Ed25519 public key up to its 32 bytes (RFC 8410). */
const ED25519 = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * Verifies a webhook as Standard Webhooks says, and parses its body. `rawBody`: the bytes as received, before any parser.
 * `secret`: `whsec_…`, or the public key `whpk_…`; several while one is rotated. `toleranceSeconds`: the greatest age, 300 by default.
 * Throws a `WebhookVerificationError`.
 */
export function verifyWebhook<T = unknown>(
  rawBody: string | Uint8Array,
  headers: WebhookHeaders,
  secret: string | readonly string[],
  { toleranceSeconds = 300, now = Date.now() } = {},
): VerifiedWebhook<T> {
  const id = needed(headers, 'webhook-id');
  const timestamp = needed(headers, 'webhook-timestamp');
  const signatures = needed(headers, 'webhook-signature').split(' ');
  if (!/^\d{1,12}$/.test(timestamp))
    throw new WebhookVerificationError('webhook-timestamp is no number of seconds.');
  if (Math.abs(now / 1_000 - Number(timestamp)) > toleranceSeconds)
    throw new WebhookVerificationError(`webhook-timestamp is more than ${toleranceSeconds} s from now.`);
  const body = Buffer.from(rawBody as Uint8Array);
  const signed = Buffer.concat([Buffer.from(`${id}.${timestamp}.`), body]);
  const isSigned = [secret].flat().some((one) => signatures.some(validFor(signed, one)));
  if (!isSigned) throw new SignatureMismatchError('No signature is of this secret.');
  const text = body.toString('utf8');
  return { id, timestamp: new Date(Number(timestamp) * 1_000), payload: parse<T>(text) };
}

/** Whether a signature is of this secret. The HMAC is computed once, however many signatures a request claims. */
function validFor(signed: Buffer, secret: string): (signature: string) => boolean {
  const key = Buffer.from(secret.replace(/^wh(sec|pk)_/, ''), 'base64');
  // Anybody can sign with an empty key, which is what an unset variable gives.
  if (key.length === 0) return () => false;
  if (secret.startsWith('whpk_')) {
    if (key.length !== 32) return () => false;
    const publicKey = createPublicKey({ key: Buffer.concat([ED25519, key]), format: 'der', type: 'spki' });
    return (signature) => isOf(signature, 'v1a', (given) => verify(null, signed, publicKey, given));
  }
  const expected = createHmac('sha256', key).update(signed).digest();
  return (signature) =>
    isOf(signature, 'v1', (given) => given.length === expected.length && timingSafeEqual(given, expected));
}

function isOf(signature: string, version: string, isValid: (given: Buffer) => boolean): boolean {
  const [name, value = ''] = signature.split(',', 2);
  return name === version && isValid(Buffer.from(value, 'base64'));
}

/** By its method, not its class: frameworks and other versions of fetch bring their own. */
const isHeaders = (headers: WebhookHeaders): headers is Headers => typeof headers.get === 'function';

export function headerOf(headers: WebhookHeaders, name: string): string | undefined {
  const value = isHeaders(headers) ? headers.get(name) : headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? undefined;
}

function needed(headers: WebhookHeaders, name: string): string {
  const value = headerOf(headers, name);
  if (!value) throw new WebhookVerificationError(`The header ${name} is missing.`);
  return value;
}

/** A content type that is not JSON: the text. */
function parse<T>(text: string): T {
  try {
    return JSON.parse(text) as T;
  } catch {
    return text as T;
  }
}
