import type { Logger } from 'pino';
import type { AttemptTarget } from '../db/deliveries.js';
import type { Left, Taken } from '../db/drain.js';
import type { StoredEvent } from '../db/events.js';
import { DELIVERIES_PER_WORKFLOW, partWorkflowId } from '../domain/event.js';
import { summarize, withoutContents } from '../../workflows/contract.js';
import { makeAttempt, type AttemptDeps, type AttemptOutcome } from './attempt.js';
import type { EndpointCache } from './endpoint-cache.js';
import { createHandOvers } from './hand-overs.js';
import type { Workflows } from './workflows.js';

/** A delivery whose first attempt is this process's, since when. */
interface Job extends Taken {
  at: number;
}

export interface DirectLane {
  /** Whether there is room for more. */
  room(): boolean;
  /** Endpoints that have all they can take for now. */
  full(): string[];
  /** Makes a first attempt, in the background. */
  take(one: Taken): void;
  /** Makes those of an event just accepted, which are nobody else's until `dueAt`. */
  deliver(event: StoredEvent, payload: string, dueAt: string): void;
  /** Events that may have been accepted: those that were are the sweeper's. */
  leave(eventIds: string[]): void;
  /** Waits for the attempts under way; what has not begun is for others. */
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
/** One that has waited longer is left to others. */
const MOST_WAIT_MS = 20_000;
/** Until they take it: a burst, or a Postgres that is slow, may be over by then. */
const LEFT_DUE_MS = { any: 2_000, workflow: 10_000 };
/** A commit that was asked for has come or will not come any more: longer than a statement takes. */
const DECIDED_MS = 5_000;
/** Longer than waiting, the longest request and its record take: until then nobody else makes the attempt. */
export const DIRECT_DUE_MS = 90_000;
/** So many in a second are a burst; where receivers hang, fewer come to their turn, however many wait. */
const BURST = 100;
const AGAIN_MS = { first: 500, most: 10_000 };
/** Few enough for one statement. */
const LEFT_AT_ONCE = 1_000;

/**
 * The first attempt straight after the commit, by the process that accepted the event, or when there is room for it. What
 * needs more than one attempt goes on as a workflow; what this process does not get to is for whoever has room.
 */
export function createDirectLane(deps: {
  attempt: AttemptDeps;
  endpoints: EndpointCache;
  workflows: Workflows;
  maxAttempts: number;
  /** A delivery of this workflow and event has ended here. */
  ended(workflowId: string, eventId: string): void;
  /** Gives first attempts to others. */
  leave(left: Left[]): Promise<void>;
  /** The same for those of events that may have been accepted. */
  leaveEvents(eventIds: string[], inMs: number): Promise<void>;
  /** Whether this process knows of every pause there is. */
  current(): boolean;
  /** So many more, or fewer, are to be handed over to workflows. */
  handingOver(change: number): void;
  log: Logger;
}): DirectLane {
  const { endpoints, workflows, maxAttempts, log } = deps;
  const waiting = new Map<string, Job[]>();
  const underWayAt = new Map<string, number>();
  const jobs = new Set<Promise<void>>();
  let waitingCount = 0;
  let waitingBytes = 0;
  let underWay = 0;
  let closed = false;
  const left: Left[] = [];
  let leaving: Promise<void> | null = null;
  let begun = 0;
  /** In the second before this one. */
  let begunBefore = 0;
  const seconds = setInterval(() => ([begun, begunBefore] = [0, begun]), 1_000);
  seconds.unref();
  const handOvers = createHandOvers({
    ...{ workflows, log, giveUpMs: DIRECT_DUE_MS },
    record: deps.attempt.record,
    busy: () => waitingCount > 0 && begun + begunBefore >= BURST,
    count: deps.handingOver,
  });

  /** Each endpoint at most as many as are left for all others: those that hang never take all. */
  const hasRoom = (endpointId: string) =>
    (underWayAt.get(endpointId) ?? 0) < Math.min(MOST_PER_ENDPOINT, MOST_UNDER_WAY - underWay);

  /** The same for those that wait: an endpoint that hangs never fills what is there for all. */
  const mayWait = (queue: Job[]) =>
    queue.length < MOST_WAITING - waitingCount &&
    (queue.length === 0 || waitingBytes < MOST_WAITING_BYTES / 2);

  function begin(job: Job): void {
    const { endpoint_id: endpointId } = job;
    underWay += 1;
    begun += 1;
    underWayAt.set(endpointId, (underWayAt.get(endpointId) ?? 0) + 1);
    const done = attempt(job)
      .catch((error: unknown) => {
        log.error({ err: error, delivery_id: job.id }, 'first attempt not made');
        leave(job, 'workflow');
      })
      .finally(() => {
        jobs.delete(done);
        underWay -= 1;
        const others = underWayAt.get(endpointId)! - 1;
        if (others === 0) underWayAt.delete(endpointId);
        else underWayAt.set(endpointId, others);
        next(endpointId);
        nextOfAnother();
        handOvers.more();
      });
    jobs.add(done);
  }

  function next(endpointId: string): void {
    const queue = waiting.get(endpointId);
    while (queue?.length && (closed || hasRoom(endpointId))) {
      const job = queue.shift()!;
      waitingCount -= 1;
      waitingBytes -= job.payload.length;
      if (closed || age(job) > MOST_WAIT_MS) leave(job, 'any');
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
    // Where this process may not have heard of a pause, Postgres is asked.
    const isFresh = age(job) <= FRESH_MS && deps.current();
    const target = isFresh ? await targetOf(job) : await deps.attempt.load(job.id);
    // Cancelled, held, or taken for lost by the sweeper: somebody else's by now.
    if (!target || target.status !== 'PENDING' || target.attempt_count > 0) return;
    goOn(job, await makeAttempt(deps.attempt, { deliveryId: job.id, number: 1, maxAttempts, target }));
  }

  async function targetOf(job: Job): Promise<AttemptTarget> {
    const known = await endpoints.get(job.endpoint_id);
    if (!known) throw new Error(`The endpoint ${job.endpoint_id} is not there.`);
    return {
      status: 'PENDING',
      status_reason: null,
      attempt_count: 0,
      withdrawn: false,
      event_id: job.event_id,
      event_type: job.event_type,
      tenant: job.tenant,
      workflow_id: job.workflow_id,
      payload: job.payload,
      endpoint: known.endpoint,
      held: known.held,
      sealed_secrets: known.sealed_secrets,
    };
  }

  function goOn(job: Job, outcome: AttemptOutcome): void {
    if (outcome.kind === 'held' && outcome.retryInMs !== null) return leave(job, 'workflow');
    // Held: the row says so, and is nobody's until it may go on. Ended: by somebody else.
    if (outcome.kind === 'held' || outcome.kind === 'ended') return;
    const { attempt, recorded } = outcome;
    const { workflow_id: workflowId, event_type: eventType, event_id: eventId, tenant } = job;
    if (recorded && outcome.kind !== 'retry') return deps.ended(workflowId, eventId);
    const carried = {
      id: job.id,
      endpointId: job.endpoint_id,
      maxAttempts,
      attemptsBefore: 1,
      attempts: [summarize(attempt)],
    };
    const start = { workflowId, eventType, eventId, tenant };
    const notBefore = attempt.next_attempt_at ? { notBefore: attempt.next_attempt_at } : {};
    const unrecorded = recorded ? {} : { unrecorded: [withoutContents(attempt)] };
    handOvers.add(
      { ...start, deliveries: [{ ...carried, ...notBefore, ...unrecorded }] },
      recorded ? null : attempt,
    );
  }

  function leave({ id, due_at: dueAt }: Taken, lane: Left['lane']): void {
    left.push({ id, dueAt, lane, inMs: closed ? 0 : LEFT_DUE_MS[lane] });
    leaving ??= leaveAll().finally(() => (leaving = null));
  }

  async function leaveAll(): Promise<void> {
    for (let waitMs = 0; left.length > 0; waitMs = Math.min(waitMs * 2 || AGAIN_MS.first, AGAIN_MS.most)) {
      await pause(waitMs);
      const now = left.splice(0, LEFT_AT_ONCE);
      await deps.leave(now).then(
        () => (waitMs = 0),
        () => !closed && left.push(...now),
      );
    }
  }

  function leaveEvents(eventIds: string[], waitMs: number): void {
    const work = () =>
      deps.leaveEvents(eventIds, LEFT_DUE_MS.workflow).catch(() => leaveEvents(eventIds, AGAIN_MS.most));
    setTimeout(() => void work(), waitMs).unref();
  }

  function take(one: Taken): void {
    const job: Job = { ...one, at: performance.now() };
    if (closed) return leave(job, 'any');
    if (hasRoom(job.endpoint_id)) return begin(job);
    const queue = waiting.get(job.endpoint_id) ?? [];
    if (!mayWait(queue)) return leave(job, 'any');
    waiting.set(job.endpoint_id, queue);
    queue.push(job);
    waitingCount += 1;
    waitingBytes += job.payload.length;
  }

  return {
    room: () => !closed && waitingCount < MOST_WAITING && waitingBytes < MOST_WAITING_BYTES,
    full: () => [...waiting.keys()],
    take,
    deliver({ id: event_id, type: event_type, tenant, workflow_id, deliveries }, payload, due_at) {
      const parts = deliveries.length > DELIVERIES_PER_WORKFLOW;
      deliveries.forEach(({ id, endpoint_id, status }, i) => {
        if (status !== 'PENDING') return;
        const part = partWorkflowId(workflow_id, 1 + Math.floor(i / DELIVERIES_PER_WORKFLOW));
        const event = { event_id, event_type, tenant, payload, workflow_id: parts ? part : workflow_id };
        take({ ...event, id, endpoint_id, due_at });
      });
    },
    leave: (eventIds) => leaveEvents(eventIds, DECIDED_MS),
    async close() {
      closed = true;
      clearInterval(seconds);
      for (const endpointId of [...waiting.keys()]) next(endpointId);
      await Promise.all(jobs);
      await leaving;
      await handOvers.close();
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
