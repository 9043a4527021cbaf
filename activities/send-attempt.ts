import { ApplicationFailureCategory, ApplicationFailure } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import { attemptRecord, makeAttempt, type AttemptDeps } from '../src/delivery/attempt.js';
import type { Attempt } from '../src/domain/delivery.js';
import { newId } from '../src/ids.js';
import {
  attemptedSignal,
  summarize,
  type SendAttemptInput,
  type SendAttemptResult,
  type Trail,
  type TrailEntry,
} from '../workflows/contract.js';

/** Below the activity's heartbeat timeout with room for a lost one. */
const HEARTBEAT_EVERY_MS = 5_000;

/**
 * One attempt in Temporal's terms: its list of attempts travels as heartbeat details from try to try, a retry is a
 * benign failure with the exact delay, and what no retry can mend is a non-retryable one.
 */
export async function sendAttempt(deps: AttemptDeps, input: SendAttemptInput): Promise<SendAttemptResult> {
  const context = Context.current();
  const trail = await openTrail(deps, input, context);
  const number = input.attemptsBefore + trail.entries.length + 1;
  const before = () => input.attemptsBefore + trail.entries.length;
  if (number > input.maxAttempts)
    throw finalFailure('ATTEMPTS_EXHAUSTED', 'The last attempt was lost with its worker.');

  const beat = setInterval(() => context.heartbeat(trail), HEARTBEAT_EVERY_MS);
  let outcome;
  try {
    outcome = await makeAttempt(deps, {
      deliveryId: input.deliveryId,
      number,
      maxAttempts: input.maxAttempts,
    });
  } finally {
    clearInterval(beat);
  }
  if (outcome.kind === 'held') return { ...outcome, attempts: before() };
  if (outcome.kind === 'ended') return { ...outcome, attempts: before() };

  const { attempt, delayMs, recorded } = outcome;
  trail.entries.push({
    attempt,
    temporalAttempt: context.info.attempt,
    ...(recorded ? {} : { unrecorded: true }),
  });
  context.heartbeat(trail);
  if (outcome.kind === 'delivered') {
    return { kind: 'delivered', attempts: before(), unrecorded: unrecordedOf(trail) };
  }
  await tellWorkflow(deps, input.deliveryId, attempt);
  const message = `${attempt.classification}: attempt ${attempt.number} of ${input.maxAttempts}, ${
    attempt.error ?? `HTTP ${attempt.http_status}`
  }`;
  if (delayMs === null) throw finalFailure(attempt.classification, message, unrecordedOf(trail));
  throw ApplicationFailure.create({
    type: attempt.classification,
    message,
    nextRetryDelay: delayMs,
    category: ApplicationFailureCategory.BENIGN,
  });
}

function finalFailure(type: string, message: string, unrecorded: Attempt[] = []): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    nonRetryable: true,
    category: ApplicationFailureCategory.BENIGN,
    details: [unrecorded],
  });
}

const unrecordedOf = (trail: Trail) =>
  trail.entries.filter((entry) => entry.unrecorded).map((entry) => entry.attempt);

/** The trail of earlier tries, with what is missing from it: tries whose worker died, and records Postgres did not take. */
async function openTrail(deps: AttemptDeps, input: SendAttemptInput, context: Context): Promise<Trail> {
  const temporalAttempt = context.info.attempt;
  const before = context.info.heartbeatDetails as Trail | undefined;
  const entries: TrailEntry[] = [...(before?.entries ?? [])];
  const lastTry = entries.at(-1)?.temporalAttempt ?? 0;
  for (let lost = lastTry + 1; lost < temporalAttempt; lost++) {
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

function lostAttempt(number: number, goesOn: boolean): Attempt {
  const now = new Date();
  return {
    id: newId('att', now),
    number,
    started_at: now.toISOString(),
    latency_ms: 0,
    timings: null,
    remote_address: null,
    http_status: null,
    classification: 'WORKER_LOST',
    error:
      'The worker died or lost its connection during this attempt; the receiver may have got the request.',
    request_headers: {},
    response_headers: {},
    response_body: null,
    truncated: false,
    retry_after: null,
    next_attempt_at: goesOn ? now.toISOString() : null,
  };
}

/** For the query `state` only: a signal that does not arrive costs the view a line, never the delivery anything. */
async function tellWorkflow(deps: AttemptDeps, deliveryId: string, attempt: Attempt): Promise<void> {
  const { client, info } = Context.current();
  const { workflowId, runId } = info.workflowExecution ?? {};
  if (!workflowId) return;
  await client.workflow
    .getHandle(workflowId, runId)
    .signal(attemptedSignal, deliveryId, summarize(attempt))
    .catch((error: unknown) =>
      deps.log.debug({ err: error, delivery_id: deliveryId }, 'state signal not delivered'),
    );
}
