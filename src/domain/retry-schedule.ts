/** When the next attempt is due. Delays are in milliseconds; clock and random source are arguments. */
import { parseRetryAfter } from './retry-after.js';

const SECOND = 1_000;
const DAY = 24 * 60 * 60 * SECOND;

export interface RetryPolicy {
  initialMs: number;
  coefficient: number;
  maximumMs: number;
  maximumAttempts: number;
}

/** 5 s, 15 s, 45 s … 24 h, 24 h: 12 attempts over about 61 h. */
export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  initialMs: 5 * SECOND,
  coefficient: 3,
  maximumMs: DAY,
  maximumAttempts: 12,
};

const JITTER = 0.2;

/** Bounds of an endpoint's own schedule: retries, and seconds before each. */
export const MAX_RETRIES = 20;
export const MAX_RETRY_SECONDS = 24 * 60 * 60;

/**
 * The unjittered delay after attempt `number` (from 1). The last delay of an own schedule, in seconds, repeats: a
 * delivery keeps its number of attempts when the schedule is shortened.
 */
export function baseDelay(policy: RetryPolicy, number: number, schedule: number[] | null = null): number {
  const own = schedule?.[Math.min(number, schedule.length) - 1];
  if (own !== undefined) return own * SECOND;
  return Math.min(policy.initialMs * policy.coefficient ** (number - 1), policy.maximumMs);
}

/**
 * Delay after failed attempt `number`: that of the endpoint's own schedule, else of the policy, with ±20 % jitter; or the
 * receiver's `Retry-After` where that is longer; at most `policy.maximumMs`. Never below 1 ms: Temporal reads a
 * `nextRetryDelay` of 0 as "stop retrying". `scale` multiplies the delay, for tests and demos.
 */
export function retryDelay(input: {
  policy: RetryPolicy;
  schedule: number[] | null;
  number: number;
  retryAfter: string | null;
  now: Date;
  random: () => number;
  scale: number;
}): number {
  const { policy, schedule, number, retryAfter, now, random, scale } = input;
  const jittered = baseDelay(policy, number, schedule) * (1 + JITTER * (2 * random() - 1));
  const wished = parseRetryAfter(retryAfter, now) ?? 0;
  return Math.max(1, Math.round(Math.min(Math.max(jittered, wished), policy.maximumMs) * scale));
}
