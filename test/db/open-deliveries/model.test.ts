import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { anyStep, TENANTS } from '../../support/delivery-commands.js';
import { newModel, statusOf, type Model } from '../../support/delivery-model.js';
import {
  addEndpoints,
  deleteEverything,
  openTestDatabase,
  type TestDatabase,
} from '../../support/open-deliveries.js';

let database: TestDatabase;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());

/** An empty database with two endpoints of each of two tenants. */
async function start(): Promise<Model> {
  await deleteEverything(database);
  const endpoints = [];
  for (const tenant of TENANTS) {
    for (const id of await addEndpoints(database.admin, 2, { tenant })) endpoints.push({ id, tenant });
  }
  return newModel(endpoints);
}

interface Row {
  id: string;
  status: string;
  status_reason: string | null;
  attempt_count: number;
  state: string;
  claimed_by: string | null;
  claim: number | null;
  run_by: string | null;
  is_due: boolean | null;
  attempts: { number: number; classification: string }[];
}

async function readAll(): Promise<Row[]> {
  const { rows } = await database.admin.query<Row>(`
    select d.id, d.status, d.status_reason, d.attempt_count, o.claimed_by, o.claim, o.run_by, o.run_at <= now() as is_due,
      case when o.id is null then 'ended' when o.claimed_by is null then 'ready' else 'claimed' end as state,
      coalesce((select json_agg(json_build_object('number', number, 'classification', classification) order by number)
        from attempts where delivery_id = d.id), '[]') as attempts
    from all_deliveries d left join open_deliveries o on o.id = d.id order by d.id`);
  return rows;
}

async function compare(model: Model): Promise<void> {
  const rows = await readAll();
  const expected = model.deliveries
    .map((delivery) => ({
      id: delivery.id,
      status: statusOf(model, delivery),
      attempt_count: delivery.attempts.length,
      state: delivery.state,
      claimed_by: delivery.claimedBy,
      claim: delivery.state === 'ended' ? null : delivery.claims,
      run_by: delivery.state === 'ended' ? null : delivery.runBy,
      is_due: delivery.state === 'ended' ? null : delivery.due !== 'later',
      attempts: delivery.attempts.map((classification, n) => ({ number: n + 1, classification })),
      ...(delivery.end ? { status_reason: delivery.end.reason } : {}),
    }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  expect(rows.length).toBe(expected.length);
  expect(rows).toMatchObject(expected);
}

test('after any sequence of transitions every delivery is as the model says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 10, maxLength: 50, size: 'max' }), async (steps) => {
      const model = await start();
      for (const step of steps) {
        await step.run(model, database.pool);
        await compare(model).catch((error: unknown) => {
          throw new Error(`after: ${step.name}`, { cause: error });
        });
      }
    }),
    { numRuns: 40, interruptAfterTimeLimit: 15_000 },
  );
});
