import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  attemptNow,
  claimDelivery,
  claimDue,
  claimsOlderThan,
  endLostClaims,
  recordAttempts,
  type ClaimDue,
} from '../../../src/db/open-deliveries/index.js';
import type { Pool } from '../../../src/db/pool.js';
import { beat, deadProcesses, removeDead, removeProcess } from '../../../src/db/processes.js';
import { lostRecord } from '../../../src/delivery/attempt-record.js';
import {
  accept,
  addEndpoint,
  addEndpoints,
  newEvent,
  openTestDatabase,
  type TestDatabase,
  readDelivery,
  recordOf,
} from '../../support/open-deliveries.js';

let pool: Pool;
let database: TestDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
  pool = database.pool;
});
afterAll(() => database.close());
beforeEach(() =>
  database.admin.query(
    'truncate open_deliveries, endpoints, subscriptions, endpoint_secrets, control, processes cascade',
  ),
);

const look = (over: Partial<ClaimDue> = {}) =>
  claimDue(pool, {
    process: 'p1',
    limit: 256,
    overdueLimit: 256,
    except: [],
    after: '',
    window: 500,
    ...over,
  });
const claimedIds = async (over: Partial<ClaimDue> = {}) => (await look(over)).claimed.map(({ id }) => id);
/** A ready delivery to each endpoint that matches, due `agoMs` ago. */
async function ready(tenant = 't', agoMs = 0): Promise<string[]> {
  const [stored] = await accept(pool, [newEvent({ tenant })], { claimedBy: null, workflow: 'none' });
  const ids = stored!.made.map(({ id }) => id);
  await pool.query(`update open_deliveries set run_at = now() - $2 * interval '1 ms' where id = any($1)`, [
    ids,
    agoMs,
  ]);
  return ids;
}
/** Many ready deliveries of one endpoint. */
const many = (endpointId: string, tenant: string, count: number, agoMs = 0) =>
  database.admin.query(
    `with event as (
       insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
       values (new_id('evt', now()), $2, 'order.created', '{}', 'many', 'many', 1, now()) returning id)
     insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, run_at, run_by,
       workflow_id, created_at)
     select new_id('del', now()), event.id, $1, $2, 'order.created', 3,
       now() - $4 * interval '1 ms' - n * interval '1 us', 'queue', 'many', now() from event, generate_series(1, $3) n`,
    [endpointId, tenant, count, agoMs],
  );
const endpointsOf = (claimed: { endpoint_id: string }[]) => {
  const counts = new Map<string, number>();
  for (const { endpoint_id: id } of claimed) counts.set(id, (counts.get(id) ?? 0) + 1);
  return counts;
};

