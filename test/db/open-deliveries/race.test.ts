import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  attemptNow,
  cancelDelivery,
  claimDelivery,
  claimDue,
  endDeliveriesOf,
  endLostClaims,
  recordAttempts,
  releaseClaims,
} from '../../../src/db/open-deliveries/index.js';
import { deleteEndpoint } from '../../../src/db/endpoints.js';
import { transaction, type Pool } from '../../../src/db/pool.js';
import { countPage } from '../../../src/db/stats-count.js';
import { STATS_SOURCES } from '../../../src/db/stats-sources.js';
import { lostRecord } from '../../../src/delivery/attempt-record.js';
import { actorNamed } from '../../support/actor.js';
import {
  accept,
  addEndpoints,
  deleteEverything,
  newEvent,
  openTestDatabase,
  recordOf,
  type Result,
  type TestDatabase,
} from '../../support/open-deliveries.js';

import { expectAllCounted } from '../../support/stats.js';

let database: TestDatabase;
let pool: Pool;
beforeAll(async () => {
  database = await openTestDatabase(8);
  pool = database.pool;
});
afterAll(() => database.close());

interface Claim {
  id: string;
  claim: number;
  number: number;
  /** The attempt was made. */
  used: boolean;
}
/** The knowledge of the processes of this test. */
interface World {
  endpoints: string[];
  ids: string[];
  /** Claims given to a process, the newest last; those that it gave back are left out. */
  claims: Claim[];
  /** How often a claim of a delivery was released. */
  releases: Map<string, number>;
  /** Ids of deliveries of which a receiver took an attempt. */
  delivered: Set<string>;
}
type Action = (world: World, n: number) => Promise<void>;

const pick = <T>(from: T[], n: number): T | undefined => from[n % from.length];
const addClaim = (
  { claims }: World,
  { id, claim, attempt_count }: { id: string; claim: number; attempt_count: number },
) => {
  expect(claims.filter((one) => one.id === id && one.claim === claim)).toEqual([]);
  claims.push({ id, claim, number: attempt_count + 1, used: false });
};
const look = (process: string) =>
  claimDue(pool, { process, limit: 5, overdueLimit: 5, except: [], after: '', window: 500 });
const recordClaim =
  (result: Result): Action =>
  async ({ claims, delivered }, n) => {
    // Also one whose claim is over, or is being recorded by another: its process does not know that.
    const claim = pick(claims, n);
    if (!claim) return;
    claim.used = true;
    await recordAttempts(pool, [recordOf({ ...claim, inMs: 0 }, result)]);
    if (result === 'delivered') delivered.add(claim.id);
  };

const ACTIONS = {
  accept: async (world) => {
    const [stored] = await accept(pool, [newEvent({ maxAttempts: 4 })], { claimedBy: 'p1' });
    for (const { id, claim } of stored!.made) {
      world.ids.push(id);
      if (claim !== null) addClaim(world, { id, claim, attempt_count: 0 });
    }
  },
  poll: async (world, n) => (await look(`p${n % 3}`)).claimed.forEach((one) => addClaim(world, one)),
  claim: async (world, n) => {
    const id = pick(world.ids, n);
    const got = id === undefined ? null : await claimDelivery(pool, id, { process: 'p2', now: true });
    if (got) addClaim(world, got);
  },
  deliver: recordClaim('delivered'),
  retry: recordClaim('retry'),
  fail: recordClaim('failed'),
  release: async ({ claims, releases }, n) => {
    const claim = pick(
      claims.filter(({ used }) => !used),
      n,
    );
    if (!claim) return;
    // Nothing was sent under it: no attempt of it is ever recorded.
    claims.splice(claims.indexOf(claim), 1);
    releases.set(claim.id, (releases.get(claim.id) ?? 0) + 1);
    await releaseClaims(pool, [{ ...claim, inMs: null, backOff: false, reason: null }]);
  },
  cancel: async ({ ids }, n) => {
    const id = pick(ids, n);
    if (id !== undefined) await transaction(pool, (db) => cancelDelivery(db, id, actorNamed('me'), null));
  },
  attemptNow: async ({ ids }, n) => {
    const id = pick(ids, n);
    if (id !== undefined) await attemptNow(pool, id);
  },
  expire: async () => {
    await pool.query(
      `update open_deliveries set claim_until = now() - interval '1 s' where claimed_by = 'p2'`,
    );
    await endLostClaims(pool, { dead: null, limit: 3, startsOpen: false }, lostRecord);
  },
  die: async () =>
    void (await endLostClaims(pool, { dead: ['p1'], limit: 3, startsOpen: false }, lostRecord)),
  deleteEndpoint: async ({ endpoints }) => {
    await deleteEndpoint(pool, endpoints[0]!, {
      actor: actorNamed('me'),
      action: 'endpoint.delete',
      reason: null,
    });
    await endDeliveriesOf(pool, endpoints[0]!, 3);
  },
  count: async (_world, n) => void (await countPage(pool, STATS_SOURCES[n % 3]!, 3)),
  pause: async ({ endpoints }, n) => {
    await pool.query(`update endpoints set status = $2 where id = $1`, [
      endpoints[1],
      n % 2 ? 'paused' : 'enabled',
    ]);
  },
} satisfies Record<string, Action>;
type Name = keyof typeof ACTIONS;
const WEIGHTS: Partial<Record<Name, number>> = {
  accept: 4,
  poll: 6,
  claim: 3,
  deliver: 4,
  retry: 6,
  fail: 2,
  release: 3,
  cancel: 2,
  count: 4,
};
const action = fc.oneof(
  ...(Object.keys(ACTIONS) as Name[]).map((name) => ({
    weight: WEIGHTS[name] ?? 1,
    arbitrary: fc.tuple(fc.constant(name), fc.nat({ max: 1_000 })),
  })),
);

