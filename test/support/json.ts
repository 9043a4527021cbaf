import fc from 'fast-check';

/** As it comes from a request: objects have the prototype of objects, and `__proto__` is a member like others. */
export function parsed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** JSON of these names and values, at most four levels deep. */
export const jsonOf = (names: string[], values: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc
    .letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, depthSize: 'small' },
        { weight: 5, arbitrary: values },
        { weight: 2, arbitrary: fc.array(tie('value'), { maxLength: 2 }) },
        { weight: 5, arbitrary: fc.dictionary(fc.constantFrom(...names), tie('value'), { maxKeys: 2 }) },
      ),
    }))
    .value.map(parsed);

/** `given` with a value of `by` in place of one of its values, or in place of all. */
export const changedInOnePlace = (
  given: fc.Arbitrary<unknown>,
  by: fc.Arbitrary<unknown>,
): fc.Arbitrary<unknown> =>
  fc.tuple(given, by, fc.nat()).map(([before, value, at]) => {
    const json = JSON.stringify(before);
    let places = 0;
    JSON.parse(json, (_key, one: unknown) => (places++, one));
    let nth = 0;
    return JSON.parse(json, (_key, one: unknown) => (nth++ === at % places ? value : one)) as unknown;
  });

/** Whether a path leads to something in a value. */
export const hasPlace = (value: unknown, [first, ...rest]: (string | number)[]): boolean =>
  first === undefined ||
  (typeof value === 'object' &&
    value !== null &&
    Object.hasOwn(value, first) &&
    hasPlace((value as Record<string | number, unknown>)[first], rest));
