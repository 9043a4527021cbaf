import type { Logger } from 'pino';
import type { AttemptTarget } from '../db/deliveries.js';
import {
  LEASE_MS,
  type AttemptRecord,
  type ClaimedDelivery,
  type ReleasedClaim,
} from '../db/open-deliveries/index.js';
import { addTo } from '../lib/counts.js';
import { messageOf } from '../lib/error-text.js';
import { createRetryingWriter } from '../lib/retrying-writer.js';
import { makeAttempt, type AttemptDeps, type AttemptOutcome } from './attempt.js';
import type { EndpointCache } from './endpoint-cache.js';

export interface Runner {
  /** Payload bytes that this process can take more of; 0: none. */
  room(): number;
  /** Endpoints with so many claims waiting that further ones stay in Postgres, in the order of their times. */
  fullEndpoints(): string[];
  /**
   * Makes the next attempt of a delivery that this process has claimed, in the background. `claimedAt`: when the claim
   * was asked for, by performance.now(), so that it ends here no later than in Postgres.
   */
  run(claimed: ClaimedDelivery, claimedAt: number): void;
  /** The outcome of the attempt under way in this process, or made and not recorded yet; null: there is none. */
  join(deliveryId: string): Promise<AttemptOutcome> | null;
  /** Whether an attempt made here is not recorded yet, and its record is tried again. */
  isRecording(deliveryId: string): boolean;
  /** Milliseconds since the last attempt began. */
  idleMs(): number;
  /** Waits for the attempts under way, and releases all other claims. */
  close(): Promise<void>;
}

/** Attempts under way in this process. */
const MAX_UNDER_WAY = 4_096;
const MAX_PER_ENDPOINT = 256;
const MAX_BYTES_UNDER_WAY = 64 * 1024 * 1024;
/** Claims that wait for their turn. */
const MAX_WAITING = 20_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** Data that was read with the claim is used for this long; then it is read again. */
const FRESH_MS = 1_000;
/** A claim that has waited longer is released, for a process with room. */
const MAX_WAIT_MS = 20_000;
/** Endpoints tried for one that can use the room of an attempt that ended. */
const MAX_TRIES = 64;
/** A released claim is due again after this: a burst may be over by then. */
const RELEASED_MS = 1_000;

interface Job extends ClaimedDelivery {
  /** When its claim was asked for, by performance.now(). */
  at: number;
  resolve(outcome: AttemptOutcome): void;
}

