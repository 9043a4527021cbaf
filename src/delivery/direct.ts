import type { Logger } from 'pino';
import type { AttemptTarget } from '../db/deliveries.js';
import type { StoredEvent } from '../db/events.js';
import { nextStep } from '../domain/classify.js';
import type { Attempt } from '../domain/delivery.js';
import { DELIVERIES_PER_WORKFLOW, partWorkflowId } from '../domain/event.js';
import { summarize, withoutContents } from '../../workflows/contract.js';
import { attemptRecord, makeAttempt, type AttemptDeps, type AttemptOutcome } from './attempt.js';
import type { EndpointCache } from './endpoint-cache.js';
import type { DeliveryStart, Workflows } from './workflows.js';

/** A delivery whose first attempt is this process's. */
interface Job {
  event: StoredEvent;
  payload: string;
  deliveryId: string;
  endpointId: string;
  workflowId: string;
  at: number;
}

export interface DirectLane {
  /** Whether there is room for more. */
  room(): boolean;
  /** Makes the first attempts of an event just accepted, in the background. */
  deliver(event: StoredEvent, payload: string): void;
  /** Events that may have been accepted: those that were are the sweeper's. */
  leave(eventIds: string[]): void;
  /** Waits for the attempts under way; what has not begun is the sweeper's. */
  close(): Promise<void>;
}

/** Attempts under way in this process. */
const MOST_UNDER_WAY = 4_096;
const MOST_PER_ENDPOINT = 256;
/** Waiting for their turn: more of them wait in Postgres. */
const MOST_WAITING = 20_000;
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** What was known when the event was accepted counts for so long. */
const FRESH_MS = 1_000;
/** One that has waited longer is left to the sweeper. */
const MOST_WAIT_MS = 20_000;
/** Until the sweeper takes what is left to it: a burst, or a Postgres that is slow, may be over by then. */
const LEFT_DUE_MS = 10_000;
/** A commit that was asked for has come or will not come any more: longer than a statement takes. */
const DECIDED_MS = 5_000;
/** Longer than waiting, the longest request and its record take: until then nobody else makes the attempt. */
export const DIRECT_DUE_MS = 90_000;
const HAND_OVERS_AT_ONCE = 16;
const AGAIN_MS = { first: 500, most: 10_000 };

/**
 * The first attempt straight after the commit, by the process that accepted the event. What needs more than one attempt
 * goes on as a workflow; what this process does not get to is the sweeper's.
 */
