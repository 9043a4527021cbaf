/** A delivery (one event to one endpoint): its states, its attempts and their classifications. */

export const DELIVERY_STATUSES = [
  'PENDING',
  'IN_PROGRESS',
  'HELD',
  'DELIVERED',
  'FAILED',
  'CANCELLED',
] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** States that are not final. */
export const OPEN_STATUSES = ['PENDING', 'IN_PROGRESS', 'HELD'] as const satisfies DeliveryStatus[];

export const isOpen = ({ status }: { status: string }): boolean =>
  (OPEN_STATUSES as readonly string[]).includes(status);

/** The events that get a workflow: all, only those still open, or none. */
export const WORKFLOW_MODES = ['all', 'open', 'none'] as const;
export type WorkflowMode = (typeof WORKFLOW_MODES)[number];

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

/** Why a delivery ends with an attempt whose classification does not say it. */
export const STOP_REASONS = ['PERMANENT_STATUS', 'RECEIVER_ABORTED', 'RECEIVER_DISABLED'] as const;
export type StopReason = (typeof STOP_REASONS)[number];

/** Durations of a request's steps, in milliseconds; null for a step not taken (reused connection, early failure). */
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
  /** Position in the delivery's history, from 1; not Temporal's attempt number. */
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
  /** The receiver's `Retry-After`, unparsed. */
  retry_after: string | null;
  next_attempt_at: string | null;
  /** The endpoint's `permanent_statuses`, or the receiver's `webhook-delivery`, decided what follows; null: neither. */
  stop_reason: StopReason | null;
}
