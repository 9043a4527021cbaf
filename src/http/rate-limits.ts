import type { IncomingMessage, ServerResponse } from 'node:http';
import ipaddr from 'ipaddr.js';
import { createTokenBuckets } from '../lib/token-bucket.js';
import { Problem } from './problem.js';

export interface RateLimits {
  /** Takes a request of a key. Throws a 429 Problem where none is left; both answers tell what is. */
  takeRequest(key: { id: string; rate_per_second: number | null }, response: ServerResponse): void;
  /** Throws a 429 Problem where too many unknown keys and codes came from the address of the request. */
  takeFailure(request: IncomingMessage): void;
}

const MAX_KEYS = 10_000;
const MAX_ADDRESSES = 10_000;
/** Unknown keys and codes of one address: 20 at once, then 20 a minute. */
const FAILURES = { capacity: 20, perSecond: 20 / 60 };

/** Token buckets in this process: each of several processes has its own. */
export function createRateLimits(now?: () => number): RateLimits {
  const requests = createTokenBuckets(MAX_KEYS, now);
  const failures = createTokenBuckets(MAX_ADDRESSES, now);
  return {
    takeRequest({ id, rate_per_second: rate }, response) {
      if (rate === null) return;
      const left = requests.take(id, { capacity: rate, perSecond: rate });
      // draft-ietf-httpapi-ratelimit-headers-10: a quota of `q` requests in `w` seconds, `r` left until `t`.
      response.setHeader('ratelimit-policy', `"key";q=${rate};w=1`);
      response.setHeader('ratelimit', `"key";r=${Math.max(0, Math.floor(left))};t=1`);
      if (left < 0) throw tooMany(`This API key or session may make ${rate} requests a second.`, 1);
    },
    takeFailure(request) {
      const left = failures.take(addressOf(request), FAILURES);
      if (left >= 0) return;
      const seconds = Math.ceil(-left / FAILURES.perSecond);
      throw tooMany('Too many unknown API keys or codes came from this address.', seconds);
    },
  };
}

const tooMany = (detail: string, seconds: number) =>
  new Problem(429, 'rate_limited', detail, [], { 'retry-after': String(seconds) });

/** An IPv6 host has a network of 64 bits to itself. */
function addressOf({ socket }: IncomingMessage): string {
  const text = socket.remoteAddress ?? '';
  if (!ipaddr.isValid(text)) return text;
  const address = ipaddr.process(text);
  return address.kind() === 'ipv6'
    ? (address as ipaddr.IPv6).parts.slice(0, 4).join(':')
    : address.toString();
}
