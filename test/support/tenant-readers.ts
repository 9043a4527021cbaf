import { expect } from 'vitest';
import type { Role } from '../../src/domain/role.js';
import { eventually } from './eventually.js';
import type { Page, Party } from './tenant-party.js';

const LISTS = ['events', 'deliveries', 'endpoints', 'event-types', 'audit', 'batches', 'tenants'];
/** Callers that read; `tenant-keys.test.ts` has portal sessions. */
export const READERS: Role[] = ['viewer', 'operator', 'admin'];

/** Reads a list to its end. */
export async function readList(party: Party, reader: Role, path: string): Promise<Page['data']> {
  const rows: Page['data'] = [];
  const first = `${path}${path.includes('?') ? '&' : '?'}limit=100`;
  for (let cursor: string | null = ''; cursor !== null;) {
    const url: string = `${first}${cursor && `&cursor=${cursor}`}`;
    const { status, body } = await party.as[reader]('GET', url);
    expect(status).toBe(200);
    rows.push(...body.data);
    cursor = body.next_cursor;
    if (cursor !== null) party.cursors.set(path, cursor);
  }
  return rows;
}

/** Ids of the events in the order of the feed. */
export async function readFeed(party: Party): Promise<string[]> {
  const ids: string[] = [];
  let after = '';
  for (let more = true; more;) {
    const path = `/v1/events?limit=100&after=${after}`;
    const { body } = await party.as.viewer<Page & { has_more: boolean }>('GET', path);
    ids.push(...body.data.map(({ id }) => id));
    after = body.next_cursor!;
    more = body.has_more;
  }
  party.feed = after;
  return ids;
}

/** Reads everything that a tenant has. */
export async function readOwn(party: Party, reader: Role): Promise<void> {
  const { as, endpoints, events, deliveries, batch } = party;
  for (const list of LISTS) await readList(party, reader, `/v1/${list}`);
  const filter = `endpoint_id=${endpoints.all.id}&event_type=order.paid`;
  expect((await readList(party, reader, `/v1/deliveries?${filter}`)).length).toBeGreaterThan(0);
  await readList(party, reader, `/v1/batches/${batch}/items`);
  await readFeed(party);
  const stats = await as[reader]<{ worst_endpoints: { tenant: string }[] }>('GET', '/v1/stats');
  expect(stats.body.worst_endpoints.every(({ tenant }) => tenant === party.tenant)).toBe(true);
  for (const path of [`events/${events.get(1)}`, `deliveries/${deliveries.all}`, `batches/${batch}`])
    expect((await as[reader]('GET', `/v1/${path}`)).status).toBe(200);
  const byKey = await as[reader]('GET', '/v1/events?idempotency_key=order-1');
  expect(byKey.body.data.map(({ id }) => id)).toEqual([events.get(1)]);
  const match = { type: 'order.paid', payload: {} };
  const { body } = await as[reader]<{ data: object[] }>('POST', '/v1/endpoints/match', match);
  expect(body.data).toHaveLength(Object.keys(endpoints).length);
}

interface Planned {
  id: string;
  plan: { total: number; eligible: number; by_endpoint: { endpoint_id: string }[] };
}
type Planning = Omit<Planned, 'plan'> & { plan: Planned['plan'] | null };

/** Plans a replay, which must name no endpoint of another tenant; `key`: the idempotency key. */
export async function dryRun(party: Party, body: object, key?: string): Promise<Planned> {
  const { naming, endpoints } = party;
  const made = await naming.operator<Planning>('POST', '/v1/batches', { ...body, dry_run: true }, key);
  expect(made.status, JSON.stringify(made.body)).toBeLessThan(300);
  const planned = await eventually(async () => {
    const { body: one } = await naming.viewer<Planning>('GET', `/v1/batches/${made.body.id}`);
    return one.plan !== null && (one as Planned);
  });
  const own = Object.values(endpoints).map(({ id }) => id);
  for (const { endpoint_id } of planned.plan.by_endpoint) expect(own).toContain(endpoint_id);
  return planned;
}

/** Names rows of another tenant in every way: none is found. */
export async function nameForeign(party: Party, foreign: Party): Promise<void> {
  const { naming, endpoints: own } = party;
  const { tenant, endpoints, deliveries, batch, cursors } = foreign;
  const [all, waiting] = [endpoints.all.id, deliveries.waiting];
  const event = foreign.events.get(1)!;
  const seen = [`events/${event}`, `deliveries/${waiting}`, `endpoints/${all}`];
  const ofBatch = [`batches/${batch}`, `batches/${batch}/items`];
  const status = async (role: Role, method: string, path: string, body?: unknown) =>
    (await naming[role](method, `/v1/${path}`, body)).status;

  for (const reader of READERS)
    for (const path of [...seen, ...ofBatch]) expect(await status(reader, 'GET', path), path).toBe(404);
  for (const path of seen.slice(0, 2)) expect(await status('publisher', 'GET', path), path).toBe(404);
  const operations: [Role, string, string, object?][] = [
    ...['start', 'pause', 'resume', 'cancel'].map((verb) => `batches/${batch}/${verb}`),
    ...['pause', 'resume', 'enable', 'disable', 'test'].map((verb) => `endpoints/${all}/${verb}`),
    ...['cancel', 'retry'].map((verb) => `deliveries/${waiting}/${verb}`),
  ].map((path) => ['operator', 'POST', path]);
  operations.push(
    ['operator', 'PATCH', `batches/${batch}`, { rate_per_second: 1 }],
    ['admin', 'PATCH', `endpoints/${all}`, { description: 'changed' }],
    ['admin', 'GET', `endpoints/${all}/secret`],
    ['admin', 'POST', `endpoints/${all}/rotate-secret`],
    ['admin', 'DELETE', `endpoints/${all}`],
  );
  for (const [role, method, path, body] of operations)
    expect(await status(role, method, path, body), `${method} ${path}`).toBe(404);

  const filters = [`endpoint_id=${all}`, `event_id=${event}`, `batch_id=${batch}`];
  for (const path of [...filters.map((filter) => `deliveries?${filter}`), `audit?object=${all}`])
    expect((await naming.viewer('GET', `/v1/${path}`)).body.data, path).toEqual([]);
  for (const list of ['events', 'deliveries', 'endpoints', 'audit', 'batches'])
    expect(await status('viewer', 'GET', `${list}?tenant=${tenant}`), list).toBe(403);
  // The rows are checked with every answer.
  for (const [path, cursor] of cursors)
    if (!path.includes('bat_') && !path.includes('ep_'))
      expect([200, 400]).toContain(await status('viewer', 'GET', `${path.slice(4)}?cursor=${cursor}`));

  expect([200, 400]).toContain(await status('viewer', 'GET', `events?after=${foreign.feed}`));

  for (const filter of [{ endpoint_id: endpoints.waiting.id }, { event_id: event }])
    expect((await naming.operator('POST', '/v1/deliveries/cancel', { filter })).body).toMatchObject({
      matched: 0,
      cancelled: 0,
    });
  // Deliveries of `refused` have failed, and would be eligible.
  const refused = endpoints.refused.id;
  for (const filter of [{ endpoint_id: refused }, { endpoint_id: refused, missing: true }])
    expect(await dryRun(party, { filter })).toMatchObject({ plan: { total: 0 } });
  const delivery_ids = [deliveries.all, deliveries.refused];
  expect(await dryRun(party, { delivery_ids })).toMatchObject({ plan: { eligible: 0 } });
  const publish = { type: 'order.created', payload: 1, endpoint_ids: [own.all.id, all] };
  expect(await status('publisher', 'POST', 'events', publish)).toBe(422);
}
