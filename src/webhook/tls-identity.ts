import { hash } from 'node:crypto';
import { createSecureContext, rootCertificates, type SecureContext } from 'node:tls';

/** How a request shows and checks who is at the other end, where the endpoint sets it; all PEM. */
export interface TlsIdentity {
  /** Differs for different certificates and keys: connections and TLS sessions are never shared between two. */
  id: string;
  /** Trusted instead of the public authorities. */
  ca: string | null;
  certificate: string | null;
  privateKey: string | null;
}

/** Null where nothing is set. */
export function tlsIdentity(given: Omit<TlsIdentity, 'id'>): TlsIdentity | null {
  const { ca, certificate, privateKey } = given;
  if (ca === null && certificate === null) return null;
  return { id: hash('sha256', JSON.stringify([ca, certificate, privateKey]), 'base64url'), ...given };
}

/** Contexts kept, of those that endpoints set. */
const MAX_CONTEXTS = 1_000;

/**
 * One context for all sockets of an identity: creating one from certificates costs milliseconds. `ca`: trusted besides
 * the public authorities where the endpoint sets no own.
 */
export function createContexts(ca: string | undefined): (identity: TlsIdentity | null) => SecureContext {
  const shared = ca ? { ca: [...rootCertificates, ca] } : {};
  const plain = createSecureContext(shared);
  const own = new Map<string, SecureContext>();
  return (identity) => {
    if (!identity) return plain;
    const known = own.get(identity.id);
    if (known) return known;
    const context = createSecureContext({
      ...(identity.ca === null ? shared : { ca: identity.ca }),
      ...(identity.certificate === null ? {} : { cert: identity.certificate, key: identity.privateKey! }),
    });
    remember(own, identity.id, context, MAX_CONTEXTS);
    return context;
  };
}

/** Adds or renews an entry, and evicts the oldest one above the limit. */
export function remember<T>(map: Map<string, T>, key: string, value: T, max: number): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= max) return;
  const [oldest] = map.keys();
  map.delete(oldest!);
}
