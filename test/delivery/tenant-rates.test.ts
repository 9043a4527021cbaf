import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { createTenantRates, RateExceededError, type TenantRates } from '../../src/delivery/tenant-rates.js';
import { createLogger } from '../../src/observability/logger.js';
import { eventually } from '../support/eventually.js';

const log = createLogger('silent');

/** Rates whose clock, table and notifications the test controls. */
async function setup(defaultPerSecond: number | null, table: Record<string, number> = {}) {
  let at = 1_000;
  let changed!: (id: string | null) => void;
  let away = false;
  const reads: (string[] | null)[] = [];
  const rates = await createTenantRates({
    defaultPerSecond,
    async load(ids) {
      reads.push(ids);
      if (away) throw new Error('away');
      return Object.entries(table)
        .filter(([id]) => !ids || ids.includes(id))
        .map(([id, max_events_per_second]) => ({ id, max_events_per_second }));
    },
    control: { onTenant: (listener) => void (changed = listener) },
    now: () => at,
    log,
  });
  return {
    ...{ rates, reads, table },
    pass: (ms: number) => void (at += ms),
    changed: (id: string | null) => changed(id),
    setAway: (is: boolean) => void (away = is),
  };
}

/** How many of `count` events are taken at once. */
function takes(rates: TenantRates, tenant: string, count: number): number {
  for (let taken = 0; taken < count; taken++) {
    try {
      rates.take(tenant);
    } catch (error) {
      expect(error).toBeInstanceOf(RateExceededError);
      return taken;
    }
  }
  return count;
}

test.each([1, 3, 7, 10, 999])(
  'a tenant gets %i events at once, and as many again in a second',
  async (rate) => {
    const { rates, pass } = await setup(rate);
    expect(takes(rates, 'a', rate + 5)).toBe(rate);
    // Another tenant has its own.
    expect(takes(rates, 'b', rate + 5)).toBe(rate);
    pass(1_000);
    expect(takes(rates, 'a', rate + 5)).toBe(rate);
    // Rest gives no more than a second's worth.
    pass(3_600_000);
    expect(takes(rates, 'a', rate + 5)).toBe(rate);
    await rates.close();
  },
);

test('the error says when the next event is taken, and no earlier one is', async () => {
  const { rates, pass } = await setup(4);
  expect(takes(rates, 'a', 9)).toBe(4);
  let waitMs = 0;
  try {
    rates.take('a');
  } catch (error) {
    waitMs = (error as RateExceededError).retryAfterMs;
  }
  expect(waitMs).toBeCloseTo(250);
  pass(waitMs - 1);
  expect(takes(rates, 'a', 9)).toBe(0);
  pass(1);
  expect(takes(rates, 'a', 9)).toBe(1);
  await rates.close();
});

test('a tenant without a limit is not counted', async () => {
  const { rates } = await setup(null, { limited: 2 });
  expect(takes(rates, 'free', 10_000)).toBe(10_000);
  expect(takes(rates, 'limited', 10_000)).toBe(2);
  await rates.close();
});

test('a changed rate counts as soon as it has been read, and only that tenant is read again', async () => {
  const { rates, reads, table, changed, pass } = await setup(null, { a: 1, b: 1 });
  table.a = 50;
  delete table.b;
  expect(takes(rates, 'a', 100)).toBe(1);
  changed('a');
  await eventually(async () => {
    pass(1_000);
    return takes(rates, 'a', 100) === 50;
  });
  expect(reads).toEqual([null, ['a']]);
  changed(null);
  await eventually(async () => takes(rates, 'b', 100) === 100);
  expect(reads).toEqual([null, ['a'], null]);
  await rates.close();
});

test('a change that could not be read is read later', async () => {
  const { rates, reads, table, changed, setAway, pass } = await setup(null, { a: 1 });
  setAway(true);
  table.a = 50;
  changed('a');
  await eventually(async () => reads.length === 2);
  setAway(false);
  await eventually(async () => {
    pass(1_000);
    return takes(rates, 'a', 100) === 50;
  });
  await rates.close();
});

test('a million tenants that rest take no memory', async () => {
  const { rates, pass } = await setup(1_000);
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const used = () => {
    collect();
    return process.memoryUsage().heapUsed;
  };
  for (let n = 0; n < 20_000; n++) rates.take(`first-${n}`);
  const before = used();
  for (let n = 0; n < 1_000_000; n++) {
    pass(1);
    rates.take(`tenant-${n}`);
  }
  // A million entries take some 100 MB.
  expect(used() - before).toBeLessThan(20_000_000);
  await rates.close();
});
