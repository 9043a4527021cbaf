import { ApplicationFailureCategory, ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { makeAttempt, OWN_FAULT_DELAY_MS, type AttemptDeps } from '../src/delivery/attempt.js';
import { withProof } from '../src/delivery/attempt-proof.js';
import { nextNumber, recordTrail, withLost } from '../src/delivery/attempt-history.js';
import type { TemporalEnding } from '../src/db/temporal-endings.js';
import type { Attempt, DeliveryStatus } from '../src/domain/delivery.js';
import { isNonRetryable } from '../src/domain/classify.js';
import {
  summarize,
  withoutContents,
  type AttemptSummary,
  type SendAttemptFailureDetails,
  type SendAttemptInput,
  type SendAttemptResult,
  type Trail,
} from '../workflows/contract.js';

export interface ActivityDeps extends AttemptDeps {
  /** A workflow has got as far as the first attempt of one of its deliveries. */
  began(workflowId: string): void;
  /** Ends deliveries because of what was done in Temporal, audited. */
  endByTemporal(
    deliveryIds: string[],
    status: DeliveryStatus,
    reason: string,
    ending: TemporalEnding,
  ): Promise<string[]>;
  /** Keeps in the audit that an activity was completed by hand. */
  auditCompleted(deliveryId: string): Promise<void>;
  /** Signals a failed attempt to the delivery's workflow. */
  tell(
    execution: { workflowId: string; runId: string },
    deliveryId: string,
    attempt: AttemptSummary,
  ): Promise<void>;
}

/** Below the activity's heartbeat timeout with room for a lost one. */
const HEARTBEAT_EVERY_MS = 5_000;
const UNRECORDED = 'put off by a fault of ours: earlier attempts could not be recorded';

/**
 * One attempt in Temporal's terms: its list of attempts travels as heartbeat details from try to try, a retry is a
 * benign failure with the exact delay, and what no retry can mend is a non-retryable one.
 */
export async function sendAttempt(deps: ActivityDeps, input: SendAttemptInput): Promise<SendAttemptResult> {
  const { deliveryId, attemptsBefore, maxAttempts } = input;
  const context = Context.current();
  if (attemptsBefore === 0 && context.info.attempt === 1)
    deps.began(context.info.workflowExecution?.workflowId ?? '');
  const before = context.info.heartbeatDetails as Trail | undefined;
  const trail: Trail = { entries: withLost(before, { ...input, tries: context.info.attempt - 1 }) };
  const recordedBefore = await recordTrail(deps, deliveryId, trail.entries).then(
    () => true,
    () => false,
  );
  const number = nextNumber(trail.entries, attemptsBefore);
  if (number > maxAttempts)
    throw finalFailure('WORKER_LOST', 'The last attempt was lost with its worker.', trail);
  // With a later one in the history, an earlier one would not be taken any more.
  if (!recordedBefore)
    return { kind: 'held', reason: UNRECORDED, retryInMs: OWN_FAULT_DELAY_MS, ...told(trail) };
  if (trail.entries.length > (before?.entries.length ?? 0)) context.heartbeat(trail);

  const beat = setInterval(() => context.heartbeat(trail), HEARTBEAT_EVERY_MS);
  let outcome;
  try {
    outcome = await makeAttempt(deps, { deliveryId, number, maxAttempts });
  } finally {
    clearInterval(beat);
  }
  if (outcome.kind === 'held' || outcome.kind === 'ended') return { ...outcome, ...told(trail) };

  const { attempt, delayMs, recorded } = outcome;
  trail.entries.push({
    attempt: withProof(deps.secrets, deliveryId, withoutContents(attempt)),
    temporalAttempt: context.info.attempt,
    ...(recorded ? {} : { unrecorded: true }),
  });
  if (outcome.kind === 'delivered') return { kind: 'delivered', ...told(trail) };

  context.heartbeat(trail);
  const what = attempt.http_status === null ? attempt.error : `HTTP ${attempt.http_status}`;
  const message = `attempt ${attempt.number} of ${maxAttempts}: ${what}`;
  if (delayMs === null) throw finalFailure(attempt.classification, message, trail);
  // Its workflow has it recorded before anything else: the next try may be a day away.
  if (!recorded) return { kind: 'retry', waitMs: delayMs, ...told(trail) };
  await tellWorkflow(deps, deliveryId, attempt);
  throw ApplicationFailure.create({
    // Where the endpoint wants every non-2xx retried, the type must not be one that the policy stops at.
    type: isNonRetryable(attempt.classification)
      ? `${attempt.classification}_RETRIED`
      : attempt.classification,
    message: `${attempt.classification}, ${message}`,
    nextRetryDelay: delayMs,
    category: ApplicationFailureCategory.BENIGN,
  });
}

function finalFailure(type: string, message: string, trail: Trail): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message: `${type}, ${message}`,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details: [told(trail)] satisfies SendAttemptFailureDetails,
  });
}

/** What the workflow is told of the tries of this activity. */
function told({ entries }: Trail) {
  return {
    attempts: entries.map((entry) => summarize(entry.attempt)),
    unrecorded: entries.filter((entry) => entry.unrecorded).map((entry) => entry.attempt),
  };
}

/** For the query `state` only: a signal that does not arrive costs the view a line, never the delivery anything. */
async function tellWorkflow(deps: ActivityDeps, deliveryId: string, attempt: Attempt): Promise<void> {
  const execution = Context.current().info.workflowExecution;
  if (!execution) return;
  await deps.tell(execution, deliveryId, summarize(attempt)).catch((error: unknown) => {
    deps.log.debug({ err: error, delivery_id: deliveryId }, 'state signal not delivered');
  });
}
