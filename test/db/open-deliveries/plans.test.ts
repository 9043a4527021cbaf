import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadAttemptTargets, readProgress } from '../../../src/db/deliveries.js';
import {
  acceptEvents,
  claimDelivery,
  claimDue,
  assignToWorkflow,
  writeAttempts,
} from '../../../src/db/open-deliveries/index.js';
import type { Db } from '../../../src/db/pool.js';
import { newId } from '../../../src/lib/ids.js';
import {
  addEndpoints,
  newEvent,
  openTestDatabase,
  recordOf,
  type TestDatabase,
} from '../../support/open-deliveries.js';

/** Pages that a statement reads: does not depend on the speed of the machine. */
type Reads = (statement: string) => Promise<number>;

interface Named {
  name: string;
  values: unknown[];
}

/** Runs `work` on one connection, where each named statement keeps its plan, and returns what its statements read later. */
async function prepare(
  { pool }: TestDatabase,
  work: (db: Db) => Promise<unknown>,
): Promise<{ reads: Reads; close(): void }> {
  const client = await pool.connect();
  const named = new Map<string, unknown[]>();
  const query = (...given: unknown[]) => {
    const { name, values } = given[0] as Named;
    named.set(name, values);
    return (client.query as (...given: unknown[]) => Promise<unknown>)(...given);
  };
  await work({ query } as unknown as Db);
  return {
    async reads(name) {
      const values = named.get(name)!.map((value) => client.escapeLiteral(textOf(value)));
      await client.query('begin');
      const { rows } = await client.query<{ 'QUERY PLAN': [{ Plan: Record<string, number> }] }>(
        `explain (analyze, buffers, format json) execute "${name}" (${values.join()})`,
      );
      await client.query('rollback');
      const { Plan } = rows[0]!['QUERY PLAN'][0];
      return Plan['Shared Hit Blocks']! + Plan['Shared Read Blocks']!;
    },
    close: () => client.release(),
  };
}

/** As a literal of any type. */
const textOf = (value: unknown) => (Array.isArray(value) ? `{${value.join()}}` : String(value));

const EVENTS = `
  insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
  select new_id('evt', now()), 't', 'order.created', '{}', 'seed', 'seed', 1, now() from generate_series(1, $1)`;
const insertOpen = (columns: string, from: string) => `
  insert into open_deliveries (event_id, tenant, event_type, max_attempts, workflow_id, created_at, ${columns})
  select (select max(id) from events), 't', 'order.created', 9, 'seed', now(), ${from}`;

/** Most pages that a statement reads for one delivery; of `claim-due`, for ten of 20 endpoints. */
const LIMITS = new Map([
  ['claim-due', 1_000],
  ['claim-delivery', 100],
  ['record-attempts', 100],
  ['record-delivered', 100],
  ['assign-to-workflow', 100],
  ['load-attempt-targets', 100],
  ['read-progress', 100],
]);

describe('a look at what is due', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await openTestDatabase()));
  afterAll(() => database.close());

  it('reads a few pages for each endpoint, however many deliveries wait', async () => {
    const { admin } = database;
    const waiting = await addEndpoints(admin, 3_000, { types: ['none'] });
    const [held] = await addEndpoints(admin, 1, { types: ['none'], status: 'paused' });
    await admin.query(EVENTS, [1]);
    await admin.query(
      insertOpen(
        'id, endpoint_id, run_at, run_by',
        `new_id('del', now()), $1, now() - n * interval '1 ms', 'queue' from generate_series(1, 100000) n`,
      ),
      [held],
    );
    // Each of the others has retries that its workflow makes, due long ago for the queue but not for the poller.
    await admin.query(
      insertOpen(
        'id, endpoint_id, run_at, run_by, attempt_count',
        `new_id('del', now()), ep, now() - n * interval '1 second', 'workflow', 1
         from unnest($1::text[]) ep, generate_series(1, 5) n`,
      ),
      [waiting],
    );
    await admin.query('vacuum analyze open_deliveries, endpoints');
    const request = { process: 'p', limit: 256, overdueLimit: 256, except: [], after: '', window: 500 };
    const { reads, close } = await prepare(database, async (db) => {
      expect(await claimDue(db, request)).toMatchObject({ claimed: [], next: waiting[499] });
      expect(await claimDue(db, { ...request, after: waiting.at(-1)! })).toMatchObject({
        claimed: [],
        next: '',
      });
      await claimDue(db, request);
    });
    // Each endpoint: three pages of an index and one of the table of endpoints, three of an index of deliveries.
    expect(await reads('claim-due')).toBeLessThan(500 * 8);
    close();
  });
});

describe('plans that were made while the tables were empty', () => {
  let database: TestDatabase;
  beforeAll(async () => void (database = await openTestDatabase()));
  afterAll(() => database.close());

  it('read few pages when there are many open deliveries', async () => {
    const { admin } = database;
    await admin.query('vacuum analyze');
    const endpoints = await addEndpoints(admin, 20);
    const event = newEvent({ endpointIds: endpoints.slice(0, 1) });
    const due = { process: 'p', limit: 10, overdueLimit: 10, except: [], after: '', window: 500 };
    const id = newId('del');
    const { reads, close } = await prepare(database, async (db) => {
      await acceptEvents(db, [event], { claimedBy: null, workflow: 'none' });
      await claimDue(db, { ...due, limit: 1 });
      await claimDue(db, due);
      await claimDelivery(db, id, { process: 'p', now: true });
      await writeAttempts(db, [recordOf({ id, claim: 1 }, 'delivered')]);
      await writeAttempts(db, [recordOf({ id, claim: 1 }, 'failed')]);
      await assignToWorkflow(db, id);
      await loadAttemptTargets(db, [{ id, claim: 1 }]);
      await readProgress(db, id);
    });
    await admin.query(EVENTS, [10_000]);
    await admin.query(
      insertOpen(
        'endpoint_id, run_at, run_by, id, claimed_by, claim_until',
        `ep, now() - n * interval '1 ms', 'queue', case when n = 1 and ep = $1[1] then $2 else new_id('del', now()) end,
           case when n % 3 = 0 then 'p' end, case when n % 3 = 0 then now() end
         from unnest($1::text[]) ep, generate_series(1, 1500) n`,
      ),
      [endpoints, id],
    );
    const many: [statement: string, pages: number, limit: number][] = [];
    for (const [statement, limit] of LIMITS) many.push([statement, await reads(statement), limit]);
    close();
    expect(many.filter(([, pages, limit]) => pages > limit)).toEqual([]);
  });
});
