import type { AttemptDeps } from '../src/delivery/attempt.js';
import { recordTold, recordTrail, withLost } from '../src/delivery/attempt-history.js';
import {
  summarize,
  type AttemptSummary,
  type KeptAttempt,
  type RecordLostInput,
} from '../workflows/contract.js';

export interface RecordOutcomeInput {
  deliveryId: string;
  attempts: KeptAttempt[];
}

/** Records attempts that were made while Postgres was away. Retried apart from sending: nothing is sent again. */
export async function recordOutcome(deps: AttemptDeps, input: RecordOutcomeInput): Promise<void> {
  for (const attempt of input.attempts) await recordTold(deps, input.deliveryId, attempt);
}

/** Records the tries that ended with their worker, and what else it had not recorded; answers all tries. */
export async function recordLost(deps: AttemptDeps, input: RecordLostInput): Promise<AttemptSummary[]> {
  const known = input.trail?.entries.at(-1)?.temporalAttempt ?? 0;
  const entries = withLost(input.trail, { ...input, tries: input.tries ?? known + 1 });
  await recordTrail(deps, input.deliveryId, entries);
  return entries.map((entry) => summarize(entry.attempt));
}
