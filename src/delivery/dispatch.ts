import type { Logger } from 'pino';
import type { DeliveryStart, Workflows } from './workflows.js';

export interface Dispatcher {
  /** Starts an accepted event's workflow, in the background; what does not fit or fails waits for the sweeper. */
  dispatch(start: DeliveryStart): void;
  /** Waits for the starts under way. */
  close(): Promise<void>;
}

const MAX_STARTS = 256;

/** Hands events to Temporal after their commit. Temporal away costs nothing but time: the sweeper starts what is left. */
export function createDispatcher(deps: { workflows: Workflows; log: Logger }): Dispatcher {
  const underWay = new Set<Promise<void>>();

  async function start(event: DeliveryStart): Promise<void> {
    try {
      await deps.workflows.start(event);
    } catch (error) {
      deps.log.warn(
        { err: error, workflow_id: event.workflowId },
        'workflow not started; the sweeper will start it',
      );
    }
  }

  return {
    dispatch(event) {
      if (underWay.size >= MAX_STARTS) return;
      const job = start(event).finally(() => underWay.delete(job));
      underWay.add(job);
    },
    async close() {
      await Promise.all(underWay);
    },
  };
}
