import type { Attempt, Classification } from './delivery.js';
import { ANSWERS } from './diagnose.js';

export const ISSUE_STATUSES = ['open', 'acknowledged'] as const;
export type IssueStatus = (typeof ISSUE_STATUSES)[number];

export interface IssueWords {
  title: string;
  /** The fault. */
  explanation: string;
  /** How to mend it. */
  advice: string;
}

const REPLAY = 'Then replay the deliveries that failed.';
const RETRIED = 'Deliveries are retried on their schedule, and fail after the last attempt.';
const STOPPED = 'Such a delivery fails at once: a retry would not change the answer.';

const WORDS: Record<
  Exclude<Classification, 'DELIVERED'>,
  [title: string, explanation: string, advice: string]
> = {
  HTTP_5XX_RETRYABLE: [
    'The receiver fails',
    `The receiver accepts the requests, but fails to handle them. ${RETRIED}`,
    `Look at the receiver’s log for the time of the attempts. ${REPLAY}`,
  ],
  RATE_LIMITED: [
    'The receiver takes fewer requests than it gets',
    `The receiver limits its requests. ${RETRIED} A Retry-After is honoured.`,
    'Raise the limit of the receiver, or subscribe the endpoint to fewer events.',
  ],
  HTTP_4XX_RETRYABLE: [
    'The receiver gives up on requests',
    `The receiver did not get a whole request in time. ${RETRIED}`,
    'Look at the load of the receiver, and at proxies before it.',
  ],
  HTTP_4XX_PERMANENT: [
    'The receiver refuses requests',
    `The receiver answers that the requests are wrong. ${STOPPED}`,
    `Mend the endpoint or the receiver. ${REPLAY}`,
  ],
  GONE: [
    'The receiver is gone',
    'The receiver answered 410, which says that it is gone for good. The endpoint was disabled.',
    `Delete the endpoint, or change its URL and enable it. ${REPLAY}`,
  ],
  REDIRECT: [
    'The URL redirects',
    `The receiver leads to another URL, and redirects are never followed. ${STOPPED}`,
    `Change the URL of the endpoint to the one it leads to. ${REPLAY}`,
  ],
  TIMEOUT: [
    'The receiver does not answer in time',
    `No answer came within the endpoint’s timeout_ms. The receiver may have done its work all the same. ${RETRIED}`,
    'Let the receiver answer before it does its work, or raise timeout_ms. Where nothing answers at all, look at its firewall.',
  ],
  NETWORK_ERROR: [
    'The connection to the receiver fails',
    `No connection was made, or it broke before the answer. ${RETRIED}`,
    'Check that the receiver runs, that the port of the URL is right, and that no firewall is between.',
  ],
  DNS_ERROR: [
    'The host name does not resolve',
    `The name in the URL has no address. ${RETRIED}`,
    `Correct the host name of the URL, or its DNS records. ${REPLAY}`,
  ],
  TLS_ERROR: [
    'No secure connection to the receiver',
    `The TLS handshake failed, mostly for a certificate that has expired, is for another name or is not trusted. ${RETRIED}`,
    `Renew the receiver’s certificate, or give the endpoint its ca or client_certificate. A test of the endpoint says more. ${REPLAY}`,
  ],
  ADDRESS_BLOCKED: [
    'The URL leads to a forbidden address',
    `The host is, or resolves to, an address or a port that requests may not go to. ${STOPPED}`,
    `Correct the URL. Where the address is meant, an operator allows its network with SUREHOOK_ALLOW_NETWORKS or its port with SUREHOOK_ALLOW_PORTS. ${REPLAY}`,
  ],
  WORKER_LOST: [
    'Attempts were cut short',
    'A process of Surehook ended during the attempts: whether the receiver got them is not known. Deliveries are tried again.',
    'Look at the processes’ logs and memory for the reason of their end. The receiver need not be changed.',
  ],
  ENDPOINT_DELETED: [
    'The endpoint was deleted',
    'Its open deliveries ended when the endpoint was deleted.',
    'Nothing is to be done.',
  ],
  INTERNAL_ERROR: [
    'Surehook failed',
    'A fault of Surehook ended the deliveries; the receiver is not the reason.',
    `Look at the log for the deliveries’ ids, and report the fault. ${REPLAY}`,
  ],
};

/** Says in words what fails, and what to do about it. `last`: its newest attempt. */
export function describeIssue(
  classification: Classification,
  last: Pick<Attempt, 'http_status' | 'error'> | null,
): IssueWords {
  if (classification === 'DELIVERED') throw new Error('A delivered attempt is no issue.');
  const [title, explanation, advice] = WORDS[classification];
  const { http_status: status = null, error = null } = last ?? {};
  if (status === null)
    return {
      title,
      explanation: error ? `${explanation} The newest attempt: ${error}` : explanation,
      advice,
    };
  const hint = status === 410 ? undefined : ANSWERS[status];
  return {
    title: `${title}: HTTP ${status}`,
    explanation: hint ? `${explanation} HTTP ${status}: ${hint}` : explanation,
    advice,
  };
}
