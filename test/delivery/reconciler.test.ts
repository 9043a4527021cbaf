import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { setStatus } from '../../src/db/deliveries.js';
import { countOpenDeliveries, releaseHeld } from '../../src/db/overdue-deliveries.js';
import { createSecretCipher } from '../../src/lib/secret-cipher.js';
import { createReconciler } from '../../src/delivery/reconciler.js';
import {
  TemporalAwayError,
  type DeliveryStart,
  type WorkflowGateway,
} from '../../src/delivery/workflow-gateway.js';
import { OPEN_STATUSES } from '../../src/domain/delivery.js';
import { createLogger } from '../../src/observability/logger.js';
import { createEndpoint, getDelivery, postEvent } from '../support/path.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

/** On a real Postgres, with a Temporal that fails on command. */
let t: TestService;
let started: string[];
let nth = 0;
let fail: (start: DeliveryStart) => void;

beforeAll(async () => {
  t = await startTestService({ role: 'api', sweepEveryMs: 3_600_000 });
});
afterAll(() => t.stop());
beforeEach(async () => {
  started = [];
  fail = () => {};
  await t.pool.query(`update deliveries set status = 'CANCELLED'`);
});

function sweep() {
  const workflows: Partial<WorkflowGateway> = {
    start: async (start) => {
      await Promise.resolve();
      fail(start);
      started.push(...start.deliveries.map(({ id }) => id));
      return true;
    },
    carry: (start) => workflows.start!(start),
  };
  const sweeper = createReconciler({
    db: t.pool,
    workflows: workflows as WorkflowGateway,
    paused: () => null,
    makesAttempts: false,
    drains: false,
    getEvent: () => Promise.resolve(null),
    secrets: createSecretCipher(Buffer.alloc(32, 1).toString('base64')),
    record: () => Promise.resolve(),
    lookAgain: () => Promise.resolve(),
    end: (ids, status, reason) => setStatus(t.pool, ids, OPEN_STATUSES, status, reason),
    changeBatch: () => Promise.resolve(null),
    maxAttempts: 12,
    log: createLogger('silent'),
    everyMs: 50,
  });
  return sweeper;
}

/** So many deliveries that should have moved so long ago. */
async function overdue(count: number, minutes: number): Promise<string[]> {
  const tenant = `tenant_${nth++}`;
  await createEndpoint(t, 'http://127.0.0.1:1/', { tenant });
  const ids: string[] = [];
  for (let i = 0; i < count; i++) ids.push((await postEvent(t, { tenant })).deliveries[0]!.id);
  await t.pool.query(
    `update deliveries set due_at = now() - $2 * interval '1 minute', status = 'PENDING' where id = any($1)`,
    [ids, minutes],
  );
  return ids;
}

test('workflows that always fail keep no other from being started', async () => {
  const bad = new Set(await overdue(20, 10));
  fail = ({ deliveries }) => {
    if (deliveries.some(({ id }) => bad.has(id))) throw new Error('this one never works');
  };
  const good = await overdue(3, 5);
  const sweeper = sweep();
  try {
    await eventually(() => Promise.resolve(started.length === 3), 5_000);
    expect(started.sort()).toEqual([...good].sort());
    // They are looked at again, but not at once.
    expect((await countOpenDeliveries(t.pool)).overdue).toBe(0);
    const later = await overdue(1, 1);
    await eventually(() => Promise.resolve(started.includes(later[0]!)), 5_000);
  } finally {
    await sweeper.close();
  }
});

test('with Temporal away they stay as long overdue as they are', async () => {
  const ids = await overdue(20, 10);
  let asked = 0;
  fail = () => {
    asked += 1;
    throw new TemporalAwayError('away');
  };
  const sweeper = sweep();
  try {
    await eventually(() => Promise.resolve(asked >= 8), 5_000);
    await eventually(async () => (await countOpenDeliveries(t.pool)).overdue === 20, 5_000);
    expect((await countOpenDeliveries(t.pool)).oldestSeconds).toBeGreaterThan(590);
    // Not each of them is asked for in vain.
    expect(asked).toBeLessThan(20);
    fail = () => {};
    await eventually(() => Promise.resolve(started.length === 20), 20_000);
    expect(started.sort()).toEqual([...ids].sort());
  } finally {
    await sweeper.close();
  }
});

test('what a file holds is let go by those who would see the file, and by nobody else', async () => {
  const [id] = await overdue(1, -60);
  await setStatus(t.pool, [id!], OPEN_STATUSES, 'HELD', 'everything paused by a file: by hand');
  expect(await releaseHeld(t.pool, 10, false)).toEqual([]);
  expect(await getDelivery(t, id!)).toMatchObject({ status: 'HELD' });
  expect(await releaseHeld(t.pool, 10, true)).toMatchObject([{ id }]);
  expect(await getDelivery(t, id!)).toMatchObject({ status: 'PENDING', status_reason: 'RESUMED' });
});