describe('claiming what is due', () => {
  it('claims a ready delivery once, with everything its attempt needs', async () => {
    const endpointId = await addEndpoint(pool);
    const event = newEvent({ headers: { 'x-one': '1' }, contentType: 'text/plain', maxAttempts: 7 });
    const [stored] = await accept(pool, [event], { claimedBy: null, workflow: 'none' });
    const { id } = stored!.made[0]!;
    const { claimed, next, deleted } = await look();
    expect(claimed).toMatchObject([
      {
        id,
        claim: 1,
        endpoint_id: endpointId,
        workflow_id: event.workflowId,
        run_by: 'queue',
        attempt_count: 0,
        max_attempts: 7,
        event_id: event.id,
        event_type: 'order.created',
        tenant: 't',
        payload: event.payload,
        event_headers: { 'x-one': '1' },
        event_content_type: 'text/plain',
      },
    ]);
    expect({ next, deleted }).toEqual({ next: '', deleted: [] });
    expect(await readDelivery(pool, id)).toMatchObject({ claimed_by: 'p1', claim: 1 });
    expect(await look({ process: 'p2' })).toEqual({
      claimed: [],
      next: '',
      nextDueMs: null,
      overdue: 0,
      deleted: [],
    });
  });

  it('claims each delivery for one of many processes that look at the same time', async () => {
    const endpointId = await addEndpoint(pool);
    await many(endpointId, 't', 300);
    const looks = await Promise.all(
      Array.from({ length: 6 }, (_, n) => claimedIds({ process: `p${n}`, limit: 80 })),
    );
    const ids = looks.flat();
    expect(new Set(ids).size).toBe(ids.length);
    while (ids.length < 300) ids.push(...(await claimedIds({ limit: 80 })));
    expect(new Set(ids).size).toBe(300);
  });

  it('says when the next delivery is due, and claims it only then', async () => {
    await addEndpoint(pool);
    const [id] = await ready('t', -5_000);
    const { claimed, nextDueMs } = await look();
    expect(claimed).toEqual([]);
    expect(nextDueMs).toBeGreaterThan(0);
    expect(nextDueMs).toBeLessThanOrEqual(5_000);
    expect(await attemptNow(pool, id!)).toBe(true);
    expect(await claimedIds()).toEqual([id]);
  });

  it('leaves the attempts of workflows to them for 30 s', async () => {
    await addEndpoint(pool);
    const [fresh] = await ready('t', 20_000);
    const [late] = await ready('t', 31_000);
    const [queued] = await ready('t', 0);
    await pool.query(`update open_deliveries set run_by = 'workflow' where id <> $1`, [queued]);
    expect((await claimedIds()).sort()).toEqual([late, queued].sort());
    await pool.query(`update open_deliveries set run_at = run_at - interval '11 s' where id = $1`, [fresh]);
    expect((await look()).claimed).toMatchObject([{ id: fresh, run_by: 'workflow' }]);
  });

  it('claims nothing that is held, and all of it once nothing holds it', async () => {
    const paused = await addEndpoint(pool, { tenant: 'a', status: 'paused' });
    await addEndpoint(pool, { tenant: 'b', status: 'disabled' });
    await addEndpoint(pool, { tenant: 'c' });
    const held = [...(await ready('a')), ...(await ready('b')), ...(await ready('c'))];
    const pause = (scope: string) =>
      pool.query(`insert into control (scope, reason, paused_by) values ($1, 'why', 'me')`, [scope]);
    await pause('tenant:c');
    expect(await look()).toEqual({ claimed: [], next: '', nextDueMs: null, overdue: 0, deleted: [] });
    for (const id of held) expect((await readDelivery(pool, id)).status).toBe('HELD');
    await pause('all');
    await pool.query(`update endpoints set status = 'enabled'`);
    expect(await claimedIds()).toEqual([]);
    await pool.query(`delete from control where scope = 'all'`);
    expect((await claimedIds()).sort()).toEqual(held.slice(0, 2).sort());
    await pool.query(`delete from control`);
    expect(await claimedIds()).toEqual([held[2]]);
    expect(paused).toBeDefined();
  });

  it('counts a file PAUSE as a pause of everything where every process that makes attempts has one', async () => {
    await addEndpoint(pool);
    const [id] = await ready();
    const process = (id: string, paused: string | null, makesAttempts = true) =>
      beat(pool, { id, makesAttempts, paused, startsBehindMs: 0, keyIds: [] });
    await process('p1', 'file');
    await process('api', null, false);
    expect(await claimedIds()).toEqual([]);
    expect(await readDelivery(pool, id!)).toMatchObject({
      status: 'HELD',
      status_reason: 'everything paused by a file: file',
    });
    await process('p2', null);
    expect(await claimedIds({ process: 'p2' })).toEqual([id]);
  });

  it('names deleted endpoints instead of claiming their deliveries, also while everything is paused', async () => {
    const [deleted, other] = await addEndpoints(pool, 2);
    const ids = await ready();
    await pool.query('update endpoints set deleted_at = now() where id = $1', [deleted]);
    await pool.query(`insert into control (scope, reason, paused_by) values ('all', 'why', 'me')`);
    expect(await look()).toMatchObject({ claimed: [], deleted: [deleted] });
    await pool.query('delete from control');
    const { claimed, deleted: named } = await look();
    expect(claimed).toMatchObject([{ endpoint_id: other }]);
    expect(named).toEqual([deleted]);
    expect(ids).toHaveLength(2);
  });

  it('skips endpoints that have all they can take', async () => {
    const [full, other] = await addEndpoints(pool, 2);
    await ready();
    expect((await look({ except: [full!] })).claimed).toMatchObject([{ endpoint_id: other }]);
    expect((await look()).claimed).toMatchObject([{ endpoint_id: full }]);
  });
});