export function createDirectLane(deps: {
  attempt: AttemptDeps;
  endpoints: EndpointCache;
  workflows: Workflows;
  maxAttempts: number;
  /** A delivery of this workflow and event has ended here. */
  ended(workflowId: string, eventId: string): void;
  /** Gives first attempts to the sweeper: by the ids of deliveries, or of events. */
  leave(ids: string[], inMs: number): Promise<void>;
  log: Logger;
}): DirectLane {
  const { endpoints, workflows, maxAttempts, log } = deps;
  const waiting = new Map<string, Job[]>();
  const underWayAt = new Map<string, number>();
  const jobs = new Set<Promise<void>>();
  const handOvers: (() => Promise<void>)[] = [];
  let handingOver = 0;
  /** Temporal did not take the last one. */
  let refused = false;
  let waitingCount = 0;
  let waitingBytes = 0;
  let underWay = 0;
  let closed = false;
  const left: string[] = [];
  let leaving: Promise<void> | null = null;

  /** Each endpoint at most as many as are left for all others: those that hang never take all. */
  const hasRoom = (endpointId: string) =>
    (underWayAt.get(endpointId) ?? 0) < Math.min(MOST_PER_ENDPOINT, MOST_UNDER_WAY - underWay);

  /** The same for those that wait: an endpoint that hangs never fills what is there for all. */
  const mayWait = (queue: Job[]) =>
    queue.length < MOST_WAITING - waitingCount &&
    (queue.length === 0 || waitingBytes < MOST_WAITING_BYTES / 2);

  function begin(job: Job): void {
    const { endpointId } = job;
    underWay += 1;
    underWayAt.set(endpointId, (underWayAt.get(endpointId) ?? 0) + 1);
    const done = attempt(job)
      .catch((error: unknown) => {
        log.error({ err: error, delivery_id: job.deliveryId }, 'first attempt not made');
        leave(job.deliveryId);
      })
      .finally(() => {
        jobs.delete(done);
        underWay -= 1;
        const others = underWayAt.get(endpointId)! - 1;
        if (others === 0) underWayAt.delete(endpointId);
        else underWayAt.set(endpointId, others);
        next(endpointId);
        nextOfAnother();
      });
    jobs.add(done);
  }

  function next(endpointId: string): void {
    const queue = waiting.get(endpointId);
    while (queue?.length && (closed || hasRoom(endpointId))) {
      const job = queue.shift()!;
      waitingCount -= 1;
      waitingBytes -= job.payload.length;
      if (closed || age(job) > MOST_WAIT_MS) leave(job.deliveryId);
      else begin(job);
    }
    if (queue?.length === 0) waiting.delete(endpointId);
  }

  /** One that none of its own attempts would call: there was no room for any of them. */
  function nextOfAnother(): void {
    const first = waiting.entries().next().value;
    if (!first) return;
    const [endpointId, queue] = first;
    waiting.delete(endpointId);
    waiting.set(endpointId, queue);
    next(endpointId);
  }

  const age = ({ at }: Job) => performance.now() - at;

  async function attempt(job: Job): Promise<void> {
    const { deliveryId } = job;
    const number = { deliveryId, number: 1, maxAttempts };
    const outcome =
      age(job) > FRESH_MS
        ? await makeAttempt(deps.attempt, number)
        : await makeAttempt(deps.attempt, { ...number, target: await targetOf(job) });
    goOn(job, outcome);
  }

  async function targetOf({ event, payload, endpointId }: Job): Promise<AttemptTarget> {
    const known = await endpoints.get(endpointId);
    if (!known) throw new Error(`The endpoint ${endpointId} is not there.`);
    return {
      status: 'PENDING',
      status_reason: null,
      attempt_count: 0,
      withdrawn: false,
      event_id: event.id,
      event_type: event.type,
      tenant: event.tenant,
      workflow_id: event.workflow_id,
      payload,
      endpoint: known.endpoint,
      held: known.held,
      sealed_secrets: known.sealed_secrets,
    };
  }

  function goOn(job: Job, outcome: AttemptOutcome): void {
    if (outcome.kind === 'held' && outcome.retryInMs !== null) return leave(job.deliveryId);
    // Held: the row says so, and the sweeper lets it go on. Ended: by somebody else.
    if (outcome.kind === 'held' || outcome.kind === 'ended') return;
    const { attempt, recorded } = outcome;
    const { event, deliveryId, endpointId, workflowId } = job;
    if (recorded && outcome.kind !== 'retry') return deps.ended(workflowId, event.id);
    const carried = {
      id: deliveryId,
      endpointId,
      maxAttempts,
      attemptsBefore: 1,
      attempts: [summarize(attempt)],
    };
    const start = { workflowId, eventType: event.type, eventId: event.id, tenant: event.tenant };
    const notBefore = attempt.next_attempt_at ? { notBefore: attempt.next_attempt_at } : {};
    const unrecorded = recorded ? {} : { unrecorded: [withoutContents(attempt)] };
    handOver(
      { ...start, deliveries: [{ ...carried, ...notBefore, ...unrecorded }] },
      recorded ? null : attempt,
    );
  }

  /** A few at a time, again until it is the sweeper's, which looks for it where Postgres knows of the attempt. */
  function handOver(start: DeliveryStart, unrecorded: Attempt | null): void {
    const until = performance.now() + DIRECT_DUE_MS;
    let known = unrecorded === null;
    const work = async () => {
      for (let waitMs = AGAIN_MS.first; ; waitMs = Math.min(waitMs * 2, AGAIN_MS.most)) {
        // A stop does not wait for Temporal to come back.
        if (closed && refused && known) return;
        try {
          await workflows.carry(start, { again: true });
          refused = false;
          return;
        } catch (error) {
          refused = true;
          log.warn({ err: error, workflow_id: start.workflowId }, 'not handed over to a workflow');
          // An outcome that is nowhere but here is told until somebody takes it, Temporal or Postgres.
          known ||= await recordLater(start, unrecorded!);
          if (closed || (known && performance.now() > until)) return;
          await pause(waitMs);
        }
      }
    };
    if (!unrecorded && handOvers.length >= MOST_WAITING) return;
    handOvers.push(work);
    if (handingOver < HAND_OVERS_AT_ONCE) void handOverAll();
  }

  /** Whether Postgres knows of it now: what comes after it the sweeper sees to. */
  function recordLater({ deliveries: [delivery] }: DeliveryStart, attempt: Attempt): Promise<boolean> {
    const step = nextStep(attempt.classification, 'default');
    return deps.attempt.record(attemptRecord(delivery!.id, attempt, step)).then(
      () => true,
      () => false,
    );
  }

  async function handOverAll(): Promise<void> {
    handingOver += 1;
    for (let work = handOvers.shift(); work; work = handOvers.shift()) await work();
    handingOver -= 1;
  }

  function leave(...ids: string[]): void {
    left.push(...ids);
    leaving ??= leaveAll().finally(() => (leaving = null));
  }

  async function leaveAll(): Promise<void> {
    for (let waitMs = 0; left.length > 0; waitMs = Math.min(waitMs * 2 || AGAIN_MS.first, AGAIN_MS.most)) {
      await pause(waitMs);
      const ids = left.splice(0);
      await deps.leave(ids, closed ? 0 : LEFT_DUE_MS).then(
        () => (waitMs = 0),
        () => !closed && left.push(...ids),
      );
    }
  }

  return {
    room: () => !closed && waitingCount < MOST_WAITING && waitingBytes < MOST_WAITING_BYTES,
    deliver(event, payload) {
      const parts = event.deliveries.length > DELIVERIES_PER_WORKFLOW;
      event.deliveries.forEach(({ id, endpoint_id, status }, i) => {
        if (status !== 'PENDING') return;
        const job: Job = {
          event,
          payload,
          deliveryId: id,
          endpointId: endpoint_id,
          workflowId: parts
            ? partWorkflowId(event.workflow_id, 1 + Math.floor(i / DELIVERIES_PER_WORKFLOW))
            : event.workflow_id,
          at: performance.now(),
        };
        if (closed) return leave(id);
        if (hasRoom(endpoint_id)) return begin(job);
        const queue = waiting.get(endpoint_id) ?? [];
        if (!mayWait(queue)) return leave(id);
        waiting.set(endpoint_id, queue);
        queue.push(job);
        waitingCount += 1;
        waitingBytes += payload.length;
      });
    },
    leave: (eventIds) => void setTimeout(leave, DECIDED_MS, ...eventIds).unref(),
    async close() {
      closed = true;
      for (const endpointId of [...waiting.keys()]) next(endpointId);
      await Promise.all(jobs);
      await leaving;
      while (handingOver > 0) await pause(20);
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
