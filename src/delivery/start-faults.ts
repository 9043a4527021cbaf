import { TemporalAwayError, type WorkflowGateway } from './workflow-gateway.js';

export interface WatchedWorkflows extends WorkflowGateway {
  /** Why workflows cannot be started now, for readiness; null where nothing speaks against it. */
  startFault(): string | null;
}

export type StartFault = 'away' | 'refused';

/** Silence means that no workflow waits to be started, that another process has started it, or that few are refused. */
const OVER_MS = 60_000;
/** grpc.status, by code. */
const STATUSES = [
  ...['OK', 'CANCELLED', 'UNKNOWN', 'INVALID_ARGUMENT', 'DEADLINE_EXCEEDED', 'NOT_FOUND', 'ALREADY_EXISTS'],
  ...['PERMISSION_DENIED', 'RESOURCE_EXHAUSTED', 'FAILED_PRECONDITION', 'ABORTED', 'OUT_OF_RANGE'],
  ...['UNIMPLEMENTED', 'INTERNAL', 'UNAVAILABLE', 'DATA_LOSS', 'UNAUTHENTICATED'],
];

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

/** Temporal's own words may name a workflow, or quote data: only the log has them. */
function reasonOf(error: unknown): string {
  if (error instanceof TemporalAwayError) return error.message;
  const { name, code, cause } = error as { name?: string; code?: number; cause?: { code?: number } };
  // The client makes this error without a code.
  if (name === 'NamespaceNotFoundError') return 'Temporal does not know the namespace.';
  const status = STATUSES[code ?? cause?.code ?? -1];
  return status ? `Temporal answers ${status}; its words are in the log.` : 'the log says why.';
}
