import { TemporalAwayError, type WorkflowGateway } from './workflow-gateway.js';

export interface WatchedWorkflows extends WorkflowGateway {
  /** Why workflows cannot be started now, for readiness; null where nothing speaks against it. */
  startFault(): string | null;
}

export type StartFault = 'away' | 'refused';

/** The sweeper tries at least this often while Temporal is away: silence means that nothing waits any more. */
const AWAY_MS = 60_000;
const MAX_REASON = 300;

/** Makes a workflow that cannot be started visible, whoever starts it: in its deliveries, the metrics and readiness. */
export function watchStarts(
  workflows: WorkflowGateway,
  deps: { note(why: { ids: string[]; reason: string }): Promise<void>; count(fault: StartFault): void },
): WatchedWorkflows {
  let last: { fault: StartFault; reason: string; at: number } | null = null;

  async function watched<T>(start: () => Promise<T>, ids: string[]): Promise<T> {
    try {
      const result = await start();
      last = null;
      return result;
    } catch (error) {
      const fault = error instanceof TemporalAwayError ? 'away' : 'refused';
      const reason = reasonOf(error);
      last = { fault, reason, at: performance.now() };
      deps.count(fault);
      // Postgres away is seen by others.
      if (ids.length > 0) void deps.note({ ids, reason }).catch(() => {});
      throw error;
    }
  }

  const idsOf = (start: { deliveries: { id: string }[] }) => start.deliveries.map(({ id }) => id);
  return {
    ...workflows,
    start: (start, options) => watched(() => workflows.start(start, options), idsOf(start)),
    carry: (start, options) => watched(() => workflows.carry(start, options), idsOf(start)),
    carryBatch: (batchId) => watched(() => workflows.carryBatch(batchId), []),
    startFault() {
      const over = last?.fault === 'away' && performance.now() - last.at > AWAY_MS;
      return last === null || over ? null : `workflows cannot be started: ${last.reason}`;
    },
  };
}

/** The innermost words: the client's own only say that a start failed. */
function reasonOf(error: unknown): string {
  const { message, cause } = error as { message?: string; cause?: { details?: string; message?: string } };
  const known = error instanceof TemporalAwayError ? message : (cause?.details ?? cause?.message ?? message);
  return (known || String(error)).slice(0, MAX_REASON);
}
