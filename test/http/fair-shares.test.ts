import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { createFairLimit, type FairLimit, type Slot } from '../../src/http/fair-limit.js';

afterEach(() => {
  vi.useRealTimers();
});

/** A request under way: `slot` once it has entered, `admitted` once a tenant holds it, `refused` once it got a 503. */
function enter(limit: FairLimit, key: string, tenant?: string) {
  const response = new ServerResponse(new IncomingMessage(new Socket()));
  const request = {
    slot: null as Slot | null,
    admitted: [] as string[],
    refused: false,
    admit(tenant: string): void {
      request.slot!.admit(tenant).then(
        () => request.admitted.push(tenant),
        (error: unknown) => {
          expect(error).toMatchObject({ status: 503, code: 'overloaded' });
          request.refused = true;
        },
      );
    },
    close: () => response.emit('close'),
  };
  limit.enter(
    response,
    key,
    (slot) => {
      request.slot = slot;
      if (tenant) request.admit(tenant);
    },
    () => (request.refused = true),
  );
  return request;
}

type Request = ReturnType<typeof enter>;
const enterMany = (limit: FairLimit, key: string, count: number, tenant?: string) =>
  Array.from({ length: count }, () => enter(limit, key, tenant));
const entered = (requests: Request[]) => requests.filter(({ slot }) => slot).length;
const admittedOf = (requests: Request[]) => requests.filter(({ admitted }) => admitted.length > 0);
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** Posts of one tenant: each asks to be admitted as soon as it enters. */
async function post(limit: FairLimit, key: string, tenant: string, count: number): Promise<Request[]> {
  const requests = enterMany(limit, key, count, tenant);
  await settle();
  return requests;
}

test('one key alone gets three quarters, and another key still gets most of the rest', () => {
  const limit = createFairLimit(256);
  expect(entered(enterMany(limit, 'a', 400))).toBe(192);
  expect(entered(enterMany(limit, 'b', 400))).toBe(48);
});

test('one tenant alone gets three quarters, and another tenant of the same key still gets most of the rest', async () => {
  const limit = createFairLimit(256);
  expect(admittedOf(await post(limit, 'key', 'a', 300))).toHaveLength(192);
  expect(admittedOf(await post(limit, 'key', 'b', 150))).toHaveLength(48);
});

test('one tenant alone is refused nothing: what is above its share waits, and enters as others leave', async () => {
  for (const count of [200, 300, 1_000]) {
    const limit = createFairLimit(256);
    const posts = await post(limit, 'key', 'a', count);
    const closed = new Set<Request>();
    for (let before = -1; before < closed.size; await settle()) {
      before = closed.size;
      for (const request of admittedOf(posts).filter((one) => !closed.has(one))) {
        closed.add(request);
        request.close();
      }
    }
    const refused = posts.filter((request) => request.refused).length;
    expect({ done: closed.size, refused }).toEqual({ done: count, refused: 0 });
  }
});

test('a tenant that waits for its share leaves the slots of its key to other tenants', async () => {
  const limit = createFairLimit(256);
  await post(limit, 'key', 'a', 380);
  const [other] = await post(limit, 'key', 'b', 1);
  expect(other!.admitted).toEqual(['b']);
});

test('two tenants that are busy all the time come to hold the same', async () => {
  const limit = createFairLimit(256);
  const posts = { a: await post(limit, 'key', 'a', 300), b: await post(limit, 'key', 'b', 300) };
  for (let i = 0; i < 300; i++) {
    for (const tenant of ['a', 'b'] as const) {
      const first = posts[tenant].find(({ admitted }) => admitted.length > 0)!;
      posts[tenant].splice(posts[tenant].indexOf(first), 1);
      first.close();
      posts[tenant].push(...(await post(limit, 'key', tenant, 1)));
    }
  }
  const [a, b] = [admittedOf(posts.a).length, admittedOf(posts.b).length];
  expect(Math.abs(a - b)).toBeLessThanOrEqual(3);
  expect(a + b).toBeGreaterThan(150);
});

test('requests of one key wait in turn for a slot, and enter as others leave or are admitted', async () => {
  const limit = createFairLimit(4);
  const [first, second, third, fourth, fifth] = enterMany(limit, 'key', 5);
  expect([first, second, third, fourth, fifth].map((request) => request!.slot !== null)).toEqual([
    ...[true, true, true, false, false],
  ]);
  first!.close();
  expect([fourth!.slot !== null, fifth!.slot !== null]).toEqual([true, false]);
  // A client that leaves gives its turn to the next.
  const sixth = enter(limit, 'key');
  fifth!.close();
  second!.admit('a');
  await settle();
  expect(second!.admitted).toEqual(['a']);
  second!.close();
  expect(sixth.slot).not.toBeNull();
});

test('a request that waits too long is refused, and its turn is gone', () => {
  vi.useFakeTimers();
  const limit = createFairLimit(4);
  const inside = enterMany(limit, 'key', 3);
  const late = enter(limit, 'key');
  vi.advanceTimersByTime(10_000);
  expect(late).toMatchObject({ slot: null, refused: true });
  inside[0]!.close();
  expect(late.slot).toBeNull();
  expect(entered(enterMany(limit, 'key', 1))).toBe(1);
});

test('a request whose tenant has its share for too long is refused, and gives everything back', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const limit = createFairLimit(4);
  const posts = await post(limit, 'key', 'a', 5);
  expect(admittedOf(posts)).toHaveLength(3);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(posts.map(({ refused }) => refused)).toEqual([false, false, false, true, true]);
  posts.forEach(({ close }) => close());
  expect(admittedOf(await post(limit, 'key', 'a', 4))).toHaveLength(3);
  expect(admittedOf(await post(limit, 'other', 'b', 1))).toHaveLength(1);
});

test('a request that leaves while it waits for its share takes nothing with it', async () => {
  const limit = createFairLimit(4);
  const posts = await post(limit, 'key', 'a', 6);
  posts.reverse().forEach(({ close }) => close());
  expect(admittedOf(await post(limit, 'key', 'a', 4))).toHaveLength(3);
});

test('a request with events of several tenants is held by each, and given back by all', async () => {
  const limit = createFairLimit(16);
  const requests = await post(limit, 'key', 'a', 12);
  requests.forEach((request) => request.admit('b'));
  await settle();
  expect(requests.map(({ admitted }) => admitted)).toEqual(Array(12).fill(['a', 'b']));
  expect(admittedOf(await post(limit, 'key', 'a', 1))).toHaveLength(0);
  expect(admittedOf(await post(limit, 'key', 'c', 1))).toHaveLength(1);
  requests.forEach((request) => request.close());
  expect(admittedOf(await post(limit, 'key', 'a', 10)).length).toBeGreaterThan(0);
});
