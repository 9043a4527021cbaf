/** One event to one endpoint: its states, its attempts, and what an attempt means for it. */

export const DELIVERY_STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  'HELD',
  'DELIVERED',
  'FAILED',
  'CANCELLED',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** Who makes its first attempt: its workflow, or the process that accepted the event. */
export type Lane = 'workflow' | 'direct';

/** As its row says it; `any`: nobody has it in hand, and no workflow carries it, for its first attempt or a later one. */
export type LaneOrAny = Lane | 'any';

/** States a delivery can still leave. Everything else is final. */
export const OPEN_STATUSES = ['PENDING', 'IN_PROGRESS', 'HELD'] as const satisfies DeliveryStatus[];

export const isOpen = ({ status }: { status: string }): boolean =>
  (OPEN_STATUSES as readonly string[]).includes(status);

export const CLASSIFICATIONS = [
  'DELIVERED',
  'HTTP_5XX_RETRYABLE',
  'RATE_LIMITED',
  'HTTP_4XX_RETRYABLE',
  'HTTP_4XX_PERMANENT',
  'GONE',
  'REDIRECT',
  'TIMEOUT',
  'NETWORK_ERROR',
  'DNS_ERROR',
  'TLS_ERROR',
  'ADDRESS_BLOCKED',
  'WORKER_LOST',
  'ENDPOINT_DELETED',
  'INTERNAL_ERROR',
] as const;
export type Classification = (typeof CLASSIFICATIONS)[number];

/** Where one request's time went, in milliseconds; null where that step did not happen (reused connection, early failure). */
export interface Timings {
  dns: number | null;
  connect: number | null;
  tls: number | null;
  first_byte: number | null;
  total: number;
}

/** One HTTP request of a delivery, as it is stored and shown. Plain JSON: it also travels in the heartbeat trail. */
export interface Attempt {
  id: string;
  /** Place in the delivery's history, from 1. Never Temporal's attempt number. */
  number: number;
  /** ISO 8601 UTC. */
  started_at: string;
  latency_ms: number;
  timings: Timings | null;
  remote_address: string | null;
  http_status: number | null;
  classification: Classification;
  error: string | null;
  request_headers: Record<string, string>;
  response_headers: Record<string, string>;
  /** First 4 KiB as valid UTF-8; null where no answer came. */
  response_body: string | null;
  truncated: boolean;
  /** The receiver's `Retry-After` as it was sent. */
  retry_after: string | null;
  next_attempt_at: string | null;
}
