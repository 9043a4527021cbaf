import { ApplicationFailureCategory, ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { attemptRecord, lostAttempt, makeAttempt, type AttemptDeps } from '../src/delivery/attempt.js';
import type { Attempt } from '../src/domain/delivery.js';
import { isNonRetryable } from '../src/domain/classify.js';
import {
  summarize,
  type AttemptSummary,
  type SendAttemptFailureDetails,
  type SendAttemptInput,
  type SendAttemptResult,
  type Trail,
  type TrailEntry,
} from '../workflows/contract.js';

export interface ActivityDeps extends AttemptDeps {
  /** A workflow has got as far as the first attempt of one of its deliveries. */
  began(workflowId: string): void;
  /** Signals a failed attempt to the delivery's workflow. */
  tell(
    execution: { workflowId: string; runId: string },
    deliveryId: string,
    attempt: AttemptSummary,
  ): Promise<void>;
}

/** Below the activity's heartbeat timeout with room for a lost one. */
const HEARTBEAT_EVERY_MS = 5_000;

/**
 * One attempt in Temporal's terms: its list of attempts travels as heartbeat details from try to try, a retry is a
 * benign failure with the exact delay, and what no retry can mend is a non-retryable one.
 */
export async function sendAttempt(deps: ActivityDeps, input: SendAttemptInput): Promise<SendAttemptResult> {
  const { deliveryId, attemptsBefore, maxAttempts } = input;
  const context = Context.current();
  if (attemptsBefore === 0 && context.info.attempt === 1)
    deps.began(context.info.workflowExecution?.workflowId ?? '');
  const trail = await openTrail(deps, input, context);
  const number = attemptsBefore + trail.entries.length + 1;
  if (number > maxAttempts)
    throw finalFailure('WORKER_LOST', 'The last attempt was lost with its worker.', trail);

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
    attempt,
    temporalAttempt: context.info.attempt,
    ...(recorded ? {} : { unrecorded: true }),
  });
  if (outcome.kind === 'delivered') return { kind: 'delivered', ...told(trail) };

  context.heartbeat(trail);
  const message = `attempt ${attempt.number} of ${maxAttempts}: ${attempt.error ?? `HTTP ${attempt.http_status}`}`;
  if (delayMs === null) throw finalFailure(attempt.classification, message, trail);
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

/** The trail of earlier tries, with what is missing from it: tries whose worker died, and records Postgres did not take. */
async function openTrail(deps: AttemptDeps, input: SendAttemptInput, context: Context): Promise<Trail> {
  const temporalAttempt = context.info.attempt;
  const before = context.info.heartbeatDetails as Trail | undefined;
  const entries: TrailEntry[] = [...(before?.entries ?? [])];
  const lastTry = entries.at(-1)?.temporalAttempt ?? 0;
  // After `activity reset` Temporal counts from 1 again, below the trail's last.
  const first = temporalAttempt > lastTry ? lastTry + 1 : 1;
  for (let lost = first; lost < temporalAttempt; lost++) {
    const number = input.attemptsBefore + entries.length + 1;
    if (number > input.maxAttempts) break;
    entries.push({
      attempt: lostAttempt(number, number < input.maxAttempts),
      temporalAttempt: lost,
      unrecorded: true,
    });
  }
  for (const entry of entries.filter((e) => e.unrecorded)) {
    const recorded = await deps.record(attemptRecord(input.deliveryId, entry.attempt, 'retry')).then(
      () => true,
      () => false,
    );
    if (!recorded) break;
    delete entry.unrecorded;
  }
  return { entries };
}

/** For the query `state` only: a signal that does not arrive costs the view a line, never the delivery anything. */
async function tellWorkflow(deps: ActivityDeps, deliveryId: string, attempt: Attempt): Promise<void> {
  const execution = Context.current().info.workflowExecution;
  if (!execution) return;
  await deps.tell(execution, deliveryId, summarize(attempt)).catch((error: unknown) => {
    deps.log.debug({ err: error, delivery_id: deliveryId }, 'state signal not delivered');
  });
}
