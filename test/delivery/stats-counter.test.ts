import { afterAll, beforeAll, expect, test } from 'vitest';
import { STATS_SOURCES } from '../../src/db/stats-sources.js';
import { startStatsCounter } from '../../src/delivery/stats-counter.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/eventually.js';
import { accept, newEvent, openTestDatabase, type TestDatabase } from '../support/open-deliveries.js';
import { expectAllCounted } from '../support/stats.js';

let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const EVERY_MS = 50;

test('a busy process counts less often, and counts everything all the same', async () => {
  await accept(database.pool, [newEvent(), newEvent()]);
  const looks: number[] = [];
  database.pool.on('acquire', () => looks.push(performance.now()));
  const counter = startStatsCounter({
    pool: database.pool,
    isBusy: () => true,
    everyMs: EVERY_MS,
    log: createLogger('silent'),
  });
  try {
    // Each source is looked at three times; the first statement deletes old minutes.
    await eventually(async () => looks.length > 3 * STATS_SOURCES.length);
    expect(looks[3 * STATS_SOURCES.length]! - looks[1]!).toBeGreaterThan(19 * EVERY_MS);
    await expectAllCounted(database.admin, null);
  } finally {
    await counter.close();
  }
});
