import type { Logger } from 'pino';
import type { WorkflowStart } from '../domain/workflow-start.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';
import { TemporalAwayError, type WorkflowGateway } from './workflow-gateway.js';

/** Between two looks while nothing waits, and while Temporal or Postgres is away. */
const IDLE_MS = 1_000;
const AWAY_MS = 5_000;
const PAGE = 20;
/** Time between two starts: while this process has time for nothing else, while deliveries are made here, and while none is. */
const PACE_MS = { full: 1_000, busy: 200, quiet: 20 };

/** Starts the workflows that wait in `workflow_starts`, at a pace that does not slow deliveries. */
export function createWorkflowBackfill(deps: {
  workflows: Pick<WorkflowGateway, 'start'>;
  claimStarts(limit: number): Promise<WorkflowStart[]>;
  removeStarts(workflowIds: string[]): Promise<void>;
  /** Gives starts back that were not tried. */
  releaseStarts(workflowIds: string[]): Promise<void>;
  /** Puts starts off that Temporal refused. */
  postponeStarts(workflowIds: string[]): Promise<void>;
  /** How much this process has to do for deliveries. */
  load(): 'full' | 'busy' | 'quiet';
  log: Logger;
}): PollLoop {
  const { workflows, log } = deps;
  let closed = false;

  /** A refused start must not delay the others; while Temporal is away, the rest of the page is released. */
  async function look(): Promise<number> {
    const left = (await deps.claimStarts(PAGE)).reverse();
    const isFull = left.length === PAGE;
    const started: string[] = [];
    const refused: string[] = [];
    try {
      for (let start = left.at(-1); start && !closed; left.pop(), start = left.at(-1)) {
        const { workflow_id: id } = start;
        try {
          await workflows.start(start);
          started.push(id);
        } catch (error) {
          if (error instanceof TemporalAwayError) throw error;
          log.warn(
            { err: error, workflow_id: id },
            'Temporal refused to start a workflow; tried again later',
          );
          refused.push(id);
        }
        await new Promise((resolve) => setTimeout(resolve, PACE_MS[deps.load()]));
      }
    } finally {
      if (started.length > 0) await deps.removeStarts(started);
      if (refused.length > 0) await deps.postponeStarts(refused);
      if (left.length > 0) await deps.releaseStarts(left.map(({ workflow_id }) => workflow_id));
    }
    return isFull ? 0 : IDLE_MS;
  }

  const loop = startPollLoop(() =>
    look().catch((error: unknown) => {
      log.info({ err: error }, 'workflows not started: Temporal or Postgres is away');
      return AWAY_MS;
    }),
  );
  return {
    wake: loop.wake,
    close() {
      closed = true;
      return loop.close();
    },
  };
}
