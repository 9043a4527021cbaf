import type { RateExceededError } from '../delivery/tenant-rates.js';
import { Problem } from './problem.js';

/** 429 with Retry-After and the fields of draft-ietf-httpapi-ratelimit-headers. */
export function rateLimited({ message, perSecond, retryAfterMs }: RateExceededError): Problem {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  const detail = `${message} Try again in ${seconds} s.`;
  return new Problem(429, 'rate_limited', detail, [{ path: 'tenant', message: detail }], {
    'retry-after': String(seconds),
    ratelimit: `"tenant";r=0;t=${seconds}`,
    'ratelimit-policy': `"tenant";q=${perSecond};w=1`,
  });
}