/** Makes attempts that this process holds claims for, bounded in number, in bytes and per endpoint. */
export function createRunner(deps: {
  attempt: AttemptDeps;
  endpoints: EndpointCache;
  release(claims: ReleasedClaim[]): Promise<void>;
  /** Whether this process knows of every pause there is. */
  current(): boolean;
  log: Logger;
}): Runner {
  const { endpoints, log } = deps;
  const inHand = new Map<string, Promise<AttemptOutcome>>();
  const waiting = new Map<string, Job[]>();
  const underWayAt = new Map<string, number>();
  const bytesAt = new Map<string, number>();
  const full = new Set<string>();
  let waitingCount = 0;
  let waitingBytes = 0;
  let underWay = 0;
  let bytesUnderWay = 0;
  let begunAt = -Infinity;
  let closed = false;
  const releases = createRetryingWriter<ReleasedClaim>('released claims', log, (some) =>
    deps.release(some).then(
      () => [],
      () => some,
    ),
  );
  /** Outcomes of attempts that Postgres has not taken yet. */
  const unrecorded = new Map<string, Promise<AttemptOutcome>>();
  const records = createRetryingWriter<AttemptRecord>('attempts', log, async (some) => {
    const done = await Promise.allSettled(some.map((record) => deps.attempt.record(record)));
    some.forEach(({ deliveryId }, i) => done[i]!.status === 'fulfilled' && unrecorded.delete(deliveryId));
    return some.filter((_, i) => done[i]!.status === 'rejected');
  });

  /** An endpoint's attempts, and their bytes, are at most the room left for all others: endpoints that hang never use all of it. */
  function mayBegin({ endpoint_id, payload }: Job): boolean {
    if ((underWayAt.get(endpoint_id) ?? 0) >= Math.min(MAX_PER_ENDPOINT, MAX_UNDER_WAY - underWay))
      return false;
    const bytes = payload.length + (bytesAt.get(endpoint_id) ?? 0);
    return bytesUnderWay === 0 || bytes <= MAX_BYTES_UNDER_WAY - bytesUnderWay;
  }
  /** Claims that wait for one endpoint are at most the room left for others; half of the bytes are for first claims. */
  const mayWait = (queue: Job[]) =>
    queue.length < MAX_WAITING - waitingCount &&
    waitingBytes < (queue.length === 0 ? MAX_WAITING_BYTES : MAX_WAITING_BYTES / 2);

  function begin(job: Job): void {
    const { endpoint_id: endpointId } = job;
    begunAt = performance.now();
    underWay += 1;
    bytesUnderWay += job.payload.length;
    addTo(underWayAt, endpointId, 1);
    addTo(bytesAt, endpointId, job.payload.length);
    void attempt(job)
      .catch((error: unknown): AttemptOutcome => {
        log.error({ err: error, delivery_id: job.id }, 'attempt not made');
        const reason = `put off by a fault of ours: ${messageOf(error)}`;
        return { kind: 'released', release: { inMs: RELEASED_MS, reason, backOff: true } };
      })
      .then((outcome) => {
        underWay -= 1;
        bytesUnderWay -= job.payload.length;
        addTo(underWayAt, endpointId, -1);
        addTo(bytesAt, endpointId, -job.payload.length);
        finish(job, outcome);
        nextOfAnother();
        next(endpointId);
      });
  }

  async function attempt(job: Job): Promise<AttemptOutcome> {
    const claim = { ...job, since: job.at, until: job.at + LEASE_MS };
    // Data read with the claim is known to be new; where this process may have missed a pause, Postgres is asked.
    const isFresh = performance.now() - job.at <= FRESH_MS && deps.current();
    return makeAttempt(deps.attempt, claim, isFresh ? await targetOf(job) : undefined);
  }

  async function targetOf(job: Job): Promise<AttemptTarget> {
    const known = await endpoints.get(job.endpoint_id);
    if (!known) throw new Error(`The endpoint ${job.endpoint_id} is not there.`);
    return { ...job, ...known };
  }

  function finish(job: Job, outcome: AttemptOutcome): void {
    inHand.delete(job.id);
    if (outcome.kind === 'released') releases.add({ id: job.id, claim: job.claim, ...outcome.release });
    else if (!outcome.recorded) {
      unrecorded.set(job.id, Promise.resolve(outcome));
      records.add(outcome.record);
    }
    job.resolve(outcome);
  }

  const release = (job: Job) =>
    finish(job, {
      kind: 'released',
      release: { inMs: closed ? null : RELEASED_MS, reason: null, backOff: false },
    });

  function next(endpointId: string): void {
    const queue = waiting.get(endpointId);
    while (queue?.length && (closed || mayBegin(queue[0]!))) {
      const job = queue.shift()!;
      waitingCount -= 1;
      waitingBytes -= job.payload.length;
      if (closed || performance.now() - job.at > MAX_WAIT_MS) release(job);
      else begin(job);
    }
    if (queue && queue.length < MAX_PER_ENDPOINT) full.delete(endpointId);
    if (queue?.length === 0) waiting.delete(endpointId);
  }

  /** Endpoints without an attempt under way wait for room that attempts at others free. */
  function nextOfAnother(): void {
    const before = underWay;
    for (let tries = Math.min(waiting.size, MAX_TRIES); tries > 0 && underWay === before; tries--) {
      const [endpointId, queue] = waiting.entries().next().value!;
      waiting.delete(endpointId);
      waiting.set(endpointId, queue);
      next(endpointId);
      if (waiting.size === 0) return;
    }
  }

  return {
    room: () => (closed || waitingCount >= MAX_WAITING ? 0 : Math.max(0, MAX_WAITING_BYTES - waitingBytes)),
    fullEndpoints: () => [...full],
    run(claimed, at) {
      let resolve!: (outcome: AttemptOutcome) => void;
      const outcome = new Promise<AttemptOutcome>((done) => (resolve = done));
      inHand.set(claimed.id, outcome);
      const job: Job = { ...claimed, at, resolve };
      if (closed) return release(job);
      const queue = waiting.get(job.endpoint_id) ?? [];
      if (queue.length === 0 && mayBegin(job)) return begin(job);
      if (!mayWait(queue)) return release(job);
      waiting.set(job.endpoint_id, queue);
      queue.push(job);
      if (queue.length >= MAX_PER_ENDPOINT) full.add(job.endpoint_id);
      waitingCount += 1;
      waitingBytes += job.payload.length;
    },
    isRecording: (deliveryId) => unrecorded.has(deliveryId),
    idleMs: () => (underWay > 0 ? 0 : performance.now() - begunAt),
    join: (deliveryId) => inHand.get(deliveryId) ?? unrecorded.get(deliveryId) ?? null,
    async close() {
      closed = true;
      for (const endpointId of [...waiting.keys()]) next(endpointId);
      while (inHand.size > 0) await Promise.all(inHand.values());
      await Promise.all([releases.close(), records.close()]);
    },
  };
}
