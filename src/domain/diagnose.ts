import type { Attempt } from './delivery.js';

/** The result of one request to a receiver, for words about it. */
export interface Tested {
  url: string;
  attempt: Attempt;
  /** The code of a fault, such as ECONNREFUSED; null: there was an answer, or time ran out. */
  code: string | null;
  /** The receiver showed it; null: none was seen. */
  certificate: { names: string[]; valid_from: string | null; expires_at: string | null } | null;
  now: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** A certificate that ends sooner is worth a word: most are renewed 30 days before. */
const EXPIRES_SOON_MS = 21 * DAY_MS;

/** Says in words how a test went, and what to do about it. */
export function diagnose(tested: Tested): string {
  const { attempt } = tested;
  if (attempt.http_status !== null) return [ofAnswer(tested), ofOrder(attempt), ofExpiry(tested)].join('');
  if (attempt.classification === 'DNS_ERROR') return ofName(tested);
  if (attempt.classification === 'TLS_ERROR') return ofTls(tested);
  if (attempt.classification === 'TIMEOUT') return ofTimeout(tested);
  if (attempt.classification === 'NETWORK_ERROR') return ofNetwork(tested);
  return attempt.error ?? attempt.classification;
}

/** What a status says about the receiver. */
export const ANSWERS: Record<number, string> = {
  400: 'It could not read the request: compare its body with what the receiver expects.',
  401: 'It refuses the credentials: check headers, basic_auth and client_certificate, and the secret it verifies signatures with.',
  403: 'It, or a firewall before it, refuses the request: check its credentials, the secret it verifies signatures with, and allowed addresses.',
  404: 'Nothing is at this path: check the URL.',
  405: 'This path takes no POST: check the URL.',
  406: 'It cannot answer in a form that it takes for acceptable.',
  408: 'It gave up waiting for the request.',
  410: 'It is gone: events would disable the endpoint.',
  411: 'It, or a proxy before it, cannot read the length of the request.',
  413: 'The body is larger than it takes.',
  415: 'It does not take this content type: see content_type.',
  429: 'It takes fewer requests than it gets: deliveries are tried again later.',
  502: 'A proxy before it cannot reach it.',
  503: 'It is not available now.',
  504: 'A proxy before it waited in vain for its answer.',
};

function ofAnswer({ url, attempt }: Tested): string {
  const status = attempt.http_status!;
  const said = `The receiver answered ${status} after ${Math.round(attempt.timings?.first_byte ?? attempt.latency_ms)} ms.`;
  if (status < 300) return said;
  if (status < 400) {
    const { location = '' } = attempt.response_headers;
    const there = location !== '' && URL.canParse(location, url) ? new URL(location, url).href : null;
    return `${said} Redirects are never followed: ${there ? `use ${there} as the URL.` : 'use the URL that it leads to.'}`;
  }
  const hint =
    ANSWERS[status] ?? (status < 500 ? 'It refuses the request.' : 'It failed at the request: see its log.');
  return `${said} ${hint}`;
}

function ofOrder({ stop_reason }: Attempt): string {
  if (stop_reason === 'RECEIVER_DISABLED')
    return ' Its header webhook-delivery asks for the endpoint to be disabled, which a test does not do.';
  if (stop_reason === 'RECEIVER_ABORTED') return ' Its header webhook-delivery asks for no further attempts.';
  return stop_reason === 'PERMANENT_STATUS'
    ? ' The permanent_statuses of the endpoint end a delivery here.'
    : '';
}

function ofExpiry({ certificate, now }: Tested): string {
  const { expires_at = null } = certificate ?? {};
  if (expires_at === null || Date.parse(expires_at) - now.getTime() > EXPIRES_SOON_MS) return '';
  return ` Its certificate expires on ${expires_at}.`;
}

function ofName({ url, code }: Tested): string {
  const { hostname } = new URL(url);
  return code === 'ENOTFOUND'
    ? `The host name ${hostname} does not resolve: check its spelling, and whether its DNS record exists.`
    : `The host name ${hostname} could not be looked up now (${code}): its name servers, or ours, gave no answer.`;
}

const UNTRUSTED =
  'leads to no authority that is trusted: the receiver may not send its intermediate certificate, or its authority is a private one, which ca makes trusted.';
const TLS: Record<string, string> = {
  DEPTH_ZERO_SELF_SIGNED_CERT: 'The certificate is signed by itself: set ca to trust it.',
  SELF_SIGNED_CERT_IN_CHAIN:
    'The certificate is signed by an authority that is not trusted: set ca to trust it.',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: `The certificate ${UNTRUSTED}`,
  ERROR_IN_CERT_NOT_BEFORE_FIELD: 'The certificate holds a malformed time: the receiver needs a new one.',
  ERROR_IN_CERT_NOT_AFTER_FIELD: 'The certificate holds a malformed time: the receiver needs a new one.',
  UNABLE_TO_GET_ISSUER_CERT: `The certificate ${UNTRUSTED}`,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: `The certificate ${UNTRUSTED}`,
  ERR_SSL_WRONG_VERSION_NUMBER:
    'The port does not speak TLS: the URL should begin with http://, or have another port.',
  ERR_SSL_PACKET_LENGTH_TOO_LONG:
    'The port does not speak TLS: the URL should begin with http://, or have another port.',
};
const CLIENT_REFUSED = /CERTIFICATE_REQUIRED|BAD_CERTIFICATE|UNKNOWN_CA|HANDSHAKE_FAILURE|ACCESS_DENIED/;

function ofTls({ url, attempt, code, certificate }: Tested): string {
  const { hostname } = new URL(url);
  if (code === 'CERT_HAS_EXPIRED')
    return `The certificate expired on ${certificate?.expires_at ?? 'a past day'}.`;
  if (code === 'CERT_NOT_YET_VALID')
    return `The certificate is valid from ${certificate?.valid_from ?? 'a later day'} on.`;
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return `The certificate is for ${certificate?.names.join(', ') || 'another name'}, not for ${hostname}.`;
  if (code && CLIENT_REFUSED.test(code))
    return `The receiver ended the TLS handshake (${code}): it may ask for a client_certificate, or not trust the one it gets.`;
  return (code && TLS[code]) || attempt.error!;
}

function ofTimeout({ url, attempt }: Tested): string {
  const { connect = null, tls = null } = attempt.timings ?? {};
  const isSecure = url.toLowerCase().startsWith('https:');
  const hint =
    connect === null
      ? 'A firewall that drops packets, or an address where nothing is, looks like this.'
      : isSecure && tls === null
        ? 'It accepts connections, but does not speak TLS in time.'
        : 'It should answer before it does its work, or timeout_ms should be longer.';
  return `${attempt.error} ${hint}`;
}

function ofNetwork({ url, attempt, code }: Tested): string {
  const { host } = new URL(url);
  if (code === 'ECONNREFUSED')
    return `Nothing listens at ${host} (${attempt.remote_address}): the connection was refused.`;
  if (code === 'EHOSTUNREACH' || code === 'ENETUNREACH')
    return `No route leads to ${host} (${attempt.remote_address}).`;
  if (code === 'ETIMEDOUT')
    return `${host} (${attempt.remote_address}) does not answer: a firewall may drop the packets.`;
  return attempt.error!;
}
