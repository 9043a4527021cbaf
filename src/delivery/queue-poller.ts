import type { Logger } from 'pino';
import type { ClaimDue, ClaimedDelivery, Due } from '../db/open-deliveries/index.js';
import { MAX_PAYLOAD_BYTES } from '../domain/event.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';
import type { Runner } from './runner.js';

/** Longest time between two looks. */
const EVERY_MS = 1_000;
/** Between two looks while there is more, and while endpoints have all they can take. */
const NEXT_MS = 50;
const FULL_MS = 250;
const AWAY_MS = 1_000;
/** Deliveries claimed by a look. */
const PAGE = 256;
/** Endpoints examined by a look: 15 µs each. */
const WINDOW = 300;
/** A look that took longer, or a break, makes no page larger. */
const MAX_PASSED_MS = 500;
/** Questions to Temporal that wait: no more is claimed meanwhile, so that each is asked. */
const MAX_ASKING = 512;
/** Overdue deliveries a second: what is resumed must not become a storm. Doubled every second up to the maximum. */
const RATE = { first: 100, max: 2_000 };

export interface QueuePoller extends PollLoop {
  /** Whether Temporal is being asked about a delivery that this poller has claimed. */
  isAsking(deliveryId: string): boolean;
}

/** Claims what is due and nobody's, as the runner of this process gets room. */
export function createQueuePoller(deps: {
  claimDue(request: Omit<ClaimDue, 'process'>): Promise<Due>;
  runner: Pick<Runner, 'room' | 'fullEndpoints' | 'run'>;
  /** Ends the next deliveries of a deleted endpoint. */
  endDeliveriesOf(endpointId: string): Promise<void>;
  /** Ends or releases a delivery that an operator has stopped by Temporal's tools; false: it goes on. */
  isStopped(claimed: ClaimedDelivery): Promise<boolean>;
  /** Why everything rests now; null: go on. */
  paused(): string | null;
  /** False: this process may not send, because others may have called it dead. */
  alive(): boolean;
  everyMs?: number;
  log: Logger;
}): QueuePoller {
  const { runner, everyMs = EVERY_MS, log } = deps;
  const ramp = createRamp();
  let after = '';
  /** Whether something overdue was found since a look began with the first endpoint. */
  let isResuming = false;

  /** Workflows should have made these attempts: an operator may have stopped them. Nothing else waits for the answer. */
  const asking = new Map<string, Promise<void>>();
  function runOverdue(claimed: ClaimedDelivery, claimedAt: number): void {
    const asked = deps.isStopped(claimed).then((isStopped) => {
      asking.delete(claimed.id);
      if (!isStopped) runner.run(claimed, claimedAt);
    });
    asking.set(claimed.id, asked);
  }

  /** Returns when to look again. While nothing may be sent, only deliveries of deleted endpoints are looked for. */
  async function look(maySend: boolean): Promise<number> {
    const began = performance.now();
    const due = await deps.claimDue({
      limit: maySend ? Math.min(PAGE, Math.ceil(runner.room() / MAX_PAYLOAD_BYTES)) : 0,
      overdueLimit: ramp.page(),
      except: runner.fullEndpoints(),
      after,
      window: WINDOW,
    });
    after = due.next;
    isResuming ||= due.overdue > 0;
    const isFull = runner.fullEndpoints().length > 0;
    if (after === '') {
      // Retries that come due meanwhile do not count: the next resume begins slowly again.
      if (!isResuming && !isFull) ramp.reset();
      isResuming = false;
    }
    for (const claimed of due.claimed) {
      if (claimed.run_by === 'workflow') runOverdue(claimed, began);
      else runner.run(claimed, began);
    }
    for (const endpointId of due.deleted) await deps.endDeliveriesOf(endpointId);
    if (!maySend) return due.deleted.length > 0 || asking.size > 0 ? NEXT_MS : Math.min(everyMs, AWAY_MS);
    const tookMs = performance.now() - began;
    if (due.claimed.length > 0 || due.deleted.length > 0 || after !== '')
      return Math.max(NEXT_MS - tookMs, tookMs);
    return Math.max(tookMs, Math.min(everyMs, isFull ? FULL_MS : everyMs, due.nextDueMs ?? everyMs));
  }

  const loop = startPollLoop(async () => {
    const maySend = deps.paused() === null && deps.alive() && runner.room() > 0 && asking.size < MAX_ASKING;
    if (deps.paused() !== null || runner.room() === 0) ramp.reset();
    return look(maySend).catch((error: unknown) => {
      log.warn({ err: error }, 'due deliveries not looked for: Postgres is away');
      return AWAY_MS;
    });
  });
  return {
    wake: loop.wake,
    isAsking: (deliveryId) => asking.has(deliveryId),
    async close() {
      await loop.close();
      await Promise.all(asking.values());
    },
  };
}

/** Page sizes for the time since the last page; `reset` when there was a break. */
export function createRamp() {
  let since: number | null = null;
  let last = 0;
  return {
    page(): number {
      const now = performance.now();
      const passedMs = since === null ? NEXT_MS : Math.min(now - last, MAX_PASSED_MS);
      since ??= now;
      last = now;
      const rate = RATE.first * 2 ** Math.floor((now - since) / 1_000);
      return Math.ceil((Math.min(rate, RATE.max) * passedMs) / 1_000);
    },
    reset: () => void (since = null),
  };
}
