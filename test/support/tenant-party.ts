import { expect } from 'vitest';
import { ROLES, type Role } from '../../src/domain/role.js';
import { createKey } from './api-keys.js';
import type { Accepted } from './path.js';
import { startReceiver, verified, type Receiver } from './receiver.js';
import type { Answer, TestService } from './service.js';

/** The same names, types and idempotency keys in every tenant: only the tenant tells their rows apart. */
export const EVENTS = 300;
const ENDPOINTS = { all: ['*'], refused: ['order.paid'], waiting: ['order.held'] };
type EndpointName = keyof typeof ENDPOINTS;
export const COUNTS = { all: EVENTS, refused: EVENTS / 5, waiting: EVENTS / 30 };
const typeOf = (n: number) => (n % 30 === 0 ? 'order.held' : n % 5 === 1 ? 'order.paid' : 'order.created');
const BATCH = 10;

export type Ask = <T = Page>(
  method: string,
  path: string,
  body?: unknown,
  key?: string,
) => Promise<Answer<T>>;

export interface Page {
  data: { id: string; tenant: string }[];
  next_cursor: string | null;
}

/** A tenant with its keys, its endpoints, and a receiver of its own. */
export interface Party {
  tenant: string;
  /** Calls as each caller of the tenant, to one process after the other. The answers must be of the tenant alone. */
  as: Record<Role, Ask>;
  /** The same for requests that name rows of others: ids of the request may be repeated by the answer. */
  naming: Record<Role, Ask>;
  endpoints: Record<EndpointName, { id: string; secret: string }>;
  receiver: Receiver;
  /** Ids of the events, by their number. */
  events: Map<number, string>;
  /** One delivery to each endpoint. */
  deliveries: Partial<Record<EndpointName, string>>;
  /** The latest dry run. */
  batch: string;
  /** The cursor of each list that was read. */
  cursors: Map<string, string>;
  /** Its latest place in the feed. */
  feed: string;
  /** Ids in all answers. */
  seen: Set<string>;
}

/** Fields that repeat what the tenant itself has named in a request. */
const ECHOES = ['selection', 'skipped', 'before', 'after'];
const withoutEchoes = (body: unknown) =>
  JSON.stringify(body, (name, value: unknown) => (ECHOES.includes(name) ? undefined : value));

const ID = /(?:evt|ep|del|bat|key|aud)_[0-9a-f]{32}/g;
export const tenantName = (name: string) => `tenant-${name}`;

/** Throws where a part of an answer names another tenant. */
function expectOwn(tenant: string, text: string): void {
  const named = new Set(text.match(/tenant-[a-z]+/g));
  named.delete(tenant);
  expect([...named], text.slice(0, 2_000)).toEqual([]);
  const fields = new Set([...text.matchAll(/"tenant":"([^"]*)"/g)].map(([, value]) => value));
  fields.delete(tenant);
  expect([...fields], text.slice(0, 2_000)).toEqual([]);
}

export async function startParty(services: TestService[], name: string): Promise<Party> {
  const tenant = tenantName(name);
  const seen = new Set<string>();
  const keys = await Promise.all(
    ROLES.map((role) => createKey(services[0]!, role, tenant, { name: `${role}-of-${tenant}` })),
  );
  let nth = 0;
  /** `note` gets every answer. */
  const callers = (note: (body: unknown) => void) =>
    Object.fromEntries(
      ROLES.map((role, i) => {
        const authorization = `Bearer ${keys[i]!.key}`;
        const ask: Ask = async (method, path, body, idempotencyKey) => {
          const service = services[(nth += 1) % services.length]!;
          const headers = idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey };
          const answer = await service.call(method, path, body, { authorization, ...headers });
          expectOwn(tenant, JSON.stringify(answer.body));
          note(answer.body);
          return answer as never;
        };
        return [role, ask];
      }),
    ) as Record<Role, Ask>;
  const as = callers((body) => {
    for (const [id] of withoutEchoes(body).matchAll(ID)) seen.add(id);
  });
  const naming = callers(() => {});
  const receiver = await startReceiver();
  const base = receiver.url.replace('/hook', '');
  const endpoints = {} as Party['endpoints'];
  for (const [path, types] of Object.entries(ENDPOINTS)) {
    const body = {
      url: `${base}/${path}`,
      event_types: types,
      description: path,
      metadata: { tenant },
      timeout_ms: 30_000,
    };
    const answer = await as.admin<{ id: string; secret: string }>('POST', '/v1/endpoints', body, path);
    expect(answer.status).toBe(201);
    endpoints[path as EndpointName] = answer.body;
  }
  behave(receiver, false);
  const [events, cursors] = [new Map<number, string>(), new Map<string, string>()];
  return {
    tenant,
    as,
    naming,
    endpoints,
    receiver,
    events,
    deliveries: {},
    batch: '',
    cursors,
    feed: '',
    seen,
  };
}

