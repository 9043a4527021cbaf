import { ApplicationFailure, ApplicationFailureCategory, CancelledFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { Progress } from '../src/db/deliveries.js';
import type { ClaimedDelivery } from '../src/db/open-deliveries/index.js';
import type { AttemptOutcome } from '../src/delivery/attempt.js';
import { withProof } from '../src/delivery/attempt-proof.js';
import { messageOf } from '../src/lib/error-text.js';
import type { SecretCipher } from '../src/lib/secret-cipher.js';
import {
  summarize,
  withoutContents,
  type EndedDetails,
  type SendAttemptInput,
  type SendAttemptResult,
  type Trail,
} from '../workflows/contract.js';
import { retryFailure, untilNext, untilResumed, wordsOf, type NextTryDeps } from './next-try.js';

export interface SendAttemptDeps extends NextTryDeps {
  /** The outcome of the attempt under way in this process, or made and not recorded yet; null: there is none. */
  join(deliveryId: string): Promise<AttemptOutcome> | null;
  read(deliveryId: string): Promise<Progress | null>;
  /** Claims the delivery; null: somebody else did, it is not due, or something holds it. */
  claim(deliveryId: string, options: { now: boolean }): Promise<ClaimedDelivery | null>;
  /** Makes the claimed attempt, in the background. `claimedAt`: when the claim was asked for, by performance.now(). */
  run(claimed: ClaimedDelivery, claimedAt: number): void;
  secrets: Pick<SecretCipher, 'mac' | 'isMac'>;
}

/** Below the activity's heartbeat timeout with room for a lost one. */
const HEARTBEAT_EVERY_MS = 5_000;
/** Between two looks at an attempt that another process makes, and the longest wait for it in one try. */
const LOOK_EVERY_MS = 500;
const MAX_LOOKS = 60;
/** A delivery due so soon is waited for: the clock of Temporal may be ahead of that of Postgres. */
const SOON_MS = 100;
/** After a fault of ours, by the number of tries. */
const OWN_FAULT_MS = { first: 1_000, max: 30_000 };

/**
 * Follows a delivery to its end in Temporal's terms: joins the attempt under way, makes the next one when it is due, and
 * fails for retry with the exact delay, or for good with a non-retryable type. The attempts so far are its heartbeat
 * details. The claim in Postgres alone decides who may send.
 */
export async function sendAttempt(
  deps: SendAttemptDeps,
  { deliveryId }: SendAttemptInput,
): Promise<SendAttemptResult> {
  const context = Context.current();
  const before = (context.info.heartbeatDetails ?? null) as Trail | null;
  const trail: Trail = { attempts: before?.attempts ?? [] };
  const beat = setInterval(() => context.heartbeat(trail), HEARTBEAT_EVERY_MS);
  try {
    return await follow(deps, deliveryId, trail, before);
  } catch (error) {
    if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
    deps.log.warn({ err: error, delivery_id: deliveryId }, 'a try of the activity failed by a fault of ours');
    const backOff = OWN_FAULT_MS.first * 2 ** Math.min(context.info.attempt - 1, 10);
    throw retryFailure('OWN_FAULT', messageOf(error), Math.min(backOff, OWN_FAULT_MS.max));
  } finally {
    clearInterval(beat);
  }
}

async function follow(
  deps: SendAttemptDeps,
  deliveryId: string,
  trail: Trail,
  before: Trail | null,
): Promise<SendAttemptResult> {
  const context = Context.current();
  let asked = isReset();
  let attemptsBefore = before?.attempts.length;
  for (let looks = 0; looks < MAX_LOOKS;) {
    const outcome = await deps.join(deliveryId);
    const known = outcome && resultOf(deps, deliveryId, outcome, trail);
    if (known) return known;

    const progress = await deps.read(deliveryId);
    if (!progress) return { kind: 'ended', status: 'CANCELLED', reason: 'NOT_FOUND', attempts: [] };
    trail.attempts = progress.attempts.map(withoutContents);
    if (trail.attempts.length > 0) context.heartbeat(trail);
    if (!progress.open) return endOf(progress, trail);
    // An attempt made since the last try, or under way, is the one that the reset asked for.
    attemptsBefore ??= progress.attempt_count;
    const now = asked && progress.attempt_count <= attemptsBefore;
    const { claimed_by, wait_ms, is_held } = progress.open;
    if (claimed_by === null && is_held) throw await untilResumed(deps, progress, trail, before);
    if (claimed_by === null && wait_ms > SOON_MS && !now) throw await untilNext(deps, progress, before);
    if (claimed_by === null && !now) await context.sleep(wait_ms);
    const askedAt = performance.now();
    const claimed = claimed_by === null ? await deps.claim(deliveryId, { now }) : null;
    if (claimed) {
      asked = false;
      deps.run(claimed, askedAt);
      continue;
    }
    // Another process makes the attempt, or did a moment ago.
    looks += 1;
    await context.sleep(LOOK_EVERY_MS);
  }
  throw retryFailure('CLAIMED', 'another process makes the attempt', LOOK_EVERY_MS);
}

/** `temporal activity reset` asks for an attempt now: its try is the first again, and scheduled later than the activity. */
function isReset(): boolean {
  const { attempt, scheduledTimestampMs, currentAttemptScheduledTimestampMs } = Context.current().info;
  return attempt === 1 && currentAttemptScheduledTimestampMs > scheduledTimestampMs;
}

/** The result if the attempt just made is all there is to know; null: read the delivery. */
function resultOf(
  deps: SendAttemptDeps,
  deliveryId: string,
  outcome: AttemptOutcome,
  trail: Trail,
): SendAttemptResult | null {
  if (outcome.kind === 'released') return null;
  const { attempt, recorded, record } = outcome;
  const kept = withoutContents(attempt);
  const attempts = [...trail.attempts.filter(({ number }) => number !== attempt.number), kept].map(summarize);
  if (!recorded) {
    const unrecorded = withProof(deps.secrets, deliveryId, { claim: record.claim, attempt: kept });
    return { kind: 'unrecorded', record: unrecorded, attempts };
  }
  // With earlier attempts the delivery is read: the trail of this try may not know them.
  if (outcome.kind !== 'delivered' || attempt.number > 1) return null;
  return { kind: 'ended', status: 'DELIVERED', reason: null, attempts };
}

function endOf(
  { id, status, status_reason: reason, ...progress }: Progress,
  trail: Trail,
): SendAttemptResult {
  const attempts = trail.attempts.map(summarize);
  const last = progress.attempts.at(-1);
  const byAttempt = status === 'FAILED' && last !== undefined && reason !== 'ENDPOINT_DELETED';
  if (!byAttempt) return { kind: 'ended', status, reason, attempts };
  throw ApplicationFailure.create({
    type: last.classification,
    message: `${last.classification}, ${wordsOf(last, progress.max_attempts)} (${id})`,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details: [{ reason, attempts }] satisfies EndedDetails,
  });
}
