import type { Classification, DeliveryStatus } from '../../src/domain/delivery.js';
import type { Answer } from './receivers.js';

/** One way a receiver can behave, and what has to come of it. */
export interface Row {
  shows: string;
  /** The GitHub event whose example payload is sent, as `github.<event>`. */
  event: string;
  answers?: Answer[];
  /** Where the endpoint points at first; it is changed to a live URL after the first failed attempt. */
  brokenAt?: 'closed port' | 'unknown host' | 'expired certificate';
  secure?: true;
  timeoutMs?: number;
  /** Endpoints that get the event, 1 unless told. */
  endpoints?: number;
  /** How often the event is posted at once with one idempotency key, 1 unless told. */
  posts?: number;
  /** In order. A broken URL may be tried once more before the change is in. */
  attempts: Classification[];
  ends: DeliveryStatus;
  endpointEnds?: string;
  /** Least time between the first two attempts. */
  waitsMs?: number;
}

const inSeconds = (seconds: number) => () => new Date(Date.now() + seconds * 1_000).toUTCString();

const DELIVERED = { ends: 'DELIVERED' } as const;
const FAILED = { ends: 'FAILED' } as const;

export const ROWS: Row[] = [
  { shows: '200', event: 'push', attempts: ['DELIVERED'], ...DELIVERED },
  { shows: '200 over TLS', event: 'create', secure: true, attempts: ['DELIVERED'], ...DELIVERED },
  {
    shows: '500, 500, then 200',
    event: 'issues',
    answers: [500, 500],
    attempts: ['HTTP_5XX_RETRYABLE', 'HTTP_5XX_RETRYABLE', 'DELIVERED'],
    ...DELIVERED,
  },
  {
    // The schedule's 5 s are longer than this second, and the longer of the two counts.
    shows: '429 with Retry-After: 1',
    event: 'pull_request',
    answers: [{ status: 429, retryAfter: () => '1' }],
    attempts: ['RATE_LIMITED', 'DELIVERED'],
    ...DELIVERED,
  },
  {
    // 30 s, by the demo's scale 0.6 s; without the header it would be 0.12 s at most.
    shows: '429 with Retry-After: a date',
    event: 'check_run',
    answers: [{ status: 429, retryAfter: inSeconds(30) }],
    attempts: ['RATE_LIMITED', 'DELIVERED'],
    waitsMs: 500,
    ...DELIVERED,
  },
  {
    shows: '408, then 200',
    event: 'release',
    answers: [408],
    attempts: ['HTTP_4XX_RETRYABLE', 'DELIVERED'],
    ...DELIVERED,
  },
  { shows: '400', event: 'fork', answers: [400], attempts: ['HTTP_4XX_PERMANENT'], ...FAILED },
  { shows: '404', event: 'watch', answers: [404], attempts: ['HTTP_4XX_PERMANENT'], ...FAILED },
  {
    shows: '410',
    event: 'member',
    answers: [410],
    attempts: ['GONE'],
    endpointEnds: 'disabled (gone)',
    ...FAILED,
  },
  {
    shows: '301',
    event: 'repository',
    answers: [{ status: 301, location: '/elsewhere' }],
    attempts: ['REDIRECT'],
    ...FAILED,
  },
  {
    shows: 'no answer in 1 s, then 200',
    event: 'deployment',
    answers: ['hang'],
    timeoutMs: 1_000,
    attempts: ['TIMEOUT', 'DELIVERED'],
    ...DELIVERED,
  },
  {
    shows: 'closed port, then repaired',
    event: 'delete',
    brokenAt: 'closed port',
    attempts: ['NETWORK_ERROR', 'DELIVERED'],
    ...DELIVERED,
  },
  {
    shows: 'unknown host, then repaired',
    event: 'star',
    brokenAt: 'unknown host',
    attempts: ['DNS_ERROR', 'DELIVERED'],
    ...DELIVERED,
  },
  {
    shows: 'expired certificate, then repaired',
    event: 'label',
    brokenAt: 'expired certificate',
    secure: true,
    attempts: ['TLS_ERROR', 'DELIVERED'],
    ...DELIVERED,
  },
  {
    shows: 'reset in the headers, then 200',
    event: 'milestone',
    answers: ['reset'],
    attempts: ['NETWORK_ERROR', 'DELIVERED'],
    ...DELIVERED,
  },
  {
    shows: '200, reset in the body',
    event: 'issue_comment',
    answers: ['cut'],
    attempts: ['DELIVERED'],
    ...DELIVERED,
  },
  { shows: 'one event, 3 endpoints', event: 'status', endpoints: 3, attempts: ['DELIVERED'], ...DELIVERED },
  { shows: 'one key, posted 50 times', event: 'team', posts: 50, attempts: ['DELIVERED'], ...DELIVERED },
];
