/** Whether the browser can compute signatures: only on pages that came by https, or from this machine. */
export const canSign = (): boolean => globalThis.crypto?.subtle !== undefined;

/** The signature `v1,…` of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body` with the bytes of the secret. */
export async function signatureOf(secret: string, content: string): Promise<string> {
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', bytesOf(secret.replace(/^whsec_/, '')), algorithm, false, [
    'sign',
  ]);
  const made = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(made)))}`;
}

/**
 * Whether a header `webhook-signature` has a signature `v1a,…` of the content by the public key `whpk_…`. Throws where the
 * browser has no Ed25519.
 */
export async function hasSignatureOf(publicKey: string, content: string, header: string): Promise<boolean> {
  const raw = bytesOf(publicKey.replace(/^whpk_/, ''));
  const key = await crypto.subtle.importKey('raw', raw, 'Ed25519', false, ['verify']);
  const signed = new TextEncoder().encode(content);
  const found = header.split(/\s+/).filter((part) => /^v1a,[A-Za-z0-9+/]{86}==$/.test(part));
  const results = await Promise.all(
    found.map((part) => crypto.subtle.verify('Ed25519', key, bytesOf(part.slice('v1a,'.length)), signed)),
  );
  return results.includes(true);
}

const bytesOf = (base64: string) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
