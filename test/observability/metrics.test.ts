import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEndpoint, postEvent } from '../support/path.js';
import { startTestService, type TestService } from '../support/service.js';

let t: TestService;
beforeAll(async () => {
  // No worker runs, so the deliveries stay open.
  t = await startTestService({ role: 'api', sweepEveryMs: 3_600_000 });
});
afterAll(() => t.stop());

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`${t.service.url}/metrics`)).text();
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(text)?.[1]);
}

test('the metrics report the backlog and the age of its oldest delivery', async () => {
  await createEndpoint(t, 'http://127.0.0.1:1/');
  for (let i = 0; i < 3; i++) await postEvent(t, {});
  expect(await metric('surehook_open_deliveries{status="PENDING"}')).toBe(3);
  expect(await metric('surehook_sweep_backlog')).toBe(0);
  await t.pool.query(
    `update deliveries set due_at = now() - interval '90 seconds'
     where id in (select id from deliveries order by id limit 2)`,
  );
  // The metrics query Postgres once a second at most.
  await expect.poll(() => metric('surehook_sweep_backlog'), { timeout: 10_000 }).toBe(2);
  expect(await metric('surehook_sweep_oldest_seconds')).toBeGreaterThanOrEqual(90);
  expect(await metric('surehook_sweep_oldest_seconds')).toBeLessThan(120);
});
