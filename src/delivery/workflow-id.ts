import { hash } from 'node:crypto';

/** Temporal ids are at most 255 characters; `~` is kept for ourselves, so no key can imitate a digest or a generation. */
const SAFE_KEY = /^[A-Za-z0-9._:@/=+-]{1,128}$/;
/** Without `:`, which ends the tenant: `a:b` with key `c` is not `a` with key `b:c`. */
const UNSAFE_IN_TENANT = /[^A-Za-z0-9._@/=+-]/g;
const MAX_TENANT = 64;

/**
 * `deliver:<tenant>:<idempotency key>`, the event's second lock against doubling. A key that is long or has other
 * characters stands as `~` and its SHA-256 in hex; a key used again after its window gets `~2`, `~3` …
 */
export function deliverWorkflowId(tenant: string, key: string, generation = 1): string {
  const safe = SAFE_KEY.test(key) ? key : `~${hash('sha256', key)}`;
  return `deliver:${tenantInId(tenant)}:${safe}${generation === 1 ? '' : `~${generation}`}`;
}

/** Other characters stand as `~` and two upper-case hex digits: `org~3A1`. A long one as `~` and its SHA-256, 65 characters. */
function tenantInId(tenant: string): string {
  const escaped = tenant.replace(
    UNSAFE_IN_TENANT,
    (char) => `~${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
  return escaped.length <= MAX_TENANT ? escaped : `~${hash('sha256', tenant)}`;
}
