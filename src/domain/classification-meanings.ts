import type { Classification } from './delivery.js';

/** Each classification of an attempt in one sentence: what happened. */
export const CLASSIFICATION_MEANINGS: Record<Classification, string> = {
  DELIVERED: 'The endpoint answered with a status from 200 to 299.',
  HTTP_5XX_RETRYABLE: 'The endpoint answered with a status from 500 to 599.',
  RATE_LIMITED: 'The endpoint answered 429: too many requests.',
  HTTP_4XX_RETRYABLE: 'The endpoint answered 408 or 425: try again later.',
  HTTP_4XX_PERMANENT: 'The endpoint refused the request: sending the same again would not help.',
  GONE: 'The endpoint answered 410: it no longer exists. It was disabled.',
  REDIRECT: 'The endpoint answered with a redirect. Redirects are never followed.',
  TIMEOUT: 'No complete answer arrived in time.',
  NETWORK_ERROR: 'The connection failed or broke off.',
  DNS_ERROR: 'The name of the host could not be resolved.',
  TLS_ERROR: 'No secure connection: the certificate or the TLS handshake failed.',
  ADDRESS_BLOCKED: 'The host resolves to an address that may not be called.',
  WORKER_LOST:
    'Sending was interrupted before the answer was recorded. The endpoint may have got the request.',
  ENDPOINT_DELETED: 'The endpoint was deleted before the delivery ended.',
  INTERNAL_ERROR: 'The sending side failed; this used up no attempt of the endpoint.',
};
