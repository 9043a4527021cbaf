import type { Logger } from 'pino';
import type { SentContent } from '../db/deliveries.js';
import type { LaneChoice, StoredEvent } from '../db/events.js';
import { DELIVERIES_PER_WORKFLOW } from '../domain/event.js';
import { CLAIM_MS, type InProcessRunner } from './in-process-runner.js';
import type { Backpressure } from './backpressure.js';
import { startOf, type DeliveryStart, type WorkflowGateway } from './workflow-gateway.js';

export interface Dispatcher {
  /** For so many events that are about to be accepted together. */
  choose(events: number): Choice;
  /** Goes on with an event accepted by `choice`, in the background; what fails waits for the sweeper. */
  dispatch(accepted: { event: StoredEvent; dueAt: string }, content: SentContent, choice: Choice): void;
  /** Of these events it is not known whether they were accepted: no lane waits for this process to go on with them. */
  unknown(eventIds: string[], choice: Choice): void;
  /** Starts a workflow, in the background. */
  start(start: DeliveryStart): void;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export interface Choice extends LaneChoice {
  /** False: no lane has room for more, they wait in Postgres. */
  begins: boolean;
}

/**
 * Starts under way; more of them only wait for each other in Temporal. Where this process has a worker, each lasts until
 * its first attempt begins, or `longestMs`: what waits here costs nothing, what waits there is stored, put off and replayed.
 */
const STARTS_AT_ONCE = { withWorker: 16, without: 64, longestMs: 1_000 };
/** So many events tell how many deliveries the next ones have. */
const FAN_OUT_OF = 8;
/** Waiting for theirs. An event that does not fit waits in Postgres. */
const MOST_WAITING = 10_000;
/** Until the sweeper looks after one whose workflow has not begun, and what each that waits before it adds. */
const WORKFLOW_DUE_MS = 15_000;
const WAITING_DUE_MS = 20;
/** The same for one that no lane had room for. */
const NO_ROOM_DUE_MS = 2_000;

/** Hands events on after their commit. Temporal away costs nothing but time: the sweeper starts what is left. */
export function createDispatcher(deps: {
  workflows: WorkflowGateway;
  lanes: Backpressure;
  direct: InProcessRunner;
  maxAttempts: number;
  /** Whether first attempts of workflows begin in this process, too: then it sees how far behind Temporal is. */
  hasWorker: boolean;
  log: Logger;
}): Dispatcher {
  const { workflows, lanes, direct, maxAttempts, hasWorker, log } = deps;
  const atOnce = hasWorker ? STARTS_AT_ONCE.withWorker : STARTS_AT_ONCE.without;
  const waiting: DeliveryStart[] = [];
  const underWay = new Set<Promise<void>>();
  let closed = false;
  /** Deliveries of an event, of late. */
  let fanOut = 1;

  async function begin(start: DeliveryStart): Promise<void> {
    try {
      await workflows.start(start);
      if (hasWorker) await lanes.begun(start.workflowId, STARTS_AT_ONCE.longestMs);
      else lanes.began(start.workflowId, start.deliveries.length);
    } catch (error) {
      log.warn(
        { err: error, workflow_id: start.workflowId },
        'workflow not started; the sweeper will start it',
      );
    }
  }

  function next(): void {
    while (!closed && waiting.length > 0 && underWay.size < atOnce) {
      const job = begin(waiting.shift()!).finally(() => {
        underWay.delete(job);
        next();
      });
      underWay.add(job);
    }
  }

  function start(event: DeliveryStart): void {
    if (waiting.length >= MOST_WAITING) return;
    lanes.started(event.workflowId, event.deliveries.length);
    waiting.push(event);
    next();
  }

  return {
    choose(events) {
      // What one event becomes nobody knows before; of many, about as many as of those before them.
      const lane = lanes.choose(events === 1 ? 1 : Math.ceil(events * fanOut));
      const heldLane = lanes.direct ? 'any' : 'workflow';
      if (lane === 'workflow' && waiting.length < MOST_WAITING)
        return { lane, heldLane, dueInMs: WORKFLOW_DUE_MS + WAITING_DUE_MS * waiting.length, begins: true };
      if (lane === 'direct' && direct.hasRoom()) return { lane, heldLane, dueInMs: CLAIM_MS, begins: true };
      return { lane: heldLane, heldLane, dueInMs: NO_ROOM_DUE_MS, begins: false };
    },
    dispatch({ event, dueAt }, content, { lane, heldLane, begins }) {
      lanes.accepted(event.deliveries.length);
      fanOut += (Math.max(1, event.deliveries.length) - fanOut) / FAN_OUT_OF;
      // What is held from the start needs nobody until it may go on.
      const pending = event.deliveries.filter((delivery) => delivery.status === 'PENDING');
      if (!begins || pending.length === 0) return;
      if (lane === 'direct') return direct.deliver(event, content, dueAt);
      const whole = heldLane === 'workflow' || event.deliveries.length > DELIVERIES_PER_WORKFLOW;
      start(startOf(whole ? event : { ...event, deliveries: pending }, maxAttempts));
    },
    unknown(eventIds, { lane }) {
      if (lane === 'direct') direct.releaseEvents(eventIds);
    },
    start,
    async close() {
      closed = true;
      await Promise.all(underWay);
      await direct.close();
    },
  };
}
