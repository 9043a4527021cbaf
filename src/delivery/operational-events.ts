import { hash } from 'node:crypto';
import type { Logger } from 'pino';
import type { NewEvent } from '../db/events.js';
import {
  claimOperationalEvents,
  removeOperationalEvents,
  type OperationalEvent,
} from '../db/operational-events.js';
import type { Pool } from '../db/pool.js';
import { OPERATOR_TENANT } from '../domain/operational-event.js';
import { newId } from '../lib/ids.js';
import { startPollLoop, type PollLoop } from '../lib/poll-loop.js';
import type { Accept } from './accept-events.js';
import { deliverWorkflowId } from './workflow-id.js';

/** Events accepted at a time. */
const PAGE = 100;
const EVERY_MS = 1_000;

/**
 * Accepts the events about Surehook itself that changes have left, as events of the operator's tenant. The key of each is
 * known: an event that was accepted by a process that died before it removed the row is not accepted again. It polls by
 * itself, because accepting may take long while Postgres is slow.
 */
export function startOperationalEvents(deps: {
  pool: Pool;
  accept: Accept;
  maxAttempts: number;
  log: Logger;
  everyMs?: number;
}): PollLoop {
  const { pool, log, maxAttempts, everyMs = EVERY_MS } = deps;

  async function accept(event: OperationalEvent): Promise<void> {
    const { kind } = await deps.accept(eventOf(event, maxAttempts));
    if (kind !== 'conflict') return;
    // A publisher has used the key, before it was reserved. Nobody can post the other one.
    const key = `${event.key}/${event.id}`;
    log.error({ key: event.key, instead: key }, 'the key of an operational event was taken');
    const again = await deps.accept(eventOf({ ...event, key }, maxAttempts));
    if (again.kind === 'conflict') throw new Error(`The key ${key} is taken, too.`);
  }

  /** Returns how many were accepted. Events that failed are due again later. */
  async function acceptPage(): Promise<number> {
    const events = await claimOperationalEvents(pool, PAGE);
    const accepted = await Promise.all(
      events.map(async (event) => {
        try {
          await accept(event);
          return [event.id];
        } catch (error) {
          log.warn({ err: error, key: event.key }, 'operational event put off');
          return [];
        }
      }),
    );
    const ids = accepted.flat();
    if (ids.length > 0) await removeOperationalEvents(pool, ids);
    return ids.length;
  }

  return startPollLoop(async () => {
    try {
      return (await acceptPage()) === PAGE ? 0 : everyMs;
    } catch (error) {
      log.warn({ err: error }, 'operational events put off: Postgres is away');
      return everyMs;
    }
  });
}

function eventOf({ type, key, data, at }: OperationalEvent, maxAttempts: number): NewEvent {
  const payload = JSON.stringify({ type, timestamp: at.toISOString(), data });
  return {
    id: newId('evt'),
    tenant: OPERATOR_TENANT,
    type,
    payload,
    idempotencyKey: key,
    requestHash: hash('sha256', payload),
    workflowId: deliverWorkflowId(OPERATOR_TENANT, key),
    maxAttempts,
    createdAt: new Date(),
    endpointIds: null,
  };
}
