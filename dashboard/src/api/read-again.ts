import { ApiError } from './problem';
import type { Delivery } from './types';

const LATEST_MS = 10_000;

/**
 * When deliveries that are shown are read again: after `soonest`, or later where no attempt is due by then. False: all have
 * ended, or the read was refused and would be again.
 */
export function readAgainIn(
  shown: Delivery[] | undefined,
  error: Error | null,
  soonest: number,
): number | false {
  if (error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 429)
    return false;
  if (error) return LATEST_MS;
  if (!shown) return soonest;
  const open = shown.filter(({ completed_at }) => completed_at === null);
  if (open.length === 0) return false;
  const next = Math.min(...open.map(dueIn));
  return Math.min(LATEST_MS, Math.max(soonest, next));
}

/** A delivery that is held waits for an operator. */
const dueIn = ({ status, next_attempt_at }: Delivery): number =>
  status === 'HELD' ? LATEST_MS / 2 : next_attempt_at === null ? 0 : Date.parse(next_attempt_at) - Date.now();
