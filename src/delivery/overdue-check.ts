import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ClaimedDelivery } from '../db/open-deliveries/index.js';
import { withConcurrencyLimit } from '../lib/batcher.js';
import type { WorkflowGateway, WorkflowView } from './workflow-gateway.js';

/** Calls of Temporal at a time, and the longest wait for one. */
const CALLS = { atOnce: 16, mostWaiting: 1_024, full: () => new Error('too many calls of Temporal') };
const CALL_MS = 2_000;
/** After a call without an answer, Postgres decides alone for this long: deliveries never wait for Temporal. */
const AWAY_MS = 10_000;
/** Tries to write down what an operator has stopped, within its claim. */
const MAX_TRIES = 60;
const AGAIN_MS = 1_000;

/**
 * Asks Temporal about deliveries whose workflow should have attempted them: an operator may have ended the workflow, or
 * paused the activity. Then the delivery ends or waits, and the answer is true.
 */
export function createOverdueCheck(deps: {
  workflows: Pick<WorkflowGateway, 'view'>;
  /** Cancels the delivery and releases its claim, audited with `detail`. */
  cancel(claimed: ClaimedDelivery, reason: string, detail: string): Promise<void>;
  /** Releases the claim until the activity may go on. */
  wait(claimed: ClaimedDelivery): Promise<void>;
  /** Has the workflow started again. */
  startAgain(claimed: ClaimedDelivery): Promise<void>;
  log: Logger;
}): (claimed: ClaimedDelivery) => Promise<boolean> {
  const { log } = deps;
  let awayUntil = 0;
  const isAway = () => performance.now() < awayUntil;

  const view = withConcurrencyLimit<ClaimedDelivery, WorkflowView | null>(
    // Asked again after waiting for a turn: thousands must not wait for one call after the other.
    ({ workflow_id, id }) =>
      isAway()
        ? Promise.reject(new Error('Temporal did not answer a call before.'))
        : within(CALL_MS, deps.workflows.view(workflow_id, id)),
    CALLS,
  );

  /** Repeats a step until Postgres takes it: a delivery that an operator has stopped must not be sent. */
  async function untilDone(step: () => Promise<void>): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return await step();
      } catch (error) {
        log.warn({ err: error, tries }, 'delivery stopped in Temporal, and not yet in Postgres');
        if (tries === MAX_TRIES) return;
        await sleep(AGAIN_MS);
      }
    }
  }

  async function decide(claimed: ClaimedDelivery, known: WorkflowView | null): Promise<boolean> {
    if (known === null) {
      await deps.startAgain(claimed).catch((error: unknown) => {
        log.info({ err: error, delivery_id: claimed.id }, 'its workflow is not started again');
      });
      return false;
    }
    if (known.isPaused) {
      await untilDone(() => deps.wait(claimed));
      return true;
    }
    const { status, byServer, endedBy } = known;
    if (byServer || !['TERMINATED', 'CANCELLED'].includes(status)) return false;
    const reason = `workflow ${status.toLowerCase()}`;
    await untilDone(() => deps.cancel(claimed, reason, endedBy ? `${reason} by ${endedBy}` : reason));
    log.warn({ delivery_id: claimed.id, workflow_id: claimed.workflow_id }, 'delivery cancelled in Temporal');
    return true;
  }

  return async (claimed) => {
    if (isAway()) return false;
    let known: WorkflowView | null;
    try {
      known = await view(claimed);
    } catch (error) {
      if (isAway()) return false;
      awayUntil = performance.now() + AWAY_MS;
      log.info({ err: error, delivery_id: claimed.id }, 'workflow not looked at: Temporal is away');
      return false;
    }
    return decide(claimed, known);
  };
}

const within = <T>(ms: number, work: Promise<T>): Promise<T> =>
  Promise.race([
    work,
    new Promise<never>((_, reject) => setTimeout(() => reject(new Error(`not within ${ms} ms`)), ms).unref()),
  ]);
