import { TemporalAwayError, type WorkflowGateway } from './workflow-gateway.js';

export interface WatchedWorkflows extends WorkflowGateway {
  /** Why workflows cannot be started now, for readiness; null where nothing speaks against it. */
  startFault(): string | null;
}

export type StartFault = 'away' | 'refused';

/** Silence means that no workflow waits to be started, that another process has started it, or that few are refused. */
const OVER_MS = 60_000;
const MAX_REASON = 300;

/** Makes a workflow that cannot be started visible, whoever starts it: in the metrics and in readiness. */
export function watchStarts(
  workflows: WorkflowGateway,
  deps: { count(fault: StartFault): void },
): WatchedWorkflows {
  let last: { reason: string; at: number } | null = null;

  async function watched<T>(start: Promise<T>): Promise<T> {
    try {
      const result = await start;
      last = null;
      return result;
    } catch (error) {
      const fault = error instanceof TemporalAwayError ? 'away' : 'refused';
      last = { reason: reasonOf(error), at: performance.now() };
      deps.count(fault);
      throw error;
    }
  }

  return {
    ...workflows,
    start: (start) => watched(workflows.start(start)),
    signalWithStartBatch: (batchId) => watched(workflows.signalWithStartBatch(batchId)),
    startFault() {
      const isOver = last === null || performance.now() - last.at > OVER_MS;
      return isOver ? null : `workflows cannot be started: ${last!.reason}`;
    },
  };
}

/** The innermost words: the client's own only say that a start failed. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { details?: string; message?: string } };
  const known = error instanceof TemporalAwayError ? message : (cause?.details ?? cause?.message ?? message);
  return (known || String(error)).slice(0, MAX_REASON);
}
