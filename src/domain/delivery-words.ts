import { CLASSIFICATION_MEANINGS } from './classification-meanings.js';
import {
  isOpen,
  type Attempt,
  type Classification,
  type DeliveryStatus,
  type StopReason,
} from './delivery.js';
import { duration } from './duration.js';

/** The fields of a delivery that say what follows an attempt. */
export interface DeliveryState {
  status: DeliveryStatus;
  status_reason: string | null;
  attempt_count: number;
  max_attempts: number;
  next_attempt_at: string | null;
}

type Result = Pick<Attempt, 'http_status' | 'classification' | 'error'>;
type Step = Pick<
  Attempt,
  'next_attempt_at' | 'number' | 'started_at' | 'classification' | 'stop_reason' | 'retry_after'
>;

const STOPS: Record<StopReason, string> = {
  PERMANENT_STATUS: 'the endpoint is set to take this status as final',
  RECEIVER_ABORTED: 'the endpoint asked for no further attempt (header webhook-delivery)',
  RECEIVER_DISABLED: 'the endpoint asked to be disabled (header webhook-delivery)',
};

/** The result of an attempt: `The endpoint answered 503.` */
export function happened({ http_status, classification, error }: Result): string {
  if (http_status !== null) return `The endpoint answered ${http_status}.`;
  const means = CLASSIFICATION_MEANINGS[classification];
  return error ? `${means} (${error})` : means;
}

/** The step after an attempt: `Next attempt in 40 s, because it sent Retry-After: 40.` */
export function follows(attempt: Step, delivery: DeliveryState, now: number): string {
  const { next_attempt_at, number, started_at, classification, stop_reason } = attempt;
  const isLast = number === delivery.attempt_count;
  if (classification === 'DELIVERED' && stop_reason === null) return 'The delivery is done.';
  if (next_attempt_at !== null) {
    const because = attempt.retry_after
      ? `because it sent Retry-After: ${attempt.retry_after}`
      : 'by the schedule of retries';
    if (!isLast) {
      const ms = Date.parse(next_attempt_at) - Date.parse(started_at);
      return `The next attempt was planned ${duration(Math.max(ms, 0))} later, ${because}.`;
    }
    if (isOpen(delivery)) return `${nextAttempt(delivery, now)}, ${because}.`;
    return `No attempt followed: the delivery ${ended(delivery)}.`;
  }
  if (stop_reason !== null) return `No further attempt: ${STOPS[stop_reason]}.`;
  if (delivery.status_reason === 'ATTEMPTS_EXHAUSTED' && isLast)
    return `No further attempt: all ${delivery.max_attempts} are used up.`;
  return 'No further attempt: the same request would fail again.';
}

function nextAttempt({ status, next_attempt_at }: DeliveryState, now: number): string {
  if (status === 'HELD') return 'The next attempt is held back';
  const ms = Date.parse(next_attempt_at ?? '') - now;
  return ms >= 1_000 ? `Next attempt in ${duration(ms)}` : 'The next attempt is due now';
}

const ended = ({ status, status_reason }: DeliveryState): string =>
  status === 'CANCELLED' ? `was cancelled${status_reason ? ` (${status_reason})` : ''}` : 'ended before it';

const REASONS: Record<string, string> = {
  ATTEMPTS_EXHAUSTED: 'All attempts are used up.',
  'endpoint paused (manual)': 'Its endpoint is paused. It goes on when the endpoint is resumed.',
  'endpoint disabled (manual)': 'Its endpoint is disabled. It goes on when the endpoint is enabled.',
  'endpoint disabled (gone)': 'Its endpoint was disabled because it answered 410: gone.',
  'endpoint disabled (failing)': 'Its endpoint was disabled: it failed for days without a success.',
  'activity failed by hand': 'The operator ended it by hand.',
};

/** Why a delivery is in its state, in words; null: the state says it all. */
export function reasonInWords(reason: string | null): string | null {
  if (reason === null) return null;
  if (REASONS[reason]) return REASONS[reason];
  return Object.hasOwn(CLASSIFICATION_MEANINGS, reason)
    ? CLASSIFICATION_MEANINGS[reason as Classification]
    : reason;
}
