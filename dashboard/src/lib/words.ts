import type { Classification, DeliveryStatus } from '../api/types';

/** Name and color (of Mantine) of each status of a delivery. */
export const STATUS_WORDS: Record<DeliveryStatus, { label: string; color: string }> = {
  PENDING: { label: 'Waiting', color: 'blue' },
  IN_PROGRESS: { label: 'Sending', color: 'blue' },
  HELD: { label: 'Held', color: 'grape' },
  DELIVERED: { label: 'Delivered', color: 'teal' },
  FAILED: { label: 'Failed', color: 'red' },
  CANCELLED: { label: 'Cancelled', color: 'gray' },
};

interface Words {
  label: string;
  color: string;
  /** One sentence: what happened. */
  means: string;
}

/** Name, color and meaning of each classification of an attempt. */
export const CLASSIFICATION_WORDS: Record<Classification, Words> = {
  DELIVERED: {
    label: 'Delivered',
    color: 'teal',
    means: 'The endpoint answered with a status from 200 to 299.',
  },
  HTTP_5XX_RETRYABLE: {
    label: 'Server error',
    color: 'orange',
    means: 'The endpoint answered with a status from 500 to 599.',
  },
  RATE_LIMITED: {
    label: 'Rate limited',
    color: 'orange',
    means: 'The endpoint answered 429: too many requests.',
  },
  HTTP_4XX_RETRYABLE: {
    label: 'Not now',
    color: 'orange',
    means: 'The endpoint answered 408 or 425: try again later.',
  },
  HTTP_4XX_PERMANENT: {
    label: 'Refused',
    color: 'red',
    means: 'The endpoint refused the request: sending the same again would not help.',
  },
  GONE: {
    label: 'Gone',
    color: 'red',
    means: 'The endpoint answered 410: it no longer exists. It was disabled.',
  },
  REDIRECT: {
    label: 'Redirect',
    color: 'red',
    means: 'The endpoint answered with a redirect. Redirects are never followed.',
  },
  TIMEOUT: { label: 'Timeout', color: 'orange', means: 'No complete answer arrived in time.' },
  NETWORK_ERROR: { label: 'Network error', color: 'orange', means: 'The connection failed or broke off.' },
  DNS_ERROR: {
    label: 'Name not found',
    color: 'orange',
    means: 'The name of the host could not be resolved.',
  },
  TLS_ERROR: {
    label: 'TLS error',
    color: 'orange',
    means: 'No secure connection: the certificate or the TLS handshake failed.',
  },
  ADDRESS_BLOCKED: {
    label: 'Address blocked',
    color: 'red',
    means: 'The host resolves to an address that may not be called.',
  },
  WORKER_LOST: {
    label: 'Interrupted',
    color: 'orange',
    means: 'Sending was interrupted before the answer was recorded. The endpoint may have got the request.',
  },
  ENDPOINT_DELETED: {
    label: 'Endpoint deleted',
    color: 'gray',
    means: 'The endpoint was deleted before the delivery ended.',
  },
  INTERNAL_ERROR: {
    label: 'Own fault',
    color: 'orange',
    means: 'The sending side failed; this used up no attempt of the endpoint.',
  },
};

export const CLASSIFICATIONS = Object.keys(CLASSIFICATION_WORDS) as [Classification, ...Classification[]];
