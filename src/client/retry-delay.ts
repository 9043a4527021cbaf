import { ConnectionError } from './errors.js';

/** A request that was made once: its answer with the whole body, or why there is none. */
export type Tried = { response: Response; text: string } | { error: unknown };

/** Statuses after which the same request may succeed. */
const TRANSIENT = new Set([408, 425, 429, 500, 502, 503, 504]);
const FIRST_MS = 250;
const MAX_MS = 8_000;
/** A longer `Retry-After` is for the caller to decide on. */
const MAX_ASKED_MS = 60_000;

/**
 * Milliseconds until the next try after a failed one; null: none follows. Doubles from 250 ms to 8 s with a jitter of a quarter;
 * a `Retry-After` (RFC 9110 section 10.2.3) is honoured up to a minute.
 */
export function retryDelay(tried: Tried, tries: number, random = Math.random): number | null {
  if ('response' in tried) {
    if (!TRANSIENT.has(tried.response.status)) return null;
    const asked = askedDelay(tried.response.headers.get('retry-after'));
    if (asked !== null) return asked <= MAX_ASKED_MS ? asked : null;
  } else if (!(tried.error instanceof ConnectionError)) return null;
  return Math.min(FIRST_MS * 2 ** (tries - 1), MAX_MS) * (1 - 0.25 * random());
}

function askedDelay(header: string | null): number | null {
  if (header === null) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}
