import { afterAll, beforeAll, expect, test } from 'vitest';
import type { NewEvent } from '../../src/db/events.js';
import { startOperationalEvents } from '../../src/delivery/operational-events.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { openTestDatabase, type TestDatabase } from '../support/open-deliveries.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const left = async () => (await database.pool.query('select from operational_events')).rowCount;

test('a stop waits for one page of events, however many there are', async () => {
  await database.pool.query(
    `insert into operational_events (type, key, data) select 'delivery.failed', 'delivery.failed/' || n, '{}'
     from generate_series(1, 1000) n`,
  );
  const waiting: (() => void)[] = [];
  let isSlow = true;
  const events = startOperationalEvents({
    pool: database.pool,
    async accept({ id, idempotencyKey }: NewEvent) {
      if (isSlow) await new Promise<void>((resolve) => waiting.push(resolve));
      const about = { type: 't', tenant: 't', workflow_id: id, created_at: new Date() };
      return {
        kind: 'accepted',
        event: { id, ...about, idempotency_key: idempotencyKey, deliveries: [], delivery_count: 0 },
      };
    },
    maxAttempts: 1,
    log: createLogger('silent'),
  });
  await eventually(async () => waiting.length === 100);
  const closed = events.close();
  isSlow = false;
  waiting.forEach((resolve) => resolve());
  await closed;
  expect(await left()).toBe(900);
});
