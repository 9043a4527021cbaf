import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLane, type Turn } from '../../src/webhook/turns.js';

const LIMITS = { all: 6, tenant: 4, domain: 2 };

describe('a lane', () => {
  it('runs the tenant and domain with the fewest running first, then the longest waiting turn', () => {
    const lane = createLane<Turn>(LIMITS);
    const turn = (tenant: string, domain: string) => ({ tenant, domain });
    const [first, second, other, third] = [
      turn('a', 'x.test'),
      turn('a', 'x.test'),
      turn('b', 'y.test'),
      turn('a', 'z.test'),
    ];
    for (const one of [first, second, other, third]) lane.add(one);
    const served: Turn[] = [];
    for (let next = lane.next(); next; next = lane.next()) {
      lane.remove(next);
      lane.begin(next);
      served.push(next);
    }
    expect(served).toEqual([first, other, third, second]);
  });

  it('keeps every limit, and starts every turn that the limits allow', () => {
    const turns = fc.array(
      fc.record({
        tenant: fc.constantFrom('a', 'b', 'c'),
        domain: fc.constantFrom('x', 'y', 'z'),
        ends: fc.boolean(),
      }),
    );
    fc.assert(
      fc.property(turns, (arrivals) => {
        const lane = createLane<Turn>(LIMITS);
        const waiting = new Set<Turn>();
        const running = new Set<Turn>();
        const count = (key: 'tenant' | 'domain', value: string) =>
          [...running].filter((turn) => turn[key] === value).length;
        const mayRun = ({ tenant, domain }: Turn) =>
          running.size < LIMITS.all &&
          count('tenant', tenant) < LIMITS.tenant &&
          count('domain', domain) < LIMITS.domain;
        for (const { ends, ...turn } of arrivals) {
          waiting.add(turn);
          expect(lane.add(turn)).toBe(true);
          for (let next = lane.next(); next; next = lane.next()) {
            expect(waiting.delete(next) && mayRun(next)).toBe(true);
            lane.remove(next);
            lane.begin(next);
            running.add(next);
          }
          expect([...waiting].filter(mayRun)).toEqual([]);
          const [oldest] = running;
          if (ends && oldest && running.delete(oldest)) lane.end(oldest);
        }
        expect(lane.running()).toBe(running.size);
      }),
    );
  });

  it('refuses turns of a tenant with 2,048 waiting, and still accepts other tenants', () => {
    const lane = createLane<Turn>(LIMITS);
    const add = (tenant: string) => lane.add({ tenant, domain: 'x.test' });
    const taken = Array.from({ length: 3_000 }, () => add('a'));
    expect(taken.filter(Boolean)).toHaveLength(2_048);
    expect(add('b')).toBe(true);
  });
});
