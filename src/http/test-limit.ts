import { addTo } from '../lib/counts.js';
import { Problem } from './problem.js';

const MAX_AT_ONCE = 16;
/** Tests of one tenant among them. */
const MAX_PER_TENANT = 4;
const MAX_PER_MINUTE = 20;
const MINUTE_MS = 60_000;

/** Bounds the tests of endpoints: a test is a request that anybody with a key can have sent. */
export interface TestLimit {
  /** Runs one test of an endpoint. Throws a 429 Problem where there are too many. */
  run<T>(endpoint: { id: string; tenant: string }, test: () => Promise<T>): Promise<T>;
}

export function createTestLimit(): TestLimit {
  let counts = new Map<string, number>();
  let since = -Infinity;
  let underWay = 0;
  const underWayOf = new Map<string, number>();
  return {
    async run({ id, tenant }, test) {
      const now = performance.now();
      if (now - since >= MINUTE_MS) {
        counts = new Map();
        since = now;
      }
      const count = (counts.get(id) ?? 0) + 1;
      if (count > MAX_PER_MINUTE)
        throw tooMany(`At most ${MAX_PER_MINUTE} tests of an endpoint in a minute.`, since + MINUTE_MS - now);
      if ((underWayOf.get(tenant) ?? 0) >= MAX_PER_TENANT)
        throw tooMany(`${MAX_PER_TENANT} tests of the tenant are under way already.`, 1_000);
      if (underWay >= MAX_AT_ONCE) throw tooMany(`${MAX_AT_ONCE} tests are under way already.`, 1_000);
      counts.set(id, count);
      underWay += 1;
      addTo(underWayOf, tenant, 1);
      try {
        return await test();
      } finally {
        underWay -= 1;
        addTo(underWayOf, tenant, -1);
      }
    },
  };
}

const tooMany = (detail: string, ms: number) =>
  new Problem(429, 'too_many_tests', detail, [], {
    'retry-after': String(Math.max(1, Math.ceil(ms / 1000))),
  });
