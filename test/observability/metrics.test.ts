import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint, postEvent } from '../support/path.js';
import { seedOpen } from '../support/seed.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  // No attempts are made, so the deliveries stay open.
  t = await startTestService({ role: 'api', attempts: false, pollEveryMs: 3_600_000 });
});
afterAll(() => t.stop());

async function metrics(): Promise<Record<string, number>> {
  const text = await (await fetch(`${t.service.url}/metrics`)).text();
  const found = [...text.matchAll(/^surehook_(\S+) (\S+)$/gm)];
  return Object.fromEntries(found.map(([, name, value]) => [name!, Number(value)] as const));
}

/** The metrics query Postgres once a second at most. */
const become = (expected: Record<string, number>) =>
  expect.poll(metrics, { timeout: 20_000 }).toMatchObject(expected);

test('the metrics report open deliveries by status, those overdue, and the age of the oldest', async () => {
  const { id: endpointId } = await createEndpoint(t, 'http://127.0.0.1:1/');
  await seedOpen(t.pool, { endpointId, count: 2, type: 'a', attempts: 1 });
  for (let i = 0; i < 3; i++) await postEvent(t, {});
  await become({
    'open_deliveries{status="PENDING"}': 3,
    'open_deliveries{status="IN_PROGRESS"}': 2,
    'open_deliveries{status="HELD"}': 0,
    overdue_deliveries: 0,
    overdue_oldest_seconds: 0,
  });
  await t.pool.query(
    `update open_deliveries set run_at = now() - interval '90 seconds'
     where id in (select id from open_deliveries order by id limit 2)`,
  );
  await become({ overdue_deliveries: 2 });
  const { overdue_oldest_seconds: oldest } = await metrics();
  expect(oldest).toBeGreaterThanOrEqual(90);
  expect(oldest).toBeLessThan(240);
  // A claim counts from its end on.
  await t.pool.query(
    `update open_deliveries set claimed_by = 'prc_dead', claim_until = now() - interval '1 second'
     where id in (select id from open_deliveries order by id limit 1)`,
  );
  await become({ overdue_deliveries: 2 });
  await t.pool.query(
    `update open_deliveries set claim_until = now() + interval '1 hour' where claimed_by = 'prc_dead'`,
  );
  await become({ overdue_deliveries: 1 });
  // Nothing that is held is overdue; the claimed one is not held.
  await t.call('POST', `/v1/endpoints/${endpointId}/pause`);
  await become({
    'open_deliveries{status="PENDING"}': 0,
    'open_deliveries{status="IN_PROGRESS"}': 1,
    'open_deliveries{status="HELD"}': 4,
    overdue_deliveries: 0,
    overdue_oldest_seconds: 0,
  });
});

test('the metrics report how many workflow starts wait for the backfill', async () => {
  await t.pool.query(
    `insert into workflow_starts (workflow_id, event_id, start_at)
     select 'deliver:none' || n, 'evt_none', now() + interval '1 hour' from generate_series(1, 3) n`,
  );
  await become({ workflow_starts_waiting: 3 });
});
