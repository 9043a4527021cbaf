import type { Logger } from 'pino';
import type { AttemptTarget } from '../db/deliveries.js';
import type { AttemptRecord, EndStatus, ReleasedClaim } from '../db/open-deliveries/index.js';
import { nextStep } from '../domain/classify.js';
import type { Attempt, Classification } from '../domain/delivery.js';
import { retryDelay, type RetryPolicy } from '../domain/retry-schedule.js';
import { messageOf } from '../lib/error-text.js';
import { UnsentError, type Sender, type SendResult } from '../webhook/send.js';
import { answeredAt, attemptRecord, describe } from './attempt-record.js';
import { buildRequest } from './build-request.js';
import type { ReadSending, Sending } from './sending.js';

export interface AttemptDeps {
  /** Null: the claim is over, or the delivery is to end with it. */
  load(claim: { id: string; claim: number }): Promise<AttemptTarget | null>;
  record(record: AttemptRecord): Promise<void>;
  /** Ends a claimed delivery: at once with the release of its claim. */
  end(deliveryId: string, status: EndStatus, reason: string): Promise<void>;
  /** Why nothing of a tenant may be sent now, as this process knows it; null: go on. */
  paused(tenant: string): string | null;
  /** False: other processes may have called this one dead since then, and ended the claims of that time. */
  alive(since: number): boolean;
  /** For the metrics. */
  count(classification: Classification): void;
  sender: Sender;
  readSending: ReadSending;
  retryPolicy: RetryPolicy;
  /** Multiplies every retry delay; 1 but in tests and demos. */
  retryScale: number;
  version: string;
  log: Logger;
}

/** The claim that an attempt is made under. */
export interface AttemptClaim {
  id: string;
  claim: number;
  attempt_count: number;
  max_attempts: number;
  /** When it was asked for, and when nothing may be sent under it any more, by performance.now(). */
  since: number;
  until: number;
}

export type AttemptOutcome =
  | {
      kind: 'delivered' | 'retry' | 'failed';
      attempt: Attempt;
      delayMs: number | null;
      record: AttemptRecord;
      recorded: boolean;
    }
  /** Nothing was sent, and no attempt is used up. */
  | { kind: 'released'; release: Pick<ReleasedClaim, 'inMs' | 'reason' | 'backOff'> };

/** Time to record an attempt, within its claim. */
const RECORD_MS = 5_000;
/** Shortest rest of a delivery after a fault of ours before anything was sent. */
const OWN_FAULT_DELAY_MS = 1_000;

const released = (release: Partial<ReleasedClaim> = {}): AttemptOutcome => ({
  kind: 'released',
  release: { inMs: null, reason: null, backOff: false, ...release },
});
const ownFault = (reason: string) => released({ inMs: OWN_FAULT_DELAY_MS, reason, backOff: true });

/**
 * Makes the next attempt of a claimed delivery, whole: gate, sign, send, classify, record. A receiver's fault is an
 * outcome; after a fault of ours before sending, the claim is to be released. `known`: everything the attempt needs, if
 * it is known already.
 */
export async function makeAttempt(
  deps: AttemptDeps,
  claim: AttemptClaim,
  known?: AttemptTarget,
): Promise<AttemptOutcome> {
  const { id: deliveryId, max_attempts: maxAttempts } = claim;
  let target: AttemptTarget | null;
  let sending: Sending;
  try {
    target = known ?? (await deps.load(claim));
    if (!target || target.held !== null) return released();
    if (target.endpoint.deleted) {
      await deps.end(deliveryId, 'FAILED', 'ENDPOINT_DELETED');
      return released();
    }
    sending = deps.readSending(target);
  } catch (error) {
    deps.log.error({ err: error, delivery_id: deliveryId }, 'attempt put off by a fault of ours');
    return ownFault(`put off by a fault of ours: ${messageOf(error)}`);
  }
  // Asked last: from here to the request nothing waits.
  if (deps.paused(target.tenant) !== null) return released();

  const { endpoint } = target;
  const number = claim.attempt_count + 1;
  const timestamp = Math.floor(Date.now() / 1000);
  const request = buildRequest(target, sending, { number, timestamp, version: deps.version });
  let result: SendResult;
  try {
    result = await deps.sender.send({
      ...request,
      // The answer has to be recorded under the claim, too.
      maySend: () =>
        deps.alive(claim.since) && performance.now() < claim.until - endpoint.timeout_ms - RECORD_MS,
    });
  } catch (error) {
    if (!(error instanceof UnsentError)) throw error;
    if (deps.paused(target.tenant) !== null) return released();
    return ownFault(error.message);
  }

  const attempt = describe(number, request, result, { endpoint, sending });
  const step = nextStep(attempt.classification, endpoint.retry_on, attempt.stop_reason);
  const delayMs =
    step === 'retry' && number < maxAttempts
      ? retryDelay({
          policy: deps.retryPolicy,
          schedule: endpoint.retry_schedule,
          number,
          // Not that of the record, in which credentials are redacted.
          retryAfter: 'retryAfter' in result ? result.retryAfter : null,
          now: answeredAt(attempt),
          random: Math.random,
          scale: deps.retryScale,
        })
      : null;
  if (delayMs !== null) attempt.next_attempt_at = new Date(Date.now() + delayMs).toISOString();

  const record = { ...attemptRecord(claim, attempt, step), url: endpoint.url };
  const recorded = await deps.record(record).then(
    () => true,
    (error: unknown) => {
      deps.log.error({ err: error, delivery_id: deliveryId }, 'attempt made but not yet recorded');
      return false;
    },
  );
  deps.count(attempt.classification);
  deps.log.info(
    {
      delivery_id: deliveryId,
      event_id: target.event_id,
      endpoint_id: endpoint.id,
      tenant: target.tenant,
      workflow_id: target.workflow_id,
      attempt: number,
      classification: attempt.classification,
      http_status: attempt.http_status,
      latency_ms: attempt.latency_ms,
      status: record.status,
      next_attempt_at: attempt.next_attempt_at,
    },
    'attempt',
  );
  const kind = record.status === 'DELIVERED' ? 'delivered' : delayMs !== null ? 'retry' : 'failed';
  return { kind, attempt, delayMs, record, recorded };
}
