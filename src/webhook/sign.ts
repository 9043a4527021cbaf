import { createHmac, randomBytes } from 'node:crypto';

const PREFIX = 'whsec_';
const SECRET_BYTES = 32;

export function newSecret(): string {
  return PREFIX + randomBytes(SECRET_BYTES).toString('base64');
}

/** A secret in the format of Standard Webhooks: `whsec_` and the canonical base64 of 24 to 64 bytes. */
export function isSecret(value: string): boolean {
  if (!value.startsWith(PREFIX)) return false;
  const encoded = value.slice(PREFIX.length);
  const key = Buffer.from(encoded, 'base64');
  return key.length >= 24 && key.length <= 64 && key.toString('base64') === encoded;
}

/** The value of `webhook-signature`: one signature for each live secret, so that a rotation breaks no receiver. */
export function sign(secrets: string[], id: string, timestamp: number, payload: string): string {
  return secrets.map((secret) => `v1,${hmac(secret, `${id}.${timestamp}.${payload}`)}`).join(' ');
}

function hmac(secret: string, content: string): string {
  const key = Buffer.from(secret.slice(PREFIX.length), 'base64');
  return createHmac('sha256', key).update(content, 'utf8').digest('base64');
}
