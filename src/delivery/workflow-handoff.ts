import type { Logger } from 'pino';
import type { AttemptRecord } from '../db/attempts.js';
import { nextStep } from '../domain/classify.js';
import type { Attempt } from '../domain/delivery.js';
import { attemptRecord } from './attempt.js';
import type { DeliveryStart, WorkflowGateway } from './workflow-gateway.js';

export interface WorkflowHandoff {
  /** Has a delivery carried on by a workflow, `waitMs` from now; `unrecorded`: the attempt that Postgres did not take. */
  add(start: DeliveryStart, unrecorded: Attempt | null, waitMs: number): void;
  close(): Promise<void>;
}

const AT_ONCE = 16;
/** Waiting in memory; what Postgres knows beyond that the sweeper hands over, a minute after its retry was due. */
const MOST_WAITING = 20_000;
const AGAIN_MS = { first: 500, most: 10_000 };

interface HandOver {
  start: DeliveryStart;
  /** Null once Postgres knows. */
  unrecorded: Attempt | null;
  /** When its next attempt is due. */
  dueAt: number;
  /** Since when it has been the sweeper's, too. */
  until: number;
  againMs: number;
}

/** Hands deliveries that need a retry to workflows, a few at a time. */
export function createWorkflowHandoff(deps: {
  workflows: Pick<WorkflowGateway, 'carry'>;
  record(record: AttemptRecord): Promise<void>;
  /** So many more, or fewer, are to be handed over. */
  count(change: number): void;
  /** From then on the sweeper looks for what was not handed over. */
  giveUpMs: number;
  log: Logger;
}): WorkflowHandoff {
  const { workflows, log } = deps;
  const waiting: HandOver[] = [];
  /** Refused, until they are tried again. */
  const resting = new Map<HandOver, NodeJS.Timeout>();
  let underWay = 0;
  /** Temporal did not take the last one. */
  let refused = false;
  let closed = false;

  /** Whether it needs no more of this process. */
  async function handOver(one: HandOver): Promise<boolean> {
    // A stop does not wait for Temporal to come back.
    if (closed && refused && !one.unrecorded) return true;
    try {
      const waitMs = Math.max(0, Math.ceil(one.dueAt - performance.now()));
      const deliveries = one.start.deliveries.map((delivery) => ({ ...delivery, waitMs }));
      await workflows.carry({ ...one.start, deliveries }, { again: true });
      refused = false;
      return true;
    } catch (error) {
      refused = true;
      log.warn({ err: error, workflow_id: one.start.workflowId }, 'not handed over to a workflow');
      // An outcome that is nowhere but here is told until somebody takes it, Temporal or Postgres.
      if (one.unrecorded && (await recordLater(one.start, one.unrecorded))) one.unrecorded = null;
      return closed || (!one.unrecorded && performance.now() > one.until);
    }
  }

  /** Whether Postgres knows of it now: what comes after it the sweeper sees to. */
  function recordLater({ deliveries: [delivery] }: DeliveryStart, attempt: Attempt): Promise<boolean> {
    const step = nextStep(attempt.classification, 'default');
    return deps.record(attemptRecord(delivery!.id, attempt, step)).then(
      () => true,
      () => false,
    );
  }

  function next(): void {
    for (let one = waiting[0]; one && underWay < AT_ONCE; one = waiting[0]) {
      const job = one;
      waiting.shift();
      underWay += 1;
      void handOver(job).then((done) => {
        underWay -= 1;
        if (done) deps.count(-1);
        else rest(job);
        next();
      });
    }
  }

  /** Keeps no other from being handed over meanwhile. */
  function rest(one: HandOver): void {
    if (closed) return begin(one);
    resting.set(
      one,
      setTimeout(() => {
        resting.delete(one);
        begin(one);
      }, one.againMs),
    );
    one.againMs = Math.min(one.againMs * 2, AGAIN_MS.most);
  }

  function begin(one: HandOver): void {
    // Known to nobody else, it goes before all others.
    if (one.unrecorded) waiting.unshift(one);
    else waiting.push(one);
    next();
  }

  return {
    add(start, unrecorded, waitMs) {
      if (!unrecorded && waiting.length + resting.size >= MOST_WAITING) return;
      deps.count(1);
      const now = performance.now();
      const [dueAt, until] = [now + waitMs, now + deps.giveUpMs];
      begin({ start, unrecorded, dueAt, until, againMs: AGAIN_MS.first });
    },
    async close() {
      closed = true;
      for (const [one, timer] of resting) {
        clearTimeout(timer);
        begin(one);
      }
      resting.clear();
      while (underWay > 0) await pause(20);
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
