import type { Logger } from 'pino';
import type { DeliveryStart, Workflows } from './workflows.js';

export interface EndedWorkflows {
  /** A delivery has ended without a workflow: its event gets one later, that only tells of it. */
  add(start: DeliveryStart): void;
  close(): void;
}

const MOST_WAITING = 100_000;
/** Ten a second: Temporal is to have time for what has not ended yet. */
const EVERY_MS = 100;

/** Starts workflows for events that ended in the direct lane, while nothing else is to be done. The oldest go without where too many wait. */
export function createEndedWorkflows(deps: {
  workflows: Workflows;
  idle(): boolean;
  /** Counts those that go without. */
  without(): void;
  enabled: boolean;
  log: Logger;
}): EndedWorkflows {
  const waiting = new Map<string, DeliveryStart>();
  let busy = false;

  const timer = setInterval(() => {
    const start = waiting.values().next().value;
    if (!start || busy || !deps.idle()) return;
    const { workflowId } = start;
    waiting.delete(workflowId);
    busy = true;
    deps.workflows
      .start(start)
      .catch((error: unknown) =>
        deps.log.debug({ err: error, workflow_id: workflowId }, 'not told as a workflow'),
      )
      .finally(() => (busy = false));
  }, EVERY_MS);
  timer.unref();

  return {
    add(start) {
      if (!deps.enabled) return;
      const known = waiting.get(start.workflowId);
      // The other deliveries of the same event.
      if (known) known.deliveries.push(...start.deliveries);
      else waiting.set(start.workflowId, start);
      if (waiting.size <= MOST_WAITING) return;
      waiting.delete(waiting.keys().next().value!);
      deps.without();
    },
    close: () => clearInterval(timer),
  };
}
