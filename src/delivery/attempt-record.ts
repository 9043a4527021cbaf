import type { SentEndpoint } from '../db/endpoint-targets.js';
import type { AttemptRecord, LostClaim } from '../db/open-deliveries/index.js';
import { classifyStatus, stopReasonOf, type NextStep } from '../domain/classify.js';
import type { Attempt } from '../domain/delivery.js';
import {
  credentialsIn,
  redactAnswer,
  redactCutEchoes,
  redactEchoes,
  redactHeaders,
} from '../domain/redact.js';
import { newId } from '../lib/ids.js';
import type { SendRequest, SendResult } from '../webhook/send.js';
import type { Sending } from './sending.js';

/** An attempt as its history shows it, without secrets. `sending`: its confidential values, beyond what headers show. */
export function describe(
  number: number,
  request: Pick<SendRequest, 'headers'>,
  result: SendResult,
  { endpoint, sending }: { endpoint: SentEndpoint; sending: Sending },
): Attempt {
  const { headers } = request;
  const answered = result.kind === 'response';
  const credentials = credentialsIn(headers, sending.credentials);
  return {
    id: newId('att', result.startedAt),
    number,
    started_at: result.startedAt.toISOString(),
    latency_ms: result.latencyMs,
    timings: result.timings,
    remote_address: result.remoteAddress,
    http_status: result.status,
    classification: answered ? classifyStatus(result.status) : result.fault,
    error: answered ? result.error : result.message,
    request_headers: redactHeaders(headers, { names: sending.hidden }),
    response_headers: redactHeaders(result.headers, { echoes: credentials }),
    response_body:
      result.body && (result.truncated ? redactCutEchoes : redactEchoes)(result.body, credentials),
    truncated: result.truncated,
    retry_after: answered ? result.retryAfter && redactAnswer(result.retryAfter, credentials) : null,
    next_attempt_at: null,
    stop_reason: answered ? stopReasonOf(result.status, result.headers['webhook-delivery'], endpoint) : null,
  };
}

/** When the receiver answered: a date in `Retry-After` is by its clock, as `Date` is (RFC 9110 section 6.6.1). */
export function answeredAt({ response_headers }: Attempt): Date {
  const told = new Date(response_headers.date ?? NaN);
  return Number.isNaN(told.getTime()) ? new Date() : told;
}

/** The meaning of an attempt for its delivery. A retry that is not to come has used up its attempts. */
export function attemptRecord(
  { id: deliveryId, claim }: { id: string; claim: number },
  attempt: Attempt,
  step: NextStep,
): AttemptRecord {
  const { stop_reason = null } = attempt;
  const gone = step === 'gone' || stop_reason === 'RECEIVER_DISABLED';
  const about = { deliveryId, claim, attempt, gone };
  if (step === 'delivered') return { ...about, status: 'DELIVERED', reason: null };
  if (attempt.next_attempt_at !== null) return { ...about, status: 'IN_PROGRESS', reason: null };
  const exhausted = step === 'retry' && attempt.classification !== 'WORKER_LOST';
  const reason = stop_reason ?? (exhausted ? 'ATTEMPTS_EXHAUSTED' : attempt.classification);
  return { ...about, status: 'FAILED', reason };
}

/** The record of a claim that ended without one: its process died, or was too slow. The next attempt is due at once. */
export function lostRecord({ id, claim, attempt_count, max_attempts }: LostClaim): AttemptRecord {
  const number = attempt_count + 1;
  const attempt = lostAttempt(number, number < max_attempts ? new Date() : null);
  return attemptRecord({ id, claim }, attempt, 'retry');
}

/** An attempt whose end is unknown. `next`: when another follows. */
function lostAttempt(number: number, next: Date | null, startedAt = new Date()): Attempt {
  return {
    id: newId('att', startedAt),
    number,
    started_at: startedAt.toISOString(),
    latency_ms: 0,
    timings: null,
    remote_address: null,
    http_status: null,
    classification: 'WORKER_LOST',
    error:
      'The process died or lost its connection during this attempt; the receiver may have got the request.',
    request_headers: {},
    response_headers: {},
    response_body: null,
    truncated: false,
    retry_after: null,
    next_attempt_at: next && next.toISOString(),
    stop_reason: null,
  };
}
