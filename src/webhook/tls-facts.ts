import type { PeerCertificate, TLSSocket } from 'node:tls';

/** How a TLS connection was made, for the test of an endpoint. */
export interface TlsFacts {
  version: string | null;
  /** The receiver showed it; null: it showed none. */
  certificate: {
    subject: string;
    issuer: string;
    /** Names and addresses it is for. */
    names: string[];
    /** Null where the certificate holds no valid time. */
    valid_from: string | null;
    expires_at: string | null;
  } | null;
}

export function tlsFacts(socket: TLSSocket): TlsFacts {
  // An empty object where there is none.
  const {
    subject,
    issuer,
    subjectaltname = '',
    valid_from,
    valid_to,
  } = socket.getPeerCertificate() as Partial<PeerCertificate>;
  return {
    version: socket.getProtocol(),
    certificate: valid_to
      ? {
          subject: nameOf(subject),
          issuer: nameOf(issuer),
          names: subjectaltname ? subjectaltname.split(', ').map((name) => name.replace(/^[\w ]+:/, '')) : [],
          valid_from: isoTime(valid_from),
          expires_at: isoTime(valid_to),
        }
      : null,
  };
}

/** OpenSSL words a malformed time as `Bad time value`. */
function isoTime(text = ''): string | null {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? null : time.toISOString();
}

/** The common name, or the whole name without one. */
function nameOf(name: Partial<PeerCertificate['subject']> = {}): string {
  const { CN } = name;
  if (CN) return [CN].flat().join(', ');
  return Object.entries(name)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(', ');
}
