import type { Lane } from '../domain/delivery.js';

/** Which lane makes the first attempts of the events accepted now. */
export interface Lanes {
  choose(): Lane;
  accepted(): void;
  /** A workflow is started for an event, and later its first attempt begins: until then Temporal is behind by one more. */
  started(workflowId: string): void;
  began(workflowId: string): void;
  /** Neither lane has much to do. */
  idle(): boolean;
  close(): void;
}

export interface LanesOptions {
  lane: Lane | 'auto';
  directAbove: number;
}

const TICK_MS = 250;
const TICKS_PER_SECOND = 4;
/** A workflow that has not begun by then is the sweeper's. */
const FORGET_MS = 15_000;
/** What a Temporal manages that nobody has measured yet, workflows a second; and the least it is taken for. */
const CAPACITY = { first: 50, least: 20 };

/**
 * `auto`: by workflow, until more than `directAbove` of them wait for Temporal; then directly, until less is accepted in a
 * second than Temporal manages.
 */
export function createLanes({ lane, directAbove }: LanesOptions): Lanes {
  const behind = new Map<string, number>();
  const acceptedPer = Array<number>(TICKS_PER_SECOND).fill(0);
  const begunPer = Array<number>(TICKS_PER_SECOND).fill(0);
  let capacity = CAPACITY.first;
  let burst = false;
  const sum = (counts: number[]) => counts.reduce((a, b) => a + b, 0);

  const timer = setInterval(() => {
    const old = performance.now() - FORGET_MS;
    for (const [id, at] of behind) {
      if (at > old) break;
      behind.delete(id);
    }
    // Only one that is busy shows what it manages.
    if (behind.size > directAbove / 4) capacity = Math.max(CAPACITY.least, sum(begunPer));
    if (burst && behind.size <= directAbove / 2 && sum(acceptedPer) < capacity) burst = false;
    for (const counts of [acceptedPer, begunPer]) {
      counts.shift();
      counts.push(0);
    }
  }, TICK_MS);
  timer.unref();

  return {
    choose() {
      if (lane !== 'auto') return lane;
      if (behind.size > directAbove) burst = true;
      return burst ? 'direct' : 'workflow';
    },
    accepted: () => void (acceptedPer[TICKS_PER_SECOND - 1]! += 1),
    started: (workflowId) => void behind.set(workflowId, performance.now()),
    began(workflowId) {
      if (behind.delete(workflowId)) begunPer[TICKS_PER_SECOND - 1]! += 1;
    },
    idle: () => behind.size === 0 && sum(acceptedPer) < capacity / 2,
    close: () => clearInterval(timer),
  };
}
