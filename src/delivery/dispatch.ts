import type { Logger } from 'pino';
import { getEvent, listUnstarted, type StoredEvent } from '../db/events.js';
import type { Db } from '../db/pool.js';
import { lowestId } from '../ids.js';
import type { DeliverWebhookInput } from '../../workflows/contract.js';

/** What starting an event's workflow takes: its input, its id, and the type operators search by. */
export interface DeliveryStart extends DeliverWebhookInput {
  workflowId: string;
  eventType: string;
}

export interface Dispatcher {
  /** Starts an accepted event's workflow, in the background; what does not fit or fails waits for the sweep. */
  dispatch(start: DeliveryStart): void;
  /** Ends the sweep and waits for the starts under way. */
  close(): Promise<void>;
}

export const startOf = (event: StoredEvent, maxAttempts: number): DeliveryStart => ({
  workflowId: event.workflow_id,
  eventType: event.type,
  eventId: event.id,
  tenant: event.tenant,
  deliveries: event.deliveries.map((d) => ({ id: d.id, endpointId: d.endpoint_id, maxAttempts })),
});

const MAX_STARTS = 256;
const SWEEP_EVERY_MS = 5_000;
/** Older than any start under way. */
const SWEEP_AGE_MS = 15_000;
const SWEEP_BATCH = 100;

/** Hands events to Temporal after their commit. Temporal away costs nothing but time: the sweep starts what is left. */
export function createDispatcher(deps: {
  db: Db;
  start(start: DeliveryStart): Promise<void>;
  maxAttempts: number;
  log: Logger;
  sweepEveryMs?: number;
  sweepAgeMs?: number;
}): Dispatcher {
  const { db, log, maxAttempts, sweepEveryMs = SWEEP_EVERY_MS, sweepAgeMs = SWEEP_AGE_MS } = deps;
  const underWay = new Set<Promise<void>>();
  let closed = false;
  let sweeping: Promise<void> = Promise.resolve();

  const start = async (event: DeliveryStart) => {
    await deps.start(event).catch((error: unknown) => {
      log.warn({ err: error, workflow_id: event.workflowId }, 'workflow not started; the sweep will');
    });
  };

  // Where the last sweep ended: those whose workflow only waits its turn must not hide the ones behind them.
  let after = '';
  async function sweep(): Promise<void> {
    const before = lowestId('del', new Date(Date.now() - sweepAgeMs));
    const found = await listUnstarted(db, after, before, SWEEP_BATCH);
    for (const { event_id } of found) {
      if (closed) return;
      const event = await getEvent(db, event_id);
      if (event) await start(startOf(event, maxAttempts));
    }
    after = found.at(-1)?.last ?? '';
  }

  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep).catch((error: unknown) => log.warn({ err: error }, 'sweep failed'));
  }, sweepEveryMs);

  return {
    dispatch(event) {
      if (event.deliveries.length === 0 || underWay.size >= MAX_STARTS) return;
      const job = start(event).finally(() => underWay.delete(job));
      underWay.add(job);
    },
    async close() {
      closed = true;
      clearInterval(timer);
      await sweeping;
      await Promise.all(underWay);
    },
  };
}
