/** Settings of an endpoint that shape its requests. Confidential values show as a mask. */

export const SIGNATURES = ['hmac', 'ed25519'] as const;
export type Signature = (typeof SIGNATURES)[number];

/** The body is the event's payload, or the envelope of Standard Webhooks around it. */
export const BODY_FORMS = ['payload', 'envelope'] as const;
export type BodyForm = (typeof BODY_FORMS)[number];

export const STATUS_CLASSES = ['3xx', '4xx', '5xx'] as const;
/** A status, or all statuses that begin with a digit. */
export type StatusPattern = number | (typeof STATUS_CLASSES)[number];

/** Time for the whole answer of a receiver. */
export const TIMEOUT_MS = { min: 1_000, max: 30_000, default: 15_000 };

/** Shown in place of a confidential value. */
export const MASK = '****';
export type Mask = typeof MASK;

/** A second signature: HMAC-SHA256 of the body alone, in a header of the owner's choice. */
export interface ExtraSignature {
  header: string;
  prefix: string;
  encoding: 'hex' | 'base64';
}

/** As the API shows them. */
export interface WireSettings {
  headers: Record<string, Mask>;
  basic_auth: { username: string; password: Mask } | null;
  client_certificate: { certificate: string; private_key: Mask } | null;
  /** PEM; null: the public authorities. */
  ca: string | null;
  /** `secret` null: the endpoint's newest secret. */
  extra_signature: (ExtraSignature & { secret: Mask | null }) | null;
  body: BodyForm;
  /** Seconds before each retry; null: the default schedule. */
  retry_schedule: number[] | null;
  permanent_statuses: StatusPattern[];
  metadata: Record<string, string>;
}

/** The most secrets of an endpoint that sign at the same time. */
export const MAX_LIVE_SECRETS = 10;

export function matchesStatus(patterns: StatusPattern[], status: number): boolean {
  return patterns.some((pattern) => pattern === status || pattern === `${Math.floor(status / 100)}xx`);
}
