/** Whether the browser can compute signatures: only on pages that came by https, or from this machine. */
export const canSign = (): boolean => globalThis.crypto?.subtle !== undefined;

/** The signature `v1,…` of Standard Webhooks: HMAC-SHA256 of `id.timestamp.body` with the bytes of the secret. */
export async function signatureOf(secret: string, content: string): Promise<string> {
  const bytes = Uint8Array.from(atob(secret.replace(/^whsec_/, '')), (char) => char.charCodeAt(0));
  const algorithm = { name: 'HMAC', hash: 'SHA-256' };
  const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['sign']);
  const made = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(content));
  return `v1,${btoa(String.fromCharCode(...new Uint8Array(made)))}`;
}
