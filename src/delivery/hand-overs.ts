import type { Logger } from 'pino';
import type { AttemptRecord } from '../db/attempts.js';
import { nextStep } from '../domain/classify.js';
import type { Attempt } from '../domain/delivery.js';
import { attemptRecord } from './attempt.js';
import type { DeliveryStart, Workflows } from './workflows.js';

export interface HandOvers {
  /** Has a delivery carried on by a workflow; `unrecorded`: the attempt that Postgres did not take. */
  add(start: DeliveryStart, unrecorded: Attempt | null): void;
  /** First attempts may have made room. */
  more(): void;
  close(): Promise<void>;
}

const AT_ONCE = 16;
/** Waiting in memory; what Postgres knows beyond that the sweeper hands over, a minute after its retry was due. */
const MOST_WAITING = 20_000;
/** So late a retry may be handed over where first attempts wait. */
const LATE_MS = 5_000;
const AGAIN_MS = { first: 500, most: 10_000 };

interface HandOver {
  start: DeliveryStart;
  unrecorded: Attempt | null;
  /** By when, also in a burst. */
  wantedAt: number;
}

/**
 * Hands deliveries that need a retry to workflows, a few at a time. A workflow costs a hundred times what a first attempt
 * costs: in a burst of these, it has to wait.
 */
export function createHandOvers(deps: {
  workflows: Pick<Workflows, 'carry'>;
  record(record: AttemptRecord): Promise<void>;
  /** Whether there is a burst of first attempts. */
  busy(): boolean;
  /** So many more, or fewer, are to be handed over. */
  count(change: number): void;
  /** From then on the sweeper looks for what was not handed over. */
  giveUpMs: number;
  log: Logger;
}): HandOvers {
  const { workflows, log } = deps;
  const waiting: HandOver[] = [];
  let underWay = 0;
  /** Temporal did not take the last one. */
  let refused = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  /** Again and again until it is the sweeper's, which looks for it where Postgres knows of the attempt. */
  async function handOver({ start, unrecorded }: HandOver): Promise<void> {
    const until = performance.now() + deps.giveUpMs;
    let known = unrecorded === null;
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
  }

  /** Whether Postgres knows of it now: what comes after it the sweeper sees to. */
  function recordLater({ deliveries: [delivery] }: DeliveryStart, attempt: Attempt): Promise<boolean> {
    const step = nextStep(attempt.classification, 'default');
    return deps.record(attemptRecord(delivery!.id, attempt, step)).then(
      () => true,
      () => false,
    );
  }

  function more(): void {
    for (let next = waiting[0]; next && underWay < AT_ONCE; next = waiting[0]) {
      const earlyMs = deps.busy() && !closed ? next.wantedAt - Date.now() : 0;
      if (earlyMs > 0) {
        timer ??= setTimeout(() => {
          timer = undefined;
          more();
        }, earlyMs);
        return;
      }
      waiting.shift();
      underWay += 1;
      void handOver(next).finally(() => {
        underWay -= 1;
        deps.count(-1);
        more();
      });
    }
  }

  return {
    add(start, unrecorded) {
      if (!unrecorded && waiting.length >= MOST_WAITING) return;
      const notBefore = unrecorded ? undefined : start.deliveries[0]!.notBefore;
      const one = { start, unrecorded, wantedAt: notBefore ? Date.parse(notBefore) + LATE_MS : 0 };
      // Known to nobody else, it goes before all that wait for their retry.
      if (unrecorded) waiting.unshift(one);
      else waiting.push(one);
      deps.count(1);
      more();
    },
    more,
    async close() {
      closed = true;
      clearTimeout(timer);
      more();
      while (underWay > 0) await pause(20);
    },
  };
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