describe('claiming fairly', () => {
  it('claims the longest due first', async () => {
    await addEndpoint(pool);
    const [young] = await ready('t', 100);
    const [old] = await ready('t', 3_000);
    const [middle] = await ready('t', 2_000);
    expect([await claimedIds({ limit: 1 }), await claimedIds({ limit: 1 })]).toEqual([[old], [middle]]);
    expect(await claimedIds({ limit: 1 })).toEqual([young]);
  });

  it('claims the one delivery of an endpoint beside 100,000 of another that are due for longer', async () => {
    const [busy, quiet] = await addEndpoints(pool, 2);
    await many(busy!, 't', 100_000, 5_000);
    await many(quiet!, 't', 1);
    const counts = endpointsOf((await look()).claimed);
    expect(counts.get(quiet!)).toBe(1);
    expect(counts.get(busy!)).toBe(128);
  });

  it('serves tenants in turn, however many endpoints each has', async () => {
    const big = await addEndpoints(pool, 30, { tenant: 'big' });
    const [small] = await addEndpoints(pool, 1, { tenant: 'small' });
    for (const id of big) await many(id, 'big', 20, 2_000);
    await many(small!, 'small', 20);
    const { claimed } = await look({ limit: 10 });
    expect(claimed).toHaveLength(10);
    expect(endpointsOf(claimed).get(small!)).toBe(1);
    const ofBig = claimed.filter(({ tenant }) => tenant === 'big');
    expect(endpointsOf(ofBig).size).toBe(9);
  });

  it('limits what is overdue for more than 10 s, but not what is due now', async () => {
    const [resumed, live] = await addEndpoints(pool, 2);
    await many(resumed!, 't', 500, 60_000);
    await many(live!, 't', 50);
    const counts = endpointsOf((await look({ limit: 200, overdueLimit: 7 })).claimed);
    expect(counts.get(resumed!)).toBe(7);
    expect(counts.get(live!)).toBe(50);
    expect(await claimedIds({ limit: 200, overdueLimit: 0 })).toEqual([]);
  });

  it('goes round all endpoints, a window at a time', async () => {
    const ids = await addEndpoints(pool, 1_200);
    await pool.query(
      `with event as (
         insert into events (id, tenant, type, payload, idempotency_key, workflow_id, delivery_count, created_at)
         values (new_id('evt', now()), 't', 'a', '{}', 'round', 'round', 1, now()) returning id)
       insert into open_deliveries (id, event_id, endpoint_id, tenant, event_type, max_attempts, run_at, run_by,
         workflow_id, created_at)
       select new_id('del', now()), event.id, ep, 't', 'a', 3, now(), 'queue', 'round', now()
       from event, unnest($1::text[]) ep`,
      [ids],
    );
    const claimed: string[] = [];
    let after = '';
    const ends: string[] = [];
    do {
      const due = await look({ after, limit: 500 });
      claimed.push(...due.claimed.map(({ endpoint_id }) => endpoint_id));
      after = due.next;
      ends.push(after);
    } while (after !== '');
    expect(ends).toEqual([ids[499], ids[999], '']);
    expect(claimed.sort()).toEqual(ids);
    expect(await look()).toMatchObject({ claimed: [], next: '' });
  });
});

describe('claiming one delivery', () => {
  it('claims it when it is due, or at once where asked, and never twice', async () => {
    await addEndpoint(pool);
    const [id] = await ready('t', -60_000);
    expect(await claimDelivery(pool, id!, { process: 'p1', now: false })).toBeNull();
    expect(await claimDelivery(pool, id!, { process: 'p1', now: true })).toMatchObject({ id, claim: 1 });
    expect(await claimDelivery(pool, id!, { process: 'p2', now: true })).toBeNull();
    expect(await attemptNow(pool, id!)).toBe(false);
    expect(await readDelivery(pool, id!)).toMatchObject({ claimed_by: 'p1', claim: 1, run_by: 'workflow' });
    await recordAttempts(pool, [recordOf({ id: id!, claim: 1 }, 'failed')]);
    expect(await claimDelivery(pool, id!, { process: 'p2', now: true })).toBeNull();
    expect(await attemptNow(pool, id!)).toBe(false);
  });

  it('claims nothing that is held', async () => {
    const endpointId = await addEndpoint(pool, { status: 'paused' });
    const [id] = await ready();
    expect(await claimDelivery(pool, id!, { process: 'p1', now: true })).toBeNull();
    await pool.query(`update endpoints set status = 'enabled' where id = $1`, [endpointId]);
    await pool.query(`insert into control (scope, reason, paused_by) values ('tenant:t', 'why', 'me')`);
    expect(await claimDelivery(pool, id!, { process: 'p1', now: true })).toBeNull();
    await pool.query('delete from control');
    expect(await claimDelivery(pool, id!, { process: 'p1', now: true })).toMatchObject({ claim: 1 });
  });

  it('goes to one of two processes that ask at the same time', async () => {
    await addEndpoint(pool);
    const [id] = await ready();
    const both = await Promise.all(
      ['p1', 'p2'].map((process) => claimDelivery(pool, id!, { process, now: false })),
    );
    expect(both.filter((one) => one !== null)).toHaveLength(1);
  });
});

