import { afterAll, beforeAll, expect, test } from 'vitest';
import { as, createKey } from '../support/api-keys.js';
import { createEndpoint } from '../support/path.js';
import { openPortal } from '../support/portal.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { seedDeliveries } from '../support/seed.js';
import { eventually, startTestService, type TestService } from '../support/service.js';

let t: TestService;
let receiver: Receiver;
beforeAll(async () => {
  t = await startTestService();
  receiver = await startReceiver();
});
afterAll(async () => {
  await receiver.close();
  await t.stop();
});

interface Page {
  data: { id: string; tenant?: string }[];
  next_cursor: string | null;
  has_more?: boolean;
}

/** All ids in a text, also those in its cursors. */
function idsIn(text: string): string[] {
  const cursors = [...text.matchAll(/"next_cursor":"([\w-]+)"/g)];
  const decoded = cursors.map(([, cursor]) => Buffer.from(cursor!, 'base64url').toString());
  return [text, ...decoded].flatMap((one) => one.match(/(?:evt|ep|del|bat|key|pos)_[0-9a-f]{32}/g) ?? []);
}

/** Does all that a tenant can do, and returns the ids of all answers. */
async function useAll(tenant: string): Promise<Set<string>> {
  const seen = new Set<string>();
  const keyed = as(t, (await createKey(t, 'admin', tenant)).key);
  const session = as(t, await openPortal(keyed, { tenant }));
  // A session would get 429 for some of its requests.
  await t.pool.query('update api_keys set rate_per_second = null where tenant = $1', [tenant]);
  const callWith = async <T = unknown>(
    one: TestService,
    ...[method, path, body, key]: [method: string, path: string, body?: unknown, key?: string]
  ): Promise<T> => {
    const headers = key === undefined ? {} : { 'idempotency-key': key };
    const answer = await one.call<T>(method, path, body, headers);
    expect(answer.status, JSON.stringify(answer.body)).toBeLessThan(300);
    const text = JSON.stringify(answer.body);
    expect(text).not.toContain(tenant === 'wolf' ? 'bear' : 'wolf');
    for (const id of idsIn(text)) seen.add(id);
    return answer.body;
  };
  const call = <T = unknown>(method: string, path: string, body?: unknown, key?: string) =>
    callWith<T>(keyed, method, path, body, key);
  const pages = async (path: string, one = keyed) => {
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page = await callWith(one, 'GET', `${path}?limit=3${cursor && `&cursor=${cursor}`}`);
      cursor = page.next_cursor;
    }
  };
  const readFeed = async (from: string) => {
    let after = from;
    for (let more = true; more;) {
      const page = await call<Page>('GET', `/v1/events?limit=2&after=${after}`);
      after = page.next_cursor!;
      more = page.has_more!;
    }
    return after;
  };
  const { id: endpointId } = await createEndpoint(keyed, receiver.url);
  await seedDeliveries(t.pool, { endpointId, count: 4 });
  let after = '';
  for (let round = 0; round < 6; round++) {
    // Both tenants use the same idempotency keys.
    const key = `tenants ${round}`;
    const event = { type: 'order.created', payload: { tenant } };
    await Promise.all([
      call('POST', '/v1/events', event, key),
      call('POST', '/v1/events/batch', { events: [event, event] }, `${key} batch`),
      call('POST', '/v1/send', { url: receiver.url, payload: tenant }, `${key} send`),
      call('POST', '/v1/batches', { filter: {}, dry_run: true }, key),
      call('POST', '/v1/deliveries/cancel', { filter: { event_type: 'order.created' }, dry_run: true }),
      call('POST', '/v1/control/pause', { scope: 'tenant', tenant, reason: `of ${tenant}` }),
      call('GET', '/v1/control'),
      call('POST', `/v1/endpoints/${endpointId}/test`, { preview: true }),
      call('POST', `/v1/endpoints/${endpointId}/rotate-secret`, { overlap_seconds: 0 }, key),
      call('GET', `/v1/tenants/${tenant}`),
      callWith(session, 'POST', '/v1/batches', { filter: {}, dry_run: true }, `${key} portal`),
      callWith(session, 'POST', '/v1/endpoints/match', event),
      callWith(session, 'GET', `/v1/endpoints/${endpointId}/secret`),
    ]);
    await call('POST', '/v1/control/resume', { scope: 'tenant', tenant });
    for (const path of ['events', 'deliveries', 'endpoints', 'batches', 'audit', 'tenants'])
      await pages(`/v1/${path}`);
    for (const path of ['events', 'deliveries', 'endpoints', 'batches']) await pages(`/v1/${path}`, session);
    await pages('/v1/portal-sessions');
    after = await readFeed(after);
  }
  return seen;
}

test('two tenants at the same time see no row and no cursor of each other', async () => {
  const [wolf, bear] = await Promise.all([useAll('wolf'), useAll('bear')]);
  expect(wolf.size).toBeGreaterThan(30);
  expect(bear.size).toBeGreaterThan(30);
  expect([...wolf].filter((id) => bear.has(id))).toEqual([]);
  const ids = [...wolf, ...bear].filter((id) => id.startsWith('evt_'));
  const { rows } = await t.pool.query<{ tenant: string; id: string }>(
    'select tenant, id from events where id = any($1)',
    [ids],
  );
  for (const { tenant, id } of rows) expect((tenant === 'wolf' ? wolf : bear).has(id)).toBe(true);
});

