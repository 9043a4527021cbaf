import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';

const BLOCK = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Why a client certificate with its key cannot be used, with the field to change; null: it can. */
export function clientCertificateProblem(
  given: { certificate: string; private_key: string },
  now = new Date(),
): { field: 'certificate' | 'private_key'; message: string } | null {
  const chain = certificatesIn(given.certificate);
  if (typeof chain === 'string') return { field: 'certificate', message: chain };
  const [own] = chain as [X509Certificate];
  if (new Date(own.validTo) <= now)
    return { field: 'certificate', message: `Expired on ${iso(own.validTo)}.` };
  const key = privateKeyIn(given.private_key);
  if (typeof key === 'string') return { field: 'private_key', message: key };
  if (!own.checkPrivateKey(key))
    return {
      field: 'private_key',
      message: 'Does not belong to the certificate, which must be the first one.',
    };
  try {
    createSecureContext({ cert: given.certificate, key: given.private_key });
  } catch (error) {
    // For example a key of a size that OpenSSL takes for too weak.
    const { reason = 'unknown reason' } = error as { reason?: string };
    return { field: 'certificate', message: `Cannot be used for TLS (${reason}).` };
  }
  return null;
}

/** Why these certificates cannot be trusted as authorities; null: they can. Bundles may hold a few expired ones. */
export function authoritiesProblem(pem: string, now = new Date()): string | null {
  const certificates = certificatesIn(pem);
  if (typeof certificates === 'string') return certificates;
  const last = certificates.map(({ validTo }) => new Date(validTo)).sort((a, b) => Number(b) - Number(a))[0]!;
  return last <= now ? `Expired on ${iso(last)}.` : null;
}

function certificatesIn(pem: string): X509Certificate[] | string {
  const blocks = pem.match(BLOCK);
  if (!blocks) return 'Must be PEM: -----BEGIN CERTIFICATE----- and so on.';
  if (pem.replace(BLOCK, '').includes('-----BEGIN')) return 'Must hold certificates only.';
  try {
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return 'Holds a certificate that cannot be read.';
  }
}

function privateKeyIn(pem: string): KeyObject | string {
  if (/ENCRYPTED/.test(pem)) return 'Must not be encrypted with a passphrase: it is stored encrypted here.';
  try {
    return createPrivateKey(pem);
  } catch {
    return 'Must be a private key in PEM: -----BEGIN PRIVATE KEY----- and so on.';
  }
}

const iso = (date: string | Date) => new Date(date).toISOString();
