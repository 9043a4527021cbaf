import type { LookupAddress } from 'node:dns';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createResolver, domainOf, NoTurnError, type Resolve } from '../../src/webhook/resolve.js';

type Answer = (error: Error | null, addresses: LookupAddress[]) => void;
const lookup = vi.hoisted(() => vi.fn<(host: string, options: object, answer: Answer) => void>());
vi.mock('node:dns', async (original) => ({ ...(await original<object>()), lookup }));

const FOUND: LookupAddress[] = [{ address: '127.0.0.1', family: 4 }];
const unanswered = new Map<string, Answer>();
let resolve: Resolve;

beforeEach(() => {
  vi.useFakeTimers();
  unanswered.clear();
  lookup.mockReset();
  lookup.mockImplementation((host, _options, answer) => void unanswered.set(host, answer));
  resolve = createResolver(32);
});
afterEach(() => {
  vi.useRealTimers();
});

const ask = (host: string, tenant = 'default', onStart?: () => void) => {
  const found = resolve(host, { tenant, ...(onStart ? { onStart } : {}) });
  found.catch(() => {});
  return found;
};
const askMany = (count: number, domain: string, tenant?: string) =>
  Array.from({ length: count }, (_, i) => ask(`n${i}.${domain}`, tenant));
const asked = (domain: string) => [...unanswered.keys()].filter((host) => host.endsWith(domain)).length;
async function answer(host: string): Promise<void> {
  unanswered.get(host)!(null, FOUND);
  unanswered.delete(host);
  await vi.advanceTimersByTimeAsync(0);
}

describe('names never seen before', () => {
  it('use at most 4 threads per domain, 8 per tenant and 12 in total', () => {
    void askMany(40, 'one.test', 'a');
    expect(unanswered.size).toBe(4);
    void askMany(40, 'two.test', 'a');
    void askMany(40, 'three.test', 'a');
    expect(unanswered.size).toBe(8);
    void askMany(40, 'four.test', 'b');
    void askMany(40, 'five.test', 'c');
    expect(unanswered.size).toBe(12);
  });

  it('use at most 2 threads in a slow domain, without reducing other domains', async () => {
    void ask('first.slow.test');
    await vi.advanceTimersByTimeAsync(1_000);
    await answer('first.slow.test');
    void askMany(40, 'slow.test');
    expect(asked('slow.test')).toBe(2);
    void askMany(40, 'other.test');
    expect(asked('other.test')).toBe(4);
  });

  it('move to the slow lane while they wait, when their domain turns slow', async () => {
    void askMany(20, 'slow.test');
    await vi.advanceTimersByTimeAsync(1_000);
    expect(asked('slow.test')).toBe(4);
    await answer('n0.slow.test');
    // The waiting names moved to the slow lane, which runs two per domain.
    expect(asked('slow.test')).toBe(5);
  });
});

describe('a name whose last look-up was quick', () => {
  it('does not wait for look-ups that hang', async () => {
    void ask('known.test');
    await answer('known.test');
    for (const tenant of ['a', 'b', 'c', 'd'])
      for (const domain of ['1.test', '2.test', '3.test']) void askMany(20, `${tenant}${domain}`, tenant);
    await vi.advanceTimersByTimeAsync(1_000);
    const started = vi.fn();
    const found = ask('known.test', 'default', started);
    expect(started).toHaveBeenCalledOnce();
    await answer('known.test');
    expect(await found).toEqual(FOUND);
  });

  it('counts as new again after a look-up of one second', async () => {
    void ask('known.test');
    await answer('known.test');
    void ask('known.test');
    await vi.advanceTimersByTimeAsync(1_000);
    await answer('known.test');
    void askMany(2, 'known.test');
    void ask('known.test');
    expect(unanswered.has('known.test')).toBe(false);
  });
});

describe('a name that waits for its turn', () => {
  it('calls onStart when its look-up starts, and fails with NoTurnError after 5 s', async () => {
    void askMany(8, 'hangs.test');
    const [first, second] = [vi.fn(), vi.fn()];
    const found = ask('early.hangs.test', 'default', first);
    expect(first).not.toHaveBeenCalled();
    await answer('n0.hangs.test');
    for (const i of [1, 2, 3]) await answer(`n${i}.hangs.test`);
    for (const i of [4, 5, 6, 7]) await answer(`n${i}.hangs.test`);
    expect(first).toHaveBeenCalledOnce();
    await answer('early.hangs.test');
    expect(await found).toEqual(FOUND);

    void askMany(4, 'hangs.again.test');
    const late = ask('late.again.test', 'default', second);
    await vi.advanceTimersByTimeAsync(5_000);
    await expect(late).rejects.toThrow(NoTurnError);
    expect(second).not.toHaveBeenCalled();
  });

  it('does not wait for the turn of another tenant for the same name', () => {
    void askMany(4, 'one.test', 'a');
    void askMany(4, 'two.test', 'a');
    void ask('shared.test', 'a');
    expect(unanswered.has('shared.test')).toBe(false);
    void ask('shared.test', 'b');
    expect(unanswered.has('shared.test')).toBe(true);
  });
});

it.each([
  ['a.b.example.com', 'example.com'],
  ['A.Example.com.', 'example.com'],
  ['a.b.example.co.uk', 'example.co.uk'],
  ['x.y.com.au', 'y.com.au'],
  ['localhost', 'localhost'],
])('the domain of %s is %s', (host, domain) => {
  expect(domainOf(host)).toBe(domain);
});
