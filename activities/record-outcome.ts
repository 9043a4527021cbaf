import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { Logger } from 'pino';
import type { AttemptRecord } from '../src/db/open-deliveries/index.js';
import { attemptRecord } from '../src/delivery/attempt-record.js';
import { isProven } from '../src/delivery/attempt-proof.js';
import { nextStep } from '../src/domain/classify.js';
import type { SecretCipher } from '../src/lib/secret-cipher.js';
import type { RecordOutcomeInput } from '../workflows/contract.js';

export interface RecordOutcomeDeps {
  record(record: AttemptRecord): Promise<void>;
  /** Whether this process made the attempt and still tries to record it. */
  isRecording(deliveryId: string): boolean;
  secrets: Pick<SecretCipher, 'mac' | 'isMac'>;
  log: Logger;
}

/**
 * Records an attempt that was made while Postgres was away. Retried apart from sending: nothing is sent again. An attempt
 * that somebody made up in Temporal is left out, and its delivery goes on.
 */
export async function recordOutcome(
  { record, isRecording, secrets, log }: RecordOutcomeDeps,
  { deliveryId, ...unrecorded }: RecordOutcomeInput,
): Promise<void> {
  const { claim, attempt } = unrecorded;
  if (!isProven(secrets, deliveryId, unrecorded)) {
    log.error({ delivery_id: deliveryId, attempt: attempt.number }, 'made-up attempt from Temporal left out');
    return;
  }
  // The process that made the attempt also knows the answer's contents, which Temporal does not have.
  if (isRecording(deliveryId)) throw notYet();
  // Whether a 4xx would have been retried shows in its next_attempt_at; the step only names the reason.
  const step = nextStep(attempt.classification, 'default', attempt.stop_reason);
  await record(attemptRecord({ id: deliveryId, claim }, attempt, step));
}

const notYet = () =>
  ApplicationFailure.create({
    type: 'RECORDING',
    message: 'The process that made the attempt still tries to record it.',
    category: ApplicationFailureCategory.BENIGN,
  });
