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
import type { Accept } from './accept-events.js';
import { deliverWorkflowId } from './workflow-id.js';

/** Events accepted at a time. */
const PAGE = 100;

/**
 * Accepts the events about Surehook itself, as events of the operator's tenant. The key of each is known: one that was
 * accepted by a process that died before it said so is not accepted again.
 */
export function createOperationalEvents(deps: {
  pool: Pool;
  accept: Accept;
  maxAttempts: number;
  log: Logger;
}): () => Promise<void> {
  async function acceptPage(): Promise<number> {
    const events = await claimOperationalEvents(deps.pool, PAGE);
    const accepted = await Promise.all(
      events.map(async (event) => {
        try {
          await deps.accept(eventOf(event, deps.maxAttempts));
          return [event.id];
        } catch (error) {
          deps.log.warn({ err: error, key: event.key }, 'operational event put off');
          return [];
        }
      }),
    );
    const ids = accepted.flat();
    if (ids.length > 0) await removeOperationalEvents(deps.pool, ids);
    // Those that failed are due again later.
    return ids.length;
  }

  return async () => {
    while ((await acceptPage()) === PAGE);
  };
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
