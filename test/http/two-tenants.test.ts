import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, createKey } from '../support/api-keys.js';
import { eventually, startTestService, type TestService } from '../support/service.js';
import { behave, COUNTS, EVENTS, expectOwnRequests } from '../support/tenant-party.js';
import { publish, startParty, type Page, type Party } from '../support/tenant-party.js';
import { dryRun, nameForeign, readFeed, readList, readOwn, READERS } from '../support/tenant-readers.js';

let services: TestService[];
let parties: Party[];
/** An operator above tenants. */
let above: TestService;
beforeAll(async () => {
  const first = await startTestService({ pollEveryMs: 200 });
  services = [first];
  const { databaseUrl, taskQueue } = first;
  await first.call('POST', '/v1/event-types', { name: 'order.created' });
  services.push(await startTestService({ databaseUrl, taskQueue, pollEveryMs: 200 }));
  parties = await Promise.all(['ant', 'bee', 'cat'].map((name) => startParty(services, name)));
  above = as(services[1]!, (await createKey(first, 'operator')).key);
});
afterAll(async () => {
  for (const { receiver } of parties ?? []) await receiver.close();
  for (const service of services?.toReversed() ?? []) await service.stop();
});

const all = <T>(of: (party: Party) => Promise<T>): Promise<T[]> => Promise.all(parties.map(of));
const rows = async <T extends object>(sql: string): Promise<T[]> =>
  (await services[0]!.pool.query<T>(sql)).rows;

/** Reads, and names rows of others, for as long as `work` takes, and at least so many times. */
async function readDuring<T>(work: Promise<T>, times: number): Promise<T> {
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  over.catch(() => {});
  await all(async (party) => {
    for (let round = 0; round < times || !isOver; round++) {
      // Every tenant posts the same request with the same key.
      const key = `round ${round}`;
      party.batch = (
        await dryRun(party, { filter: { status: 'DELIVERED' }, include_delivered: true }, key)
      ).id;
      await readOwn(party, READERS[round % READERS.length]!);
      const others = parties.filter((one) => one !== party && one.batch !== '');
      if (others.length > 0) await nameForeign(party, others[round % others.length]!);
    }
  });
  return over;
}

/** An operator above tenants reads rows of each tenant, and of one tenant alone where the request names one. */
async function readAbove(): Promise<void> {
  for (const list of ['events', 'deliveries', 'endpoints', 'audit']) {
    for (const { tenant } of parties) {
      const { body } = await above.call<Page>('GET', `/v1/${list}?limit=250&tenant=${tenant}`);
      expect(new Set(body.data.map((row) => row.tenant))).toEqual(new Set([tenant]));
    }
  }
  const [one, two] = parties as [Party, Party];
  const path = `/v1/deliveries?endpoint_id=${one.endpoints.all.id}&tenant=${two.tenant}`;
  expect((await above.call<Page>('GET', path)).body.data).toEqual([]);
}

/** Open deliveries of each tenant to its endpoint of a name, or to others. */
const openAt = (endpoint: string) =>
  rows<{ tenant: string; count: number; attempts: number }>(
    `select d.tenant, count(*)::int, max(attempt_count)::int as attempts from open_deliveries d
       join endpoints e on e.id = endpoint_id where e.description ${endpoint} group by 1 order by 1`,
  );

test('tenants under load at the same time see, change and receive nothing of each other', async () => {
  // The rows that others name exist before anybody reads.
  await all((party) => publish(party, 0, 10));
  await readDuring(
    all((party) => publish(party, 10, EVENTS)),
    READERS.length,
  );
  await readAbove();
  await eventually(async () => (await openAt(`<> 'waiting'`)).length === 0);

  for (const { receiver } of parties) behave(receiver, true);
  const replay = all(async ({ as: own }) => {
    const body = { filter: { status: 'FAILED' }, rate_per_second: 0 };
    const made = await own.operator<{ id: string }>('POST', '/v1/batches', body, 'replay');
    const path = `/v1/batches/${made.body.id}`;
    const ended = await eventually(async () => {
      const { body: one } = await own.viewer<{ status: string }>('GET', path);
      return one.status === 'COMPLETED' && one;
    });
    expect(ended).toMatchObject({ planned_count: COUNTS.refused, delivered_count: COUNTS.refused });
  });
  await readDuring(replay, 1);

  // Nobody's request has touched the deliveries of others that are still open.
  const { waiting } = COUNTS;
  expect(await openAt(`= 'waiting'`)).toEqual(
    parties.map(({ tenant }) => ({ tenant, count: waiting, attempts: 1 })),
  );
  const cancelled = await all(({ as: own }) =>
    own.operator('POST', '/v1/deliveries/cancel', { filter: { event_type: 'order.held' } }),
  );
  for (const { body } of cancelled) expect(body).toMatchObject({ matched: waiting, cancelled: waiting });

  for (const party of parties) {
    expectOwnRequests(party);
    const posted = [...party.events.values()].sort();
    expect(posted).toHaveLength(EVENTS);
    expect((await readFeed(party)).sort()).toEqual(posted);
    const listed = await readList(party, 'viewer', '/v1/events');
    expect(listed.map(({ id }) => id).sort()).toEqual(posted);
  }
  await expectOwnIds();
}, 240_000);

/** Requires that every id in an answer is of the caller's tenant by the rows of Postgres. */
async function expectOwnIds(): Promise<void> {
  const tables = ['events', 'endpoints', 'all_deliveries', 'batches', 'audit', 'api_keys'];
  const owners = await rows<{ id: string; tenant: string }>(
    tables.map((table) => `select id, tenant from ${table}`).join(' union all '),
  );
  const ownerOf = new Map(owners.map(({ id, tenant }) => [id, tenant]));
  for (const { tenant, seen, events } of parties) {
    expect(seen.size).toBeGreaterThan(events.size);
    const foreign = [...seen].filter((id) => ownerOf.get(id) !== tenant);
    expect(foreign.slice(0, 5)).toEqual([]);
  }
}
