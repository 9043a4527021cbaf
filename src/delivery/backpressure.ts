import type { Lane } from '../domain/delivery.js';
import { wholeWorkflowId } from '../domain/event.js';

/** Which lane makes the first attempts of the events accepted now. */
export interface Backpressure {
  /** For about so many deliveries accepted together. */
  choose(deliveries?: number): Lane;
  /** Whether retries are to wait in Postgres: Temporal has enough to do. */
  queuesRetries(): boolean;
  /** Whether this process makes attempts without workflows at all. */
  direct: boolean;
  /** So many deliveries. */
  accepted(deliveries: number): void;
  /** A workflow is started for so many deliveries; until the first attempt of one begins, Temporal is behind by it. */
  started(workflowId: string, deliveries: number): void;
  began(workflowId: string, deliveries?: number): void;
  /** Once the first attempts of a workflow have begun; after `ms` at the latest. */
  begun(workflowId: string, ms: number): Promise<void>;
  /** So many more, or fewer, wait to be handed over to workflows. */
  handingOver(change: number): void;
  /** Neither lane has much to do. */
  idle(): boolean;
  close(): void;
}

/** Workflows of this process whose first attempt begins in another process, and the reverse. */
export interface PeerStarts {
  began(workflowId: string): void;
  onBegan(listener: (workflowId: string) => void): void;
}

export interface BackpressureOptions {
  lane: Lane | 'auto';
  directAbove: number;
}

const TICK_MS = 250;
const TICKS_PER_SECOND = 4;
/** What has not begun by then is the sweeper's. */
const FORGET_MS = 15_000;
/** Where so many have not begun by then, Temporal is behind, however few wait. */
const LATE = { afterMs: 1_000, most: 4 };
/** What a Temporal manages that nobody has measured yet, first attempts a second; and the least it is taken for. */
const CAPACITY = { first: 50, least: 20 };

/**
 * `auto`: by workflow, until more than `directAbove` first attempts and hand-overs wait for Temporal, or a few of them
 * too long; then directly, until less is accepted in a second than Temporal manages.
 */
export function createBackpressure(
  { lane, directAbove }: BackpressureOptions,
  peers?: PeerStarts,
): Backpressure {
  /** By workflow, the oldest first: since when, and how many of its first attempts have not begun. */
  const waiting = new Map<string, { at: number; left: number; begun?: () => void }>();
  let behind = 0;
  let handing = 0;
  const acceptedPer = Array<number>(TICKS_PER_SECOND).fill(0);
  const begunPer = Array<number>(TICKS_PER_SECOND).fill(0);
  let capacity = CAPACITY.first;
  let busyTicks = 0;
  let burst = false;
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);

  function isLate(): boolean {
    const since = performance.now() - LATE.afterMs;
    let count = 0;
    for (const { at } of waiting.values()) {
      if (at > since) return false;
      if (++count === LATE.most) return true;
    }
    return false;
  }

  const timer = setInterval(() => {
    const old = performance.now() - FORGET_MS;
    for (const [id, { at, left }] of waiting) {
      if (at > old) break;
      waiting.delete(id);
      behind -= left;
    }
    const late = isLate();
    if (late) burst = true;
    // Only one that was busy for all of a second shows what it manages. What it showed while it was slow or away is not
    // for ever: a burst makes no new measurement.
    busyTicks = behind > directAbove / 4 ? busyTicks + 1 : 0;
    if (busyTicks >= TICKS_PER_SECOND) capacity = Math.max(CAPACITY.least, sum(begunPer));
    else if (behind === 0 && capacity < CAPACITY.first) capacity += 1;
    if (burst && !late && behind + handing <= directAbove / 2 && sum(acceptedPer) < capacity) burst = false;
    for (const counts of [acceptedPer, begunPer]) {
      counts.shift();
      counts.push(0);
    }
  }, TICK_MS);
  timer.unref();

  /** False for one that this process has not started, or has forgotten. */
  function began(workflowId: string, deliveries: number): boolean {
    const id = wholeWorkflowId(workflowId);
    const one = waiting.get(id);
    if (!one) return false;
    begunPer[TICKS_PER_SECOND - 1]! += deliveries;
    behind -= deliveries;
    one.left -= deliveries;
    if (one.left <= 0) {
      waiting.delete(id);
      one.begun?.();
    }
    return true;
  }
  peers?.onBegan((workflowId) => began(workflowId, 1));

  /** Whether it is one, with so many more for Temporal. */
  function burstWith(more: number): boolean {
    if (behind + handing + more > directAbove) burst = true;
    return burst;
  }

  return {
    direct: lane !== 'workflow',
    choose(deliveries = 1) {
      if (lane !== 'auto') return lane;
      return burstWith(deliveries) ? 'direct' : 'workflow';
    },
    queuesRetries: () => burstWith(1),
    accepted: (deliveries) => void (acceptedPer[TICKS_PER_SECOND - 1]! += deliveries),
    started(workflowId, deliveries) {
      // Asked for again: a workflow of this id is there already.
      if (waiting.has(workflowId)) return;
      waiting.set(workflowId, { at: performance.now(), left: deliveries });
      behind += deliveries;
    },
    began(workflowId, deliveries = 1) {
      // Temporal gives a workflow to whichever process asks.
      if (!began(workflowId, deliveries)) peers?.began(workflowId);
    },
    begun(workflowId, ms) {
      const one = waiting.get(wholeWorkflowId(workflowId));
      if (!one) return Promise.resolve();
      return new Promise((resolve) => {
        const timer = setTimeout(resolve, ms);
        one.begun = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    },
    handingOver: (change) => void (handing += change),
    idle: () => behind + handing === 0 && sum(acceptedPer) < capacity / 2,
    close: () => clearInterval(timer),
  };
}
