import { createPrivateKey, X509Certificate, type KeyObject } from 'node:crypto';
import { createSecureContext } from 'node:tls';

const BEGIN = '-----BEGIN CERTIFICATE-----';
const END = '-----END CERTIFICATE-----';
/** Every handshake signs with the key, on the event loop: 5 ms with 4096 bits, 46 ms with 8192. */
const MAX_RSA_BITS = 4096;

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
  if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > MAX_RSA_BITS)
    return { field: 'private_key', message: `At most ${MAX_RSA_BITS} bits: a larger key is too slow.` };
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
  // Split instead of a pattern, whose time would be quadratic where an end is missing.
  const [first = '', ...blocks] = pem.split(BEGIN).map((part) => part.split(END));
  if (blocks.length === 0 || blocks.some((parts) => parts.length === 1))
    return `Must be PEM: ${BEGIN} and so on, up to ${END}.`;
  const around = [...first, ...blocks.flatMap(([, ...rest]) => rest)];
  if (around.some((text) => text.includes('-----BEGIN'))) return 'Must hold certificates only.';
  try {
    return blocks.map(([base64]) => new X509Certificate(BEGIN + base64 + END));
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
