import { isStorable, UNSTORABLE } from './storable.js';

export interface FilterFault {
  /** Place inside the filter. */
  path: (string | number)[];
  message: string;
}

/** A condition of the filter that must hold. `predicate`: of Postgres's jsonpath, true or false and never unknown. */
export interface FilterPart {
  path: (string | number)[];
  predicate: string;
}

export interface ReadFilter {
  faults: FilterFault[];
  /** All of them must hold. */
  parts: FilterPart[];
  /** Comparisons that it makes for each value at its paths. */
  cost: number;
}

export const MAX_FILTER_COST = 200;
/** A regular expression reads a whole string, where a comparison mostly reads its first bytes. */
export const SUFFIX_COST = 40;
const MAX_SEGMENTS = 32;
const MAX_SUFFIX = 256;
/** More are not answered. */
const MAX_FAULTS = 21;

export type Path = FilterPart['path'];

export function refuse(read: ReadFilter, path: Path, message: string): FilterPart[] {
  if (read.faults.length < MAX_FAULTS) read.faults.push({ path, message });
  return [];
}

type Operator = (accessor: string, value: unknown, path: Path, read: ReadFilter) => string;

/** In lax mode Postgres compares each element of an array, and one that matches suffices. */
const equalsAny: Operator = (accessor, value, path, read) => {
  const given = listOf(value, path, read);
  read.cost += Math.max(0, given.length - 1);
  // The filter is refused for its cost: build no more of it.
  if (read.cost > MAX_FILTER_COST) return '';
  const values = given.map((one, i) => literal(one, [...path, i], read));
  return comparison(values.map((one) => `${accessor} == ${one}`).join(' || '), read);
};

const compares =
  (operator: string): Operator =>
  (accessor, value, path, read) => {
    if (typeof value !== 'number' && typeof value !== 'string') {
      refuse(read, path, 'Must be a number or a string.');
      return '';
    }
    return comparison(`${accessor} ${operator} ${literal(value, path, read)}`, read);
  };

export const equals: Operator = (accessor, value, path, read) =>
  comparison(`${accessor} == ${literal(value, path, read)}`, read);

export const OPERATORS: Record<string, Operator> = {
  $eq: equals,
  $ne: (...given) => `!${equals(...given)}`,
  $in: equalsAny,
  $nin: (...given) => `!${equalsAny(...given)}`,
  $exists(accessor, value, path, read) {
    if (typeof value !== 'boolean') refuse(read, path, 'Must be true or false.');
    read.cost += 1;
    return `${value === true ? '' : '!'}exists(${accessor})`;
  },
  $gt: compares('>'),
  $gte: compares('>='),
  $lt: compares('<'),
  $lte: compares('<='),
  $startsWith: (accessor, value, path, read) =>
    comparison(`${accessor} starts with ${JSON.stringify(textOf(value, path, read))}`, read),
  $endsWith(accessor, value, path, read) {
    const text = textOf(value, path, read);
    if (text.length > MAX_SUFFIX) refuse(read, path, `At most ${MAX_SUFFIX} characters.`);
    read.cost += SUFFIX_COST - 1;
    const escaped = text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    return comparison(`${accessor} like_regex ${JSON.stringify(`${escaped}$`)}`, read);
  },
};

/**
 * False where the comparison is unknown: the field is missing, or of another type. So a negation is the plain opposite.
 * The filter stands behind a constant, because behind `$` it would be evaluated for each element of a payload that is an
 * array, and Postgres writes `(…) ? (…)` in a way that it cannot read again, from a dump for example.
 */
function comparison(predicate: string, read: ReadFilter): string {
  read.cost += 1;
  return `exists(true ? (${predicate}))`;
}

/** `customer.plan` as `$."customer"."plan"`: a key may hold any character but the full stop. */
export function accessorOf(name: string, path: Path, read: ReadFilter): string {
  const segments = name.split('.');
  if (segments.includes('')) refuse(read, path, 'Must be keys with full stops between them.');
  if (segments.length > MAX_SEGMENTS) refuse(read, path, `At most ${MAX_SEGMENTS} keys.`);
  if (!isStorable(name)) refuse(read, path, UNSTORABLE);
  return ['$', ...segments.map((segment) => JSON.stringify(segment))].join('.');
}

/** The escapes of JSON are escapes of jsonpath, too. */
function literal(value: unknown, path: Path, read: ReadFilter): string {
  if (typeof value === 'string' && !isStorable(value)) refuse(read, path, UNSTORABLE);
  else if (typeof value === 'number' && (!isFinite(value) || (Number.isInteger(value) && !isExact(value))))
    refuse(read, path, `Must be a number that is kept exactly: integers to ${Number.MAX_SAFE_INTEGER}.`);
  else if (value === undefined || (typeof value === 'object' && value !== null))
    refuse(read, path, 'Must be a string, a number, true, false or null.');
  return JSON.stringify(value ?? null);
}

function textOf(value: unknown, path: Path, read: ReadFilter): string {
  // An object may not be converted: a member `toString` is no function.
  const text = typeof value === 'string' ? value : '';
  if (text === '') refuse(read, path, 'Must be a string, not empty.');
  else if (!isStorable(text)) refuse(read, path, UNSTORABLE);
  return text;
}

const isExact = (value: number) => Number.isSafeInteger(value);

export function listOf(given: unknown, at: Path, read: ReadFilter): unknown[] {
  if (!Array.isArray(given) || given.length === 0)
    refuse(read, at, 'Must be a list, of one element at least.');
  else return given;
  return [];
}