describe('claims that are lost', () => {
  const end = (dead: string[] | null, limit = 100) =>
    endLostClaims(pool, { dead, limit, startsOpen: false }, lostRecord);

  it('ends claims past their time, as WORKER_LOST, due again at once for the poller', async () => {
    await addEndpoint(pool);
    const [stored] = await accept(pool, [newEvent({ maxAttempts: 2 })]);
    const { id } = stored!.made[0]!;
    expect(await end(null)).toBe(0);
    await pool.query(`update open_deliveries set claim_until = now()`);
    expect(await end(null)).toBe(1);
    expect(await end(null)).toBe(0);
    expect(await readDelivery(pool, id)).toMatchObject({
      status: 'IN_PROGRESS',
      attempt_count: 1,
      run_by: 'queue',
      attempts: [{ number: 1, classification: 'WORKER_LOST' }],
    });
    expect(await claimedIds()).toEqual([id]);
    await pool.query(`update open_deliveries set claim_until = now()`);
    expect(await end(null)).toBe(1);
    expect(await readDelivery(pool, id)).toMatchObject({
      status: 'FAILED',
      status_reason: 'WORKER_LOST',
      attempt_count: 2,
      is_open: false,
    });
  });

  it('ends the claims of dead processes only, a page at a time', async () => {
    await addEndpoint(pool);
    for (let n = 0; n < 5; n++) await accept(pool, [newEvent()], { claimedBy: 'dead' });
    const [other] = await accept(pool, [newEvent()], { claimedBy: 'alive' });
    expect([await end(['dead', 'gone'], 3), await end(['dead', 'gone'], 3), await end(['dead'], 3)]).toEqual([
      3, 2, 0,
    ]);
    expect(await readDelivery(pool, other!.made[0]!.id)).toMatchObject({
      claimed_by: 'alive',
      attempt_count: 0,
    });
  });

  it('ends no claims of a process that has shown again that it lives', async () => {
    await addEndpoint(pool);
    await accept(pool, [newEvent()], { claimedBy: 'back' });
    const heartbeat = { id: 'back', makesAttempts: true, paused: null, startsBehindMs: 0, keyIds: [] };
    await beat(pool, heartbeat);
    expect(await end(['back'])).toBe(0);
    await removeDead(pool, 'back');
    expect((await pool.query('select id from processes')).rows).toEqual([{ id: 'back' }]);
    await pool.query(`update processes set alive_at = now() - interval '11 s'`);
    expect(await end(['back'])).toBe(1);
    await removeDead(pool, 'back');
    expect((await pool.query('select id from processes')).rows).toEqual([]);
  });

  it('lists the claims that a process has had for long', async () => {
    await addEndpoint(pool);
    const [old] = await accept(pool, [newEvent()]);
    await accept(pool, [newEvent()], { claimedBy: 'other' });
    await pool.query(`update open_deliveries set claim_until = claim_until - interval '11 s'`);
    await accept(pool, [newEvent()]);
    expect(await claimsOlderThan(pool, 'p1', 10_000)).toEqual([{ id: old!.made[0]!.id, claim: 1 }]);
  });

  it('calls a process dead after 10 s without a heartbeat, judged by one whose own have come for 10 s', async () => {
    const heartbeat = (id: string) =>
      beat(pool, { id, makesAttempts: true, paused: null, startsBehindMs: 0, keyIds: [] });
    const age = (id: string, aliveS: number, steadyS: number) =>
      pool.query(
        `update processes set alive_at = now() - $2 * interval '1 s', steady_since = now() - $3 * interval '1 s' where id = $1`,
        [id, aliveS, steadyS],
      );
    await heartbeat('judge');
    await heartbeat('other');
    expect(await deadProcesses(pool, 'judge')).toBeNull();
    await age('other', 11, 60);
    expect(await deadProcesses(pool, 'judge')).toBeNull();
    await age('judge', 0, 11);
    expect(await deadProcesses(pool, 'judge')).toEqual(['other']);
    await age('judge', 5, 60);
    expect(await deadProcesses(pool, 'judge')).toBeNull();
    // After a gap, such as an outage of Postgres, it has to be steady again.
    await heartbeat('judge');
    expect(await deadProcesses(pool, 'judge')).toBeNull();
    await age('judge', 2, 60);
    await heartbeat('judge');
    expect(await deadProcesses(pool, 'judge')).toEqual(['other']);
    expect(await deadProcesses(pool, 'unknown')).toBeNull();
    await heartbeat('other');
    expect(await deadProcesses(pool, 'judge')).toEqual([]);
    await removeProcess(pool, 'other');
    expect((await pool.query('select id from processes')).rows).toEqual([{ id: 'judge' }]);
  });
});
