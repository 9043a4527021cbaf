import fc from 'fast-check';

/** Few segments and all separators, so that types and subscriptions meet. */
const segment = fc.constantFrom('a', 'b-', '|', 'order');
const separator = fc.constantFrom('.', '/', ':');

export const anyEventType = fc
  .array(fc.tuple(segment, separator), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.flat().slice(0, -1).join(''));

/** Exact types, types with a wildcard at the end, and `*`. */
export const anySubscription = fc.oneof(
  { weight: 2, arbitrary: anyEventType },
  {
    weight: 4,
    arbitrary: fc.tuple(anyEventType, separator).map(([begin, last]) => `${begin}${last}*`),
  },
  { weight: 1, arbitrary: fc.constant('*') },
);

/** The meaning of a subscription: the sentence about wildcards in README.md, word for word. */
export const subscribesTo = (pattern: string, type: string): boolean =>
  pattern.endsWith('*') ? type.startsWith(pattern.slice(0, -1)) : type === pattern;