test("the feed of a tenant misses none of its events, and shows none twice, among another tenant's", async () => {
  const of = async (tenant: string) => as(t, (await createKey(t, 'admin', tenant)).key);
  const [mine, others] = [await of('feed-mine'), await of('feed-others')];
  const posted: string[] = [];
  const read: string[] = [];
  let after = 'now';
  const readOn = async () => {
    const page = (await mine.call<Page>('GET', `/v1/events?limit=2&after=${after}`)).body;
    after = page.next_cursor!;
    read.push(...page.data.map(({ id }) => id));
  };
  await readOn();
  for (let round = 0; round < 10; round++) {
    const post = (one: TestService) =>
      one.call<{ id: string }>('POST', '/v1/events', { type: 'a.b', payload: round });
    const answers = await Promise.all([others, mine, others, mine, others].map(post));
    posted.push(answers[1]!.body.id, answers[3]!.body.id);
    await readOn();
  }
  await eventually(async () => {
    await readOn();
    return read.length >= posted.length;
  });
  expect(read.slice().sort()).toEqual(posted.slice().sort());
});

test('a batch of a tenant finds nothing of another, by ids, by filter and by missing events', async () => {
  const of = async (tenant: string) => as(t, (await createKey(t, 'admin', tenant)).key);
  const [mine, theirs] = [await of('batch-mine'), await of('batch-theirs')];
  const { id: myEndpoint } = await createEndpoint(mine, receiver.url);
  const { id: theirEndpoint } = await createEndpoint(theirs, receiver.url);
  const [own] = await seedDeliveries(t.pool, { endpointId: myEndpoint, count: 1 });
  const [foreign] = await seedDeliveries(t.pool, { endpointId: theirEndpoint, count: 1 });
  interface Batch {
    id: string;
    tenant: string;
    plan: { total: number; eligible: number };
  }
  const create = async (body: object) => {
    const answer = await mine.call<Batch>('POST', '/v1/batches', { ...body, dry_run: true });
    expect(answer.status).toBe(201);
    return eventually(async () => {
      const one = (await mine.call<Batch>('GET', `/v1/batches/${answer.body.id}`)).body;
      return one.plan !== null && one;
    });
  };
  const none = `del_${'0'.repeat(32)}`;
  const byIds = await create({ delivery_ids: [own!.id, foreign!.id, none] });
  expect(byIds).toMatchObject({ tenant: 'batch-mine', plan: { total: 3, eligible: 1 } });
  const { data } = (await mine.call<{ data: object[] }>('GET', `/v1/batches/${byIds.id}/items`)).body;
  const skipped = { status: 'SKIPPED', reason: 'not_found', event_id: null, endpoint_id: null };
  expect(data).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ ...skipped, source_delivery_id: foreign!.id }),
      expect.objectContaining({ ...skipped, source_delivery_id: none }),
    ]),
  );
  expect((await create({ filter: {} })).plan).toMatchObject({ total: 1, eligible: 1 });
  expect((await create({ filter: { endpoint_id: theirEndpoint } })).plan).toMatchObject({ total: 0 });
  expect((await create({ filter: { endpoint_id: theirEndpoint, missing: true } })).plan).toMatchObject({
    total: 0,
  });
  expect((await theirs.call('POST', `/v1/batches/${byIds.id}/start`)).status).toBe(404);
  const rest = await mine.call<Batch>('POST', `/v1/batches/${byIds.id}/start`);
  expect(rest.body).toMatchObject({ tenant: 'batch-mine' });
});

test('a batch of a key above tenants is not shown to the tenant that it is about', async () => {
  const { id: endpointId } = await createEndpoint(t, receiver.url, { tenant: 'batch-about' });
  const [own] = await seedDeliveries(t.pool, { endpointId, count: 1 });
  const foreign = `del_${'1'.repeat(32)}`;
  const body = { delivery_ids: [own!.id, foreign], tenant: 'batch-about', dry_run: true };
  const { id } = (await t.call<{ id: string }>('POST', '/v1/batches', body)).body;
  const seen = await t.call<Page>('GET', '/v1/batches?tenant=batch-about');
  expect(seen.body.data).toMatchObject([{ id, tenant: 'batch-about' }]);
  const keyed = as(t, (await createKey(t, 'admin', 'batch-about')).key);
  expect((await keyed.call<Page>('GET', '/v1/batches')).body.data).toEqual([]);
  for (const path of [`/v1/batches/${id}`, `/v1/batches/${id}/items`])
    expect((await keyed.call('GET', path)).status).toBe(404);
  expect((await keyed.call('POST', `/v1/batches/${id}/start`)).status).toBe(404);
});

test('a tenant cannot resume, nor replace, what a key above tenants has paused', async () => {
  const own = as(t, (await createKey(t, 'operator', 'stopped')).key);
  const scope = { scope: 'tenant', tenant: 'stopped' };
  const pause = (by: TestService, reason: string) =>
    by.call('POST', '/v1/control/pause', { ...scope, reason });
  expect((await pause(own, 'by itself')).status).toBe(200);
  expect((await own.call('POST', '/v1/control/resume', scope)).status).toBe(200);
  expect((await pause(own, 'by itself')).status).toBe(200);
  expect((await pause(t, 'abuse')).status).toBe(200);
  for (const answer of [await pause(own, 'by itself'), await own.call('POST', '/v1/control/resume', scope)])
    expect(answer).toMatchObject({ status: 409, body: { code: 'paused_above' } });
  expect((await own.call('GET', '/v1/control')).body).toMatchObject({ pauses: [{ reason: 'abuse' }] });
  expect((await t.call('POST', '/v1/control/resume', scope)).status).toBe(200);
});
