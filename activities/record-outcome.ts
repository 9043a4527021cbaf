import { nextStep } from '../src/domain/classify.js';
import type { Attempt } from '../src/domain/delivery.js';
import { attemptRecord, type AttemptDeps } from '../src/delivery/attempt.js';

export interface RecordOutcomeInput {
  deliveryId: string;
  attempts: Attempt[];
}

/** Records attempts that were made while Postgres was away. Retried apart from sending: nothing is sent again. */
export async function recordOutcome(deps: AttemptDeps, input: RecordOutcomeInput): Promise<void> {
  for (const attempt of input.attempts) {
    // Whether a 4xx would have been retried shows in its next_attempt_at; the step only names the reason.
    await deps.record(attemptRecord(input.deliveryId, attempt, nextStep(attempt.classification, 'default')));
  }
}
