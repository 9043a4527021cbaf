import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import { Context } from '@temporalio/activity';
import type { Logger } from 'pino';
import type { Progress } from '../src/db/deliveries.js';
import { isNonRetryable } from '../src/domain/classify.js';
import type { Attempt } from '../src/domain/delivery.js';
import { summarize, type AttemptSummary, type Trail } from '../workflows/contract.js';

export interface NextTryDeps {
  /** The next attempt is the workflow's: the poller makes it only when it is overdue. */
  assignToWorkflow(deliveryId: string): Promise<void>;
  /** Signals a failed attempt to the delivery's workflow. */
  attempted(
    execution: { workflowId: string; runId: string },
    deliveryId: string,
    attempt: AttemptSummary,
  ): Promise<void>;
  log: Logger;
}

/**
 * A held delivery is looked at again after this, doubled for each look: the poller sends it when it is resumed, and its
 * workflow ends at most about as long after that as the pause has lasted. 100,000 held ones cost Temporal 28 tries a second.
 */
const HELD_MS = { first: 5_000, max: 3_600_000 };

/** The failure that has the activity tried again when the next attempt is due. */
export async function untilNext(
  deps: NextTryDeps,
  { id, status_reason, open, ...progress }: Progress,
  before: Trail | null,
): Promise<ApplicationFailure> {
  const last = progress.attempts.at(-1);
  const waitMs = open!.wait_ms;
  if (!last) return retryFailure('WAITING', status_reason ?? 'its first attempt is not due yet', waitMs);
  if (open!.run_by === 'queue') await deps.assignToWorkflow(id);
  const execution = Context.current().info.workflowExecution;
  const known = before?.attempts.at(-1)?.number ?? 0;
  // In the background, for the query `state` only: a signal that does not arrive costs the view a line, the delivery nothing.
  for (const attempt of progress.attempts.filter(({ number }) => execution && number > known))
    void deps.attempted(execution!, id, summarize(attempt)).catch((error: unknown) => {
      deps.log.debug({ err: error, delivery_id: id }, 'state signal not delivered');
    });
  // If the endpoint wants every non-2xx retried, the type must not be one that the policy stops at.
  const type = isNonRetryable(last.classification) ? `${last.classification}_RETRIED` : last.classification;
  return retryFailure(type, `${last.classification}, ${wordsOf(last, progress.max_attempts)}`, waitMs);
}

/** The failure that has a held delivery looked at again, less and less often. */
export async function untilResumed(
  deps: NextTryDeps,
  { id, status_reason, open }: Progress,
  trail: Trail,
  before: Trail | null,
): Promise<ApplicationFailure> {
  if (open!.run_by === 'queue') await deps.assignToWorkflow(id);
  const held = before?.held ?? 0;
  Context.current().heartbeat({ ...trail, held: held + 1 } satisfies Trail);
  return retryFailure('HELD', status_reason ?? 'held', Math.min(HELD_MS.first * 2 ** held, HELD_MS.max));
}

export const wordsOf = ({ number, http_status, error }: Attempt, maxAttempts: number) =>
  `attempt ${number} of ${maxAttempts}: ${http_status === null ? error : `HTTP ${http_status}`}`;

export function retryFailure(type: string, message: string, delayMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type,
    message,
    // 0 would stop the retries.
    nextRetryDelay: Math.max(1, Math.ceil(delayMs)),
    category: ApplicationFailureCategory.BENIGN,
  });
}
