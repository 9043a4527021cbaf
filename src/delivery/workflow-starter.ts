import type { Logger } from 'pino';
import { createRetryingWriter } from '../lib/retrying-writer.js';
import type { WorkflowGateway } from './workflow-gateway.js';
import type { WorkflowStart } from '../domain/workflow-start.js';

export interface WorkflowStarter {
  /** Whether Temporal keeps up, and this process has time: the workflow of an event accepted now can be started at once. */
  keepsUp(): boolean;
  /** Starts the workflow of an event just accepted, in the background; where that fails, the backfill starts it. */
  start(start: WorkflowStart): void;
  /** Events that may have been accepted: the backfill starts their workflows. */
  startLater(eventIds: string[]): void;
  /** Age of the oldest start neither made nor left to the backfill, in milliseconds; 0: none waits. */
  behindMs(): number;
  /** Starts under way and waiting. */
  size(): number;
  close(): Promise<void>;
}

const MAX_UNDER_WAY = 4;
/** More starts mean that Temporal does not keep up, or takes the CPU from deliveries. */
const MAX_OPEN = 32;
/** After more than that, and after a start that failed, the backfill makes them for this long. */
const REST_MS = 10_000;
/** Few starts are made at once even where the process has no time: so many, and then so many a second. */
const FEW = { most: 20, perSecond: 5 };

/** Starts workflows right after the commit of their events, while Temporal keeps up. */
export function createWorkflowStarter(deps: {
  workflows: Pick<WorkflowGateway, 'start'>;
  addStarts(eventIds: string[]): Promise<void>;
  /** Whether this process has time for workflows beside its deliveries. */
  hasTime(): boolean;
  log: Logger;
}): WorkflowStarter {
  const { workflows, log } = deps;
  /** In the order of their arrival, with its time by performance.now(). */
  const open = new Map<WorkflowStart, number>();
  const waiting: WorkflowStart[] = [];
  let underWay = 0;
  let restUntil = 0;
  let few = { left: FEW.most, at: performance.now() };
  let closed = false;
  const later = createRetryingWriter<string>('workflows to be started', log, (eventIds) =>
    deps.addStarts(eventIds).then(
      () => [],
      () => eventIds,
    ),
  );

  async function begin(start: WorkflowStart): Promise<void> {
    try {
      if (closed || performance.now() < restUntil) later.add(start.event_id);
      else await workflows.start(start);
    } catch (error) {
      restUntil = performance.now() + REST_MS;
      log.warn(
        { err: error, workflow_id: start.workflow_id },
        'workflow not started; the backfill starts it',
      );
      later.add(start.event_id);
    }
  }

  function refill(): number {
    const at = performance.now();
    few = { left: Math.min(few.left + ((at - few.at) / 1_000) * FEW.perSecond, FEW.most), at };
    return few.left;
  }

  function next(): void {
    while (waiting.length > 0 && underWay < MAX_UNDER_WAY) {
      const start = waiting.shift()!;
      underWay += 1;
      void begin(start).then(() => {
        underWay -= 1;
        open.delete(start);
        next();
      });
    }
  }

  return {
    keepsUp: () => !closed && performance.now() >= restUntil && (deps.hasTime() || refill() >= 1),
    start(start) {
      few.left = Math.max(few.left - 1, 0);
      open.set(start, performance.now());
      waiting.push(start);
      if (open.size > MAX_OPEN) restUntil = performance.now() + REST_MS;
      next();
    },
    startLater: (eventIds) => eventIds.forEach((id) => later.add(id)),
    behindMs() {
      const oldest = open.values().next().value;
      return Math.max(later.behindMs(), oldest === undefined ? 0 : performance.now() - oldest);
    },
    size: () => open.size,
    async close() {
      closed = true;
      next();
      while (open.size > 0) await new Promise((resolve) => setTimeout(resolve, 20));
      await later.close();
    },
  };
}
