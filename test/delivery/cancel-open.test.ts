import { afterAll, beforeAll, expect, test } from 'vitest';
import { SUREHOOK } from '../../src/db/audit.js';
import { fanOut, MOST_AT_ACCEPT } from '../../src/db/open-deliveries/index.js';
import type { Pool } from '../../src/db/pool.js';
import { cancelOpen } from '../../src/delivery/cancel-open.js';
import { createLogger } from '../../src/observability/logger.js';
import {
  accept,
  addEndpoints,
  newEvent,
  openTestDatabase,
  type TestDatabase,
} from '../support/open-deliveries.js';

let database: TestDatabase;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());

/** Calls back after each statement that found no open delivery, before its result is there. */
function afterNothingFound(pool: Pool, then: () => Promise<unknown>): Pool {
  const query = async (text: string, values: unknown[]) => {
    const result = await pool.query<{ id?: string | null }>(text, values);
    if (text.includes('with examined') && result.rows[0]?.id === null) await then();
    return result;
  };
  return new Proxy(pool, {
    get(target, name) {
      if (name === 'query') return query;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

test('the last page of a wide event that is made after a look at its deliveries is cancelled, too', async () => {
  const count = MOST_AT_ACCEPT + 5;
  await addEndpoints(database.pool, count);
  const [{ event }] = (await accept(database.pool, [newEvent()], { claimedBy: null })) as [
    Awaited<ReturnType<typeof accept>>[number],
  ];
  const page = { eventId: event.id, maxAttempts: 3, limit: 100, maxWork: 1, workflow: 'none' as const };
  let pages = 0;
  const pool = afterNothingFound(database.pool, async () => {
    if (pages++ === 0) expect(await fanOut(database.pool, page)).toBe(false);
  });
  const deps = {
    pool,
    workflows: { cancelDeliveries: () => Promise.reject(new Error('Not asked.')) },
    workflowMode: 'none' as const,
    log: createLogger('silent'),
  };
  const filter = { status: ['PENDING' as const], event_id: event.id };
  const by = { actor: SUREHOOK, reason: null, filter, object: event.id, tenant: null };
  const report = await cancelOpen(deps, { filter, dryRun: false, by });
  expect(report).toMatchObject({ matched: count, cancelled: count, complete: true });
  expect(pages).toBeGreaterThan(0);
});
