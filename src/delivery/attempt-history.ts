import { nextStep } from '../domain/classify.js';
import type { KeptAttempt, Trail, TrailEntry } from '../../workflows/contract.js';
import { isProven } from './attempt-proof.js';
import { attemptRecord, lostAttempt, type AttemptDeps } from './attempt.js';

export type RecordToldDeps = Pick<AttemptDeps, 'record' | 'secrets' | 'log'>;

/**
 * What is known of an activity's tries, and those of the first `tries` that nobody has told the end of: their worker
 * died. `startedAt`, `nextAt`: where these are known of the last.
 */
export function withLost(
  trail: Trail | null | undefined,
  of: { attemptsBefore: number; maxAttempts: number; tries: number; startedAt?: Date; nextAt?: Date },
): TrailEntry[] {
  const entries = [...(trail?.entries ?? [])];
  const lastTry = entries.at(-1)?.temporalAttempt ?? 0;
  // After `activity reset` Temporal counts from 1 again, below the trail's last.
  const first = of.tries >= lastTry ? lastTry + 1 : 1;
  for (let lost = first; lost <= of.tries; lost++) {
    const number = nextNumber(entries, of.attemptsBefore);
    if (number > of.maxAttempts) break;
    const next = number < of.maxAttempts ? (of.nextAt ?? new Date()) : null;
    entries.push({
      attempt: lostAttempt(number, next, of.startedAt),
      temporalAttempt: lost,
      unrecorded: true,
    });
  }
  return entries;
}

/** A trail that an operator reset knows less than the history does. */
export const nextNumber = (entries: TrailEntry[], attemptsBefore: number) =>
  (entries.at(-1)?.attempt.number ?? attemptsBefore) + 1;

/** Records in order what Postgres did not take yet; where it still does not, the rest stays unrecorded. */
export async function recordTrail(
  deps: RecordToldDeps,
  deliveryId: string,
  entries: TrailEntry[],
): Promise<void> {
  for (const entry of entries.filter((one) => one.unrecorded)) {
    await recordTold(deps, deliveryId, entry.attempt);
    delete entry.unrecorded;
  }
}

/** Records an attempt that Temporal kept meanwhile; a made-up one is left out, and its delivery goes on. */
export async function recordTold(deps: RecordToldDeps, deliveryId: string, kept: KeptAttempt): Promise<void> {
  if (!isProven(deps.secrets, deliveryId, kept)) {
    deps.log.error(
      { delivery_id: deliveryId, attempt: kept.number },
      'made-up attempt from Temporal left out',
    );
    return;
  }
  const attempt = { ...kept };
  delete attempt.proof;
  // Whether a 4xx would have been retried shows in its next_attempt_at; the step only names the reason.
  await deps.record(attemptRecord(deliveryId, attempt, nextStep(attempt.classification, 'default')));
}
