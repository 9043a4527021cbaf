import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVENT_TYPE, EVENT_TYPE_PATTERN, patternsMatching, TENANT } from '../../src/domain/event.js';
import { anyEventType, anySubscription, subscribesTo } from '../support/subscriptions.js';

test.each(['order.created', 'orders/create', 'order-created', 'order:created', 'a', 'x.y/z:0', "it's|{1}"])(
  '%s is an event type, and a subscription to itself',
  (type) => {
    expect(EVENT_TYPE.test(type)).toBe(true);
    expect(EVENT_TYPE_PATTERN.test(type)).toBe(true);
    expect(patternsMatching(type)).toContain(type);
  },
);

test.each(['', '.a', 'a.', 'a..b', 'a/:b', 'a b', 'a\tb', 'a*', 'a.*', '*', 'é', 'a\x7f'])(
  '%j is not an event type',
  (type) => expect(EVENT_TYPE.test(type)).toBe(false),
);

test.each(['*', 'order.*', 'orders/*', 'order:*', 'a.b/c:*'])('%s is a subscription', (pattern) =>
  expect(EVENT_TYPE_PATTERN.test(pattern)).toBe(true),
);

test.each(['order*', '*.created', 'a.*.b', '.*', 'a..*', '**', 'a.**', 'order-*'])(
  '%s is not a subscription',
  (pattern) => expect(EVENT_TYPE_PATTERN.test(pattern)).toBe(false),
);

test.each([
  ['order.created', 'order.*', true],
  ['order.item.added', 'order.*', true],
  ['order.item/added', 'order.*', true],
  ['order/created', 'order.*', false],
  ['order', 'order.*', false],
  ['orders.created', 'order.*', false],
  ['orders/create', 'orders/*', true],
  ['order:created', 'order:*', true],
  ['order-created', 'order.*', false],
  ['order-created', '*', true],
])('type %s matches the subscription %s: %s', (type, pattern, matches) => {
  expect(patternsMatching(type).includes(pattern)).toBe(matches);
});

test('a subscription matches exactly its own type, or the types with its prefix', () => {
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(anyEventType, anySubscription, (type, pattern) => {
      const wanted = subscribesTo(pattern, type);
      seen[`${wanted}`]++;
      expect(patternsMatching(type).includes(pattern)).toBe(wanted);
    }),
    { numRuns: 5_000 },
  );
  // The test would be empty if all subscriptions gave the same result.
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(200);
});

test('an event type is matched only by subscriptions that an endpoint may have, and by each once', () => {
  const printable = fc.array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 1, maxLength: 20 });
  const anyName = printable.map((codes) => String.fromCharCode(...codes));
  fc.assert(
    fc.property(fc.oneof(anyEventType, anyName), (type) => {
      fc.pre(EVENT_TYPE.test(type));
      const patterns = patternsMatching(type);
      expect(patterns.filter((pattern) => !EVENT_TYPE_PATTERN.test(pattern))).toEqual([]);
      expect(new Set(patterns).size).toBe(patterns.length);
    }),
  );
});

test('a tenant may be a domain, a URL or punctuation, but not empty, a dot segment, spaced or non-ASCII', () => {
  for (const tenant of ['acme', 'acme.com', 'org:1', 'auth0|1', 'https://idp.example/u/1', '*', '...'])
    expect([tenant, TENANT.test(tenant)]).toEqual([tenant, true]);
  for (const tenant of ['', ' ', 'a b', '.', '..', 'é', 'a\n'])
    expect([tenant, TENANT.test(tenant)]).toEqual([tenant, false]);
});
