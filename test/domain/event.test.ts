import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EVENT_TYPE, EVENT_TYPE_PATTERN, patternsMatching, TENANT } from '../../src/domain/event.js';

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

test('a wildcard subscription matches exactly the types with its prefix', () => {
  const name = fc
    .array(fc.tuple(fc.constantFrom('a', 'b-', '|'), fc.constantFrom('.', '/', ':')), {
      minLength: 1,
      maxLength: 5,
    })
    .map((parts) => parts.flat().slice(0, -1).join(''));
  fc.assert(
    fc.property(name, name, fc.constantFrom('.', '/', ':'), (type, begin, separator) => {
      fc.pre(EVENT_TYPE.test(type) && EVENT_TYPE.test(begin));
      const wanted = type.startsWith(begin + separator);
      expect(patternsMatching(type).includes(`${begin}${separator}*`)).toBe(wanted);
    }),
  );
});

test('a tenant may be a domain, a URL or punctuation, but not empty, a dot segment, spaced or non-ASCII', () => {
  for (const tenant of ['acme', 'acme.com', 'org:1', 'auth0|1', 'https://idp.example/u/1', '*', '...'])
    expect([tenant, TENANT.test(tenant)]).toEqual([tenant, true]);
  for (const tenant of ['', ' ', 'a b', '.', '..', 'é', 'a\n'])
    expect([tenant, TENANT.test(tenant)]).toEqual([tenant, false]);
});
