import type { Logger } from 'pino';
import type { DeliveryStart, WorkflowGateway } from './workflow-gateway.js';

export interface WorkflowBackfill {
  /** A delivery of this workflow and event has ended without it: it is started later, only to tell of it. */
  add(workflowId: string, eventId: string): void;
  close(): void;
}

const MOST_WAITING = 100_000;
/** Ten a second: Temporal is to have time for what has not ended yet. */
const EVERY_MS = 100;

/** Starts workflows for events that ended in the direct lane, while nothing else is to be done. The oldest go without where too many wait. */
export function createWorkflowBackfill(deps: {
  workflows: WorkflowGateway;
  /** Null where not all of its deliveries have ended: what carries those tells of the others, too. */
  load(workflowId: string, eventId: string): Promise<DeliveryStart | null>;
  idle(): boolean;
  /** Counts those that go without. */
  without(): void;
  enabled: boolean;
  log: Logger;
}): WorkflowBackfill {
  /** Ids alone: of a burst, all that is kept would be in the way of what is still to be done. */
  const waiting = new Map<string, string>();
  let busy = false;

  async function tell(workflowId: string, eventId: string): Promise<void> {
    try {
      const start = await deps.load(workflowId, eventId);
      if (start) await deps.workflows.start(start);
    } catch (error) {
      deps.log.debug({ err: error, workflow_id: workflowId }, 'not told as a workflow');
    }
  }

  const timer = setInterval(() => {
    const [next] = waiting;
    if (!next || busy || !deps.idle()) return;
    waiting.delete(next[0]);
    busy = true;
    void tell(...next).finally(() => (busy = false));
  }, EVERY_MS);
  timer.unref();

  return {
    add(workflowId, eventId) {
      if (!deps.enabled) return;
      waiting.set(workflowId, eventId);
      if (waiting.size <= MOST_WAITING) return;
      waiting.delete(waiting.keys().next().value!);
      deps.without();
    },
    close: () => clearInterval(timer),
  };
}
