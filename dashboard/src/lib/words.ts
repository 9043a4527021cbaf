import type { Classification, DeliveryStatus } from '../api/types';

/** Name and color (of Mantine) of each status of a delivery. */
export const STATUS_WORDS: Record<DeliveryStatus, { label: string; color: string }> = {
  PENDING: { label: 'Waiting', color: 'blue' },
  IN_PROGRESS: { label: 'Retrying', color: 'orange' },
  HELD: { label: 'Held', color: 'grape' },
  DELIVERED: { label: 'Delivered', color: 'teal' },
  FAILED: { label: 'Failed', color: 'red' },
  CANCELLED: { label: 'Cancelled', color: 'gray' },
};

interface Words {
  label: string;
  color: string;
}

/** Name and color of each classification of an attempt. */
export const CLASSIFICATION_WORDS: Record<Classification, Words> = {
  DELIVERED: {
    label: 'Delivered',
    color: 'teal',
  },
  HTTP_5XX_RETRYABLE: {
    label: 'Server error',
    color: 'orange',
  },
  RATE_LIMITED: {
    label: 'Rate limited',
    color: 'orange',
  },
  HTTP_4XX_RETRYABLE: {
    label: 'Not now',
    color: 'orange',
  },
  HTTP_4XX_PERMANENT: {
    label: 'Refused',
    color: 'red',
  },
  GONE: {
    label: 'Gone',
    color: 'red',
  },
  REDIRECT: {
    label: 'Redirect',
    color: 'red',
  },
  TIMEOUT: { label: 'Timeout', color: 'orange' },
  NETWORK_ERROR: { label: 'Network error', color: 'orange' },
  DNS_ERROR: {
    label: 'Name not found',
    color: 'orange',
  },
  TLS_ERROR: {
    label: 'TLS error',
    color: 'orange',
  },
  ADDRESS_BLOCKED: {
    label: 'Address blocked',
    color: 'red',
  },
  WORKER_LOST: {
    label: 'Interrupted',
    color: 'orange',
  },
  ENDPOINT_DELETED: {
    label: 'Endpoint deleted',
    color: 'gray',
  },
  INTERNAL_ERROR: {
    label: 'Own fault',
    color: 'orange',
  },
};

/** An event that was posted without a key has its id in that place. */
export const keyWords = ({ id, idempotency_key }: { id: string; idempotency_key: string }): string =>
  idempotency_key === id ? 'none given' : idempotency_key;

export const CLASSIFICATIONS = Object.keys(CLASSIFICATION_WORDS) as [Classification, ...Classification[]];