interface Row {
  id: string;
  status: string;
  reason: string | null;
  attempt_count: number;
  is_open: boolean;
  claim: number | null;
  claimed_by: string | null;
  endpoint_id: string;
  held: boolean;
  numbers: number[];
  classes: string[];
}
async function readAll(): Promise<Map<string, Row>> {
  const { rows } = await database.admin.query<Row>(`
    select d.id, d.endpoint_id, d.status, d.status_reason as reason, d.attempt_count, o.id is not null as is_open, o.claim,
      o.claimed_by, held_reason(d.tenant, d.endpoint_id) is not null as held,
      array(select number from attempts where delivery_id = d.id order by number) as numbers,
      array(select classification from attempts where delivery_id = d.id order by number) as classes
    from all_deliveries d left join open_deliveries o on o.id = d.id`);
  const byId = new Map(rows.map((row) => [row.id, row]));
  expect(byId.size).toBe(rows.length);
  return byId;
}

/** An end that no answer decided: a late success still changes it. */
const isCutShort = ({ status, reason }: Row) =>
  status === 'CANCELLED' || reason === 'ENDPOINT_DELETED' || reason === 'WORKER_LOST';

function check(
  { ids, claims, releases, delivered }: World,
  before: Map<string, Row>,
  after: Map<string, Row>,
  names: Name[],
): void {
  expect([...after.keys()].sort()).toEqual([...ids].sort());
  for (const row of after.values()) {
    const { id, status, attempt_count, numbers, classes, is_open, claim, claimed_by } = row;
    expect(numbers).toEqual(Array.from({ length: attempt_count }, (_, n) => n + 1));
    const isTaken = classes.includes('DELIVERED');
    if (isTaken) expect(is_open || isCutShort(row)).toBe(false);
    expect(status === 'DELIVERED' ? isTaken : true).toBe(true);
    if (isTaken) expect(delivered).toContain(id);
    const was = before.get(id);
    if (was && !was.is_open) {
      expect(is_open).toBe(false);
      if (!isCutShort(was)) expect(status).toBe(was.status);
    }
    if (was && is_open) expect(claim).toBeGreaterThanOrEqual(was.claim!);
    // Each claim but the last has ended before the next was given.
    const ended = attempt_count + (releases.get(id) ?? 0);
    if (is_open) expect(claim).toBeLessThanOrEqual(ended + (claimed_by === null ? 0 : 1));
    if (claimed_by === null) continue;
    expect(claim).toBeGreaterThan(0);
    const isNew = was?.claimed_by !== claimed_by || was?.claim !== claim;
    if (isNew) expect(claims.some((one) => one.id === id && one.claim === claim)).toBe(true);
    if (isNew && row.held && was?.held) expect(names).toContain('pause');
  }
}

test('transitions at the same time leave every delivery in one place, with all its attempts', async () => {
  const round = fc.array(action, { minLength: 2, maxLength: 4 });
  // Of 40 runs as many as the time allows, and one in any case: it may wait for a long transaction of another test.
  const end = performance.now() + 12_000;
  let runs = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 10, maxLength: 30, size: 'max' }), async (rounds) => {
      if (runs > 0 && performance.now() > end) return;
      runs += 1;
      await deleteEverything(database);
      const world: World = {
        endpoints: await addEndpoints(pool, 3),
        ids: [],
        claims: [],
        releases: new Map(),
        delivered: new Set(),
      };
      let before = await readAll();
      for (const actions of rounds) {
        await Promise.all(actions.map(([name, n]) => ACTIONS[name](world, n)));
        const after = await readAll();
        try {
          check(
            world,
            before,
            after,
            actions.map(([name]) => name),
          );
        } catch (error) {
          throw new Error(`after: ${JSON.stringify(actions)}`, { cause: error });
        }
        before = after;
      }
      // Everything comes to an end.
      await pool.query(`update endpoints set status = 'enabled'`);
      await pool.query(
        `update open_deliveries set claim_until = now() - interval '1 s' where claimed_by is not null`,
      );
      while ((await endLostClaims(pool, { dead: null, limit: 100, startsOpen: false }, lostRecord)) > 0);
      await pool.query(`update open_deliveries set run_at = now() - interval '1 minute'`);
      for (;;) {
        const { claimed, deleted } = await look('p1');
        if (claimed.length + deleted.length === 0) break;
        for (const endpoint of deleted) await endDeliveriesOf(pool, endpoint, 100);
        await recordAttempts(
          pool,
          claimed.map(({ id, claim, attempt_count }) =>
            recordOf({ id, claim, number: attempt_count + 1 }, 'failed'),
          ),
        );
      }
      const after = await readAll();
      check(world, before, after, ['pause']);
      expect([...after.values()].filter(({ is_open }) => is_open)).toEqual([]);
      await expectAllCounted(database.admin, pool, 7);
      expect((await pool.query('select from stats_corrections')).rowCount).toBe(0);
    }),
    { numRuns: 40 },
  );
});
