import type { Classification } from './delivery.js';

/** Why a request ended without a complete answer. */
export type SendFault = 'TIMEOUT' | 'NETWORK_ERROR' | 'DNS_ERROR' | 'TLS_ERROR' | 'ADDRESS_BLOCKED';

export type RetryOn = 'default' | 'all';

/** The step that follows an attempt; `gone` stops and disables the endpoint. */
export type NextStep = 'delivered' | 'retry' | 'stop' | 'gone';

export function classifyStatus(status: number): Classification {
  if (status >= 200 && status < 300) return 'DELIVERED';
  if (status === 408 || status === 425) return 'HTTP_4XX_RETRYABLE';
  if (status === 410) return 'GONE';
  if (status === 429) return 'RATE_LIMITED';
  if (status >= 500) return 'HTTP_5XX_RETRYABLE';
  if (status >= 400) return 'HTTP_4XX_PERMANENT';
  return 'REDIRECT';
}

/** Failure types that a retry cannot fix; also the RetryPolicy's `nonRetryableErrorTypes`. */
export const NON_RETRYABLE = [
  'HTTP_4XX_PERMANENT',
  'GONE',
  'REDIRECT',
  'ADDRESS_BLOCKED',
  'ENDPOINT_DELETED',
  'INTERNAL_ERROR',
] as const satisfies Classification[];

export function isNonRetryable(classification: Classification): boolean {
  return (NON_RETRYABLE as readonly Classification[]).includes(classification);
}

export function nextStep(classification: Classification, retryOn: RetryOn): NextStep {
  if (classification === 'DELIVERED') return 'delivered';
  if (classification === 'GONE') return 'gone';
  const mendable = classification === 'HTTP_4XX_PERMANENT' || classification === 'REDIRECT';
  if (mendable && retryOn === 'all') return 'retry';
  return isNonRetryable(classification) ? 'stop' : 'retry';
}
