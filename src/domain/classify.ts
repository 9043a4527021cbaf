import type { Classification, StopReason } from './delivery.js';
import { matchesStatus, type StatusPattern } from './endpoint.js';

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

export function nextStep(
  classification: Classification,
  retryOn: RetryOn,
  stopReason: StopReason | null = null,
): NextStep {
  if (classification === 'DELIVERED') return 'delivered';
  if (classification === 'GONE' || stopReason === 'RECEIVER_DISABLED') return 'gone';
  if (stopReason !== null) return 'stop';
  const mendable = classification === 'HTTP_4XX_PERMANENT' || classification === 'REDIRECT';
  if (mendable && retryOn === 'all') return 'retry';
  return isNonRetryable(classification) ? 'stop' : 'retry';
}

/**
 * Why no attempt follows an answer that its classification alone would have retried; `told`: the header
 * `webhook-delivery`. A receiver may also disable its endpoint with a 2xx.
 */
export function stopReasonOf(
  status: number,
  told: string | undefined,
  endpoint: { retry_on: RetryOn; permanent_statuses: StatusPattern[] },
): StopReason | null {
  const order = told?.trim().toLowerCase();
  if (order === 'disable') return 'RECEIVER_DISABLED';
  if (nextStep(classifyStatus(status), endpoint.retry_on) !== 'retry') return null;
  // The second is how Svix spells it: receivers may send it already.
  if (order === 'abort' || order === 'abort-message') return 'RECEIVER_ABORTED';
  return matchesStatus(endpoint.permanent_statuses, status) ? 'PERMANENT_STATUS' : null;
}
