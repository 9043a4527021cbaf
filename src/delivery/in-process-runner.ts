import type { Logger } from 'pino';
import type { AttemptRecord } from '../db/attempts.js';
import type { AttemptTarget, SentContent } from '../db/deliveries.js';
import type { ReleasedDelivery, ClaimedDelivery } from '../db/delivery-queue.js';
import type { StoredEvent } from '../db/events.js';
import { isOpen } from '../domain/delivery.js';
import { DELIVERIES_PER_WORKFLOW, partWorkflowId } from '../domain/event.js';
import { summarize, withoutContents } from '../../workflows/contract.js';
import { withProof } from './attempt-proof.js';
import { makeAttempt, type AttemptDeps, type AttemptOutcome } from './attempt.js';
import type { EndpointCache } from './endpoint-cache.js';
import { createWorkflowHandoff } from './workflow-handoff.js';
import type { WorkflowGateway } from './workflow-gateway.js';
import { createRetryingWriter } from '../lib/retrying-writer.js';

/** A delivery whose next attempt is this process's, since when. */
interface Job extends ClaimedDelivery {
  at: number;
}

export interface InProcessRunner {
  /** Whether there is room for more. */
  hasRoom(): boolean;
  /** Endpoints that have all they can take for now. */
  fullEndpoints(): string[];
  /** Makes an attempt, in the background. */
  run(one: ClaimedDelivery): void;
  /** Makes the first ones of an event just accepted, which are nobody else's until `dueAt`. */
  deliver(event: StoredEvent, content: SentContent, dueAt: string): void;
  /** Events that may have been accepted: those that were are the sweeper's. */
  releaseEvents(eventIds: string[]): void;
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
export const CLAIM_MS = 90_000;
/** Before it is asked again about events of which it did not say whether they were accepted. */
const AGAIN_MS = 10_000;

/**
 * The first attempt straight after the commit, by the process that accepted the event, or when there is room for it. What
 * needs another goes on as a workflow, or waits for it in Postgres and comes back; what this process does not get to is
 * for whoever has room.
 */
export function createInProcessRunner(deps: {
  attempt: AttemptDeps;
  endpoints: EndpointCache;
  workflows: WorkflowGateway;
  maxAttempts: number;
  /** A delivery of this workflow and event has ended here. */
  ended(workflowId: string, eventId: string): void;
  /** Whether retries are to wait in Postgres, not in a workflow. */
  keep(): boolean;
  /** Gives attempts to others. */
  leave(left: ReleasedDelivery[]): Promise<void>;
  /** The same for those of events that may have been accepted. */
  leaveEvents(eventIds: string[], inMs: number): Promise<void>;
  /** Whether this process knows of every pause there is. */
  current(): boolean;
  /** So many more, or fewer, are to be handed over to workflows. */
  handingOver(change: number): void;
  log: Logger;
}): InProcessRunner {
  const { endpoints, workflows, maxAttempts, log } = deps;
  const waiting = new Map<string, Job[]>();
  const underWayAt = new Map<string, number>();
  const jobs = new Set<Promise<void>>();
  let waitingCount = 0;
  let waitingBytes = 0;
  let underWay = 0;
  let closed = false;
  const left = createRetryingWriter<ReleasedDelivery>('what others may attempt', log, (some) =>
    deps.leave(some).then(
      () => [],
      () => some,
    ),
  );
  const records = createRetryingWriter<AttemptRecord>('attempts', log, async (some) => {
    const done = await Promise.allSettled(some.map((record) => deps.attempt.record(record)));
    return some.filter((_, i) => done[i]!.status === 'rejected');
  });
  const handOvers = createWorkflowHandoff({
    ...{ workflows, log, giveUpMs: CLAIM_MS },
    record: deps.attempt.record,
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
    underWayAt.set(endpointId, (underWayAt.get(endpointId) ?? 0) + 1);
    const done = attempt(job)
      .catch((error: unknown) => {
        log.error({ err: error, delivery_id: job.id }, 'attempt not made');
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
    // What was accepted just now is known; where this process may not have heard of a pause, Postgres is asked.
    const isFresh = job.attempt_count === 0 && age(job) <= FRESH_MS && deps.current();
    const target = isFresh ? await targetOf(job) : await deps.attempt.load(job.id);
    // Ended, or taken for lost by the sweeper: somebody else's by now.
    const isOurs = target?.in_hand && isOpen(target) && target.attempt_count === job.attempt_count;
    if (!isOurs) return;
    const { id: deliveryId, attempt_count, max_attempts: maxAttempts } = job;
    const input = { deliveryId, number: attempt_count + 1, maxAttempts, target, keep: deps.keep };
    goOn(job, await makeAttempt(deps.attempt, input));
  }

  async function targetOf(job: Job): Promise<AttemptTarget> {
    const known = await endpoints.get(job.endpoint_id);
    if (!known) throw new Error(`The endpoint ${job.endpoint_id} is not there.`);
    return {
      status: 'PENDING',
      status_reason: null,
      attempt_count: 0,
      in_hand: true,
      withdrawn: false,
      event_id: job.event_id,
      event_type: job.event_type,
      tenant: job.tenant,
      workflow_id: job.workflow_id,
      payload: job.payload,
      event_headers: job.event_headers,
      event_content_type: job.event_content_type,
      endpoint: known.endpoint,
      held: known.held,
      sealed_secrets: known.sealed_secrets,
    };
  }

  function goOn(job: Job, outcome: AttemptOutcome): void {
    if (outcome.kind === 'held' && outcome.retryInMs !== null) return leave(job, 'workflow');
    // Held: the row says so, and is nobody's until it may go on. Ended: by somebody else.
    if (outcome.kind === 'held' || outcome.kind === 'ended') return;
    const { attempt, delayMs, record, recorded } = outcome;
    // With Postgres alone: a workflow would be one more to make the next attempt.
    if (record.keep) return recorded ? undefined : records.add(record);
    const { workflow_id: workflowId, event_type: eventType, event_id: eventId, tenant } = job;
    if (recorded && outcome.kind !== 'retry') return deps.ended(workflowId, eventId);
    const kept = withProof(deps.attempt.secrets, job.id, withoutContents(attempt));
    const carried = {
      id: job.id,
      endpointId: job.endpoint_id,
      maxAttempts: job.max_attempts,
      attemptsBefore: attempt.number,
      attempts: [summarize(kept)],
    };
    const start = { workflowId, eventType, eventId, tenant };
    const unrecorded = recorded ? {} : { unrecorded: [kept] };
    handOvers.add(
      { ...start, deliveries: [{ ...carried, ...unrecorded }] },
      recorded ? null : attempt,
      delayMs ?? 0,
    );
  }

  function leave({ id, due_at: dueAt }: ClaimedDelivery, lane: ReleasedDelivery['lane']): void {
    left.add({ id, dueAt, lane, inMs: closed ? 0 : LEFT_DUE_MS[lane] });
  }

  function leaveEvents(eventIds: string[], waitMs: number): void {
    const work = () =>
      deps.leaveEvents(eventIds, LEFT_DUE_MS.workflow).catch(() => leaveEvents(eventIds, AGAIN_MS));
    setTimeout(() => void work(), waitMs).unref();
  }

  function take(one: ClaimedDelivery): void {
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
    hasRoom: () => !closed && waitingCount < MOST_WAITING && waitingBytes < MOST_WAITING_BYTES,
    fullEndpoints: () => [...waiting.keys()],
    run: take,
    deliver({ id: event_id, type: event_type, tenant, workflow_id, deliveries }, content, due_at) {
      const parts = deliveries.length > DELIVERIES_PER_WORKFLOW;
      deliveries.forEach(({ id, endpoint_id, status }, i) => {
        if (status !== 'PENDING') return;
        const part = partWorkflowId(workflow_id, 1 + Math.floor(i / DELIVERIES_PER_WORKFLOW));
        const event = { event_id, event_type, tenant, ...content, workflow_id: parts ? part : workflow_id };
        take({
          ...event,
          id,
          endpoint_id,
          due_at,
          in_hand: true,
          attempt_count: 0,
          max_attempts: maxAttempts,
        });
      });
    },
    releaseEvents: (eventIds) => leaveEvents(eventIds, DECIDED_MS),
    async close() {
      closed = true;
      for (const endpointId of [...waiting.keys()]) next(endpointId);
      await Promise.all(jobs);
      await Promise.all([left.close(), records.close(), handOvers.close()]);
    },
  };
}