/** Every seventh event of `all` is retried, the deliveries of `refused` fail unless `mended`, those of `waiting` stay open. */
export function behave({ setBehaviour }: Receiver, mended: boolean): void {
  setBehaviour(({ path, headers, body }) => {
    if (path === '/waiting') return { status: 503, headers: { 'retry-after': '86400' } };
    if (path === '/refused') return { status: mended ? 200 : 400 };
    const { n } = JSON.parse(body) as { n: number };
    return { status: n % 7 === 0 && headers['webhook-attempt'] === '1' ? 503 : 200 };
  });
}

/** Publishes the events from one number to another, some twice at the same time, some in batches. */
export async function publish(party: Party, from: number, to: number): Promise<void> {
  const { tenant, as, events, deliveries, endpoints } = party;
  const eventOf = (n: number) => ({ type: typeOf(n), payload: { tenant, n }, idempotency_key: `order-${n}` });
  for (let n = from; n < to; n += BATCH) {
    const numbers = Array.from({ length: Math.min(BATCH, to - n) }, (_, i) => n + i);
    if ((n / BATCH) % 2 === 1) {
      const body = { events: numbers.map(eventOf) };
      const send = () =>
        as.publisher<{ results: { status: number; id: string }[] }>('POST', '/v1/events/batch', body);
      const { results } = (await send()).body;
      expect(results.map(({ status }) => status)).toEqual(numbers.map(() => 202));
      expect((await send()).body.results).toEqual(results.map(({ id }) => ({ status: 200, id })));
      numbers.forEach((one, i) => events.set(one, results[i]!.id));
      continue;
    }
    for (const one of numbers) {
      const post = () => as.publisher<Accepted>('POST', '/v1/events', eventOf(one));
      const answers = await Promise.all(one % 3 === 0 ? [post(), post()] : [post()]);
      expect(answers.map(({ status }) => status).sort()).toEqual(answers.length === 2 ? [200, 202] : [202]);
      const ids = new Set(answers.map(({ body }) => body.id));
      expect(ids.size).toBe(1);
      events.set(one, [...ids][0]!);
      for (const [name, { id }] of Object.entries(endpoints)) {
        const made = answers[0].body.deliveries.find(({ endpoint_id }) => endpoint_id === id);
        if (made) deliveries[name as EndpointName] ??= made.id;
      }
    }
  }
}

/** Requires that the receiver got exactly the deliveries of its tenant, each signed with the secret of its own endpoint. */
export function expectOwnRequests({ tenant, endpoints, events, receiver }: Party): void {
  const numbers: Record<string, Set<number>> = { all: new Set(), refused: new Set(), waiting: new Set() };
  for (const request of receiver.requests) {
    const name = request.path.slice(1) as EndpointName;
    const payload = verified(endpoints[name].secret, request) as { tenant: string; n: number };
    expect(payload.tenant).toBe(tenant);
    expect(request.headers['webhook-id']).toBe(events.get(payload.n));
    numbers[name]!.add(payload.n);
  }
  const counts = Object.fromEntries(Object.entries(numbers).map(([name, { size }]) => [name, size]));
  expect(counts).toEqual(COUNTS);
  // Retries of `all`, each re-delivery of `refused`, and nothing that a foreign request caused.
  const again = Array.from({ length: EVENTS }, (_, n) => n).filter((n) => n % 7 === 0).length;
  expect(receiver.requests).toHaveLength(COUNTS.all + again + 2 * COUNTS.refused + COUNTS.waiting);
}
