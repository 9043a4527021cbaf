import type { Logger } from 'pino';
import type { LaneChoice, StoredEvent } from '../db/events.js';
import { DIRECT_DUE_MS, type DirectLane } from './direct.js';
import type { Lanes } from './lanes.js';
import { startOf, type DeliveryStart, type Workflows } from './workflows.js';

export interface Dispatcher {
  /** For events that are about to be accepted. */
  choose(): Choice;
  /** Goes on with an accepted event, in the background; what fails waits for the sweeper. */
  dispatch(event: StoredEvent, payload: string, choice: Choice): void;
  /** Starts a workflow, in the background. */
  start(start: DeliveryStart): void;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface Choice extends LaneChoice {
  /** False: no lane has room for more, they wait in Postgres. */
  begins: boolean;
}

const MAX_STARTS = 256;
/** Until the sweeper looks after one whose workflow has not begun. */
const WORKFLOW_DUE_MS = 15_000;
/** The same for one that no lane had room for. */
const NO_ROOM_DUE_MS = 2_000;

/** Hands events on after their commit. Temporal away costs nothing but time: the sweeper starts what is left. */
export function createDispatcher(deps: {
  workflows: Workflows;
  lanes: Lanes;
  direct: DirectLane;
  maxAttempts: number;
  /** Whether first attempts of workflows begin in this process, too: then it sees how far behind Temporal is. */
  hasWorker: boolean;
  log: Logger;
}): Dispatcher {
  const { workflows, lanes, direct, maxAttempts, hasWorker, log } = deps;
  const underWay = new Set<Promise<void>>();

  async function begin(start: DeliveryStart): Promise<void> {
    lanes.started(start.workflowId);
    try {
      await workflows.start(start);
      if (!hasWorker) lanes.began(start.workflowId);
    } catch (error) {
      log.warn(
        { err: error, workflow_id: start.workflowId },
        'workflow not started; the sweeper will start it',
      );
    }
  }

  function start(event: DeliveryStart): void {
    if (underWay.size >= MAX_STARTS) return;
    const job = begin(event).finally(() => underWay.delete(job));
    underWay.add(job);
  }

  return {
    choose() {
      const lane = lanes.choose();
      if (lane === 'workflow') return { lane, dueInMs: WORKFLOW_DUE_MS, begins: true };
      if (direct.room()) return { lane, dueInMs: DIRECT_DUE_MS, begins: true };
      return { lane: 'workflow', dueInMs: NO_ROOM_DUE_MS, begins: false };
    },
    dispatch(event, payload, { lane, begins }) {
      lanes.accepted();
      // What is held from the start needs nobody until it may go on.
      if (!begins || !event.deliveries.some((delivery) => delivery.status === 'PENDING')) return;
      if (lane === 'workflow') start(startOf(event, maxAttempts));
      else direct.deliver(event, payload);
    },
    start,
    async close() {
      await Promise.all(underWay);
      await direct.close();
    },
  };
}
