import { Problem } from './problem.js';

const MAX_AT_ONCE = 16;
const MAX_PER_MINUTE = 20;
const MINUTE_MS = 60_000;

/** Bounds the tests of endpoints: a test is a request that anybody with a key can have sent. */
export interface TestLimit {
  /** Runs one test of an endpoint. Throws a 429 Problem where there are too many. */
  run<T>(endpointId: string, test: () => Promise<T>): Promise<T>;
}

export function createTestLimit(): TestLimit {
  let counts = new Map<string, number>();
  let since = -Infinity;
  let underWay = 0;
  return {
    async run(endpointId, test) {
      const now = performance.now();
      if (now - since >= MINUTE_MS) {
        counts = new Map();
        since = now;
      }
      const count = (counts.get(endpointId) ?? 0) + 1;
      if (count > MAX_PER_MINUTE)
        throw tooMany(`At most ${MAX_PER_MINUTE} tests of an endpoint in a minute.`, since + MINUTE_MS - now);
      if (underWay >= MAX_AT_ONCE) throw tooMany(`${MAX_AT_ONCE} tests are under way already.`, 1_000);
      counts.set(endpointId, count);
      underWay += 1;
      try {
        return await test();
      } finally {
        underWay -= 1;
      }
    },
  };
}

const tooMany = (detail: string, ms: number) =>
  new Problem(429, 'too_many_tests', detail, [], {
    'retry-after': String(Math.max(1, Math.ceil(ms / 1000))),
  });
