import type { Filter } from './filter.js';

type Path = (string | number)[];

/**
 * The first condition of a valid filter that does not hold for a payload; null: the filter lets it pass. The same as
 * Postgres says, but numbers are doubles.
 */
export function failingCondition(filter: Filter, payload: unknown, at: Path = []): Path | null {
  for (const [name, given] of Object.entries(filter)) {
    const path = [...at, name];
    const failing = name.startsWith('$')
      ? failingGroup(name, given, payload, path)
      : failingField(name, given, payload, path);
    if (failing) return failing;
  }
  return null;
}

export const passes = (filter: unknown, payload: unknown): boolean =>
  failingCondition(filter as Filter, payload) === null;

function failingGroup(name: string, given: unknown, payload: unknown, path: Path): Path | null {
  if (name === '$not') return passes(given, payload) ? path : null;
  const filters = given as Filter[];
  if (name === '$or') return filters.some((one) => passes(one, payload)) ? null : path;
  for (const [i, one] of filters.entries()) {
    const failing = failingCondition(one, payload, [...path, i]);
    if (failing) return failing;
  }
  return null;
}

function failingField(name: string, given: unknown, payload: unknown, path: Path): Path | null {
  const found = valuesAt(name.split('.'), payload);
  if (typeof given !== 'object' || given === null) return holds('$eq', given, found) ? null : path;
  const failing = Object.entries(given).find(([operator, value]) => !holds(operator, value, found));
  return failing ? [...path, failing[0]] : null;
}

/** A path leads through lists of objects, not through lists in lists. */
const valuesAt = (keys: string[], payload: unknown) =>
  keys.reduce<unknown[]>(
    (values, key) =>
      values.flatMap((value) => elementsOf(value).flatMap((one) => (hasMember(one, key) ? [one[key]] : []))),
    [payload],
  );

const elementsOf = (value: unknown): unknown[] => (Array.isArray(value) ? value : [value]);
const hasMember = (value: unknown, key: string): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, key);

function holds(operator: string, given: unknown, found: unknown[]): boolean {
  const any = (test: (value: unknown) => boolean) => found.some((value) => elementsOf(value).some(test));
  const among = (list: unknown) => any((value) => (list as unknown[]).includes(value));
  switch (operator) {
    case '$eq':
      return among([given]);
    case '$ne':
      return !among([given]);
    case '$in':
      return among(given);
    case '$nin':
      return !among(given);
    case '$exists':
      return found.length > 0 === given;
    case '$not':
      return !Object.entries(given as object).every(([name, value]) => holds(name, value, found));
    case '$startsWith':
      return any((value) => typeof value === 'string' && value.startsWith(given as string));
    case '$endsWith':
      return any((value) => typeof value === 'string' && value.endsWith(given as string));
    default:
      return any((value) => typeof value === typeof given && compares(operator, order(value, given)));
  }
}

function compares(operator: string, sign: number): boolean {
  if (operator === '$gt') return sign > 0;
  if (operator === '$gte') return sign >= 0;
  return operator === '$lt' ? sign < 0 : sign <= 0;
}

/** Strings by code points, where JavaScript compares halves of surrogate pairs. */
function order(a: unknown, b: unknown): number {
  if (typeof a === 'number') return a - (b as number);
  const [left, right] = [[...(a as string)], [...(b as string)]];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    const difference = left[i]!.codePointAt(0)! - right[i]!.codePointAt(0)!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
