import { hash } from 'node:crypto';

/** Temporal ids are at most 255 characters; `~` is kept for ourselves, so no key can imitate a digest or a generation. */
const SAFE_KEY = /^[A-Za-z0-9._:@/=+-]{1,128}$/;

/**
 * `deliver:<tenant>:<idempotency key>`, the event's second lock against doubling. A key that is long or has other
 * characters stands as `~` and its SHA-256 in hex; a key used again after its window gets `~2`, `~3` …
 */
export function deliverWorkflowId(tenant: string, key: string, generation = 1): string {
  const safe = SAFE_KEY.test(key) ? key : `~${hash('sha256', key)}`;
  return `deliver:${tenant}:${safe}${generation === 1 ? '' : `~${generation}`}`;
}
