import { byteLength } from './byte-length.js';
import {
  accessorOf,
  equals,
  listOf,
  MAX_FILTER_COST,
  OPERATORS,
  refuse,
  SUFFIX_COST,
  type FilterPart,
  type Path,
  type ReadFilter,
} from './filter-operators.js';
import { isDeeperThan } from './json-schema.js';

/** A filter on the payload, as its endpoint's owner wrote it: `{"amount":{"$gt":10},"customer.plan":"pro"}`. */
export type Filter = Record<string, unknown>;

export const MAX_FILTER_BYTES = 4 * 1024;
const MAX_FILTER_LEVELS = 10;
/** Each subscription of the endpoint has a copy, which is read for each event. */
export const MAX_PREDICATE = 16 * 1024;

/** Checks a filter and compiles it. The parts count only if there are no faults. */
export function readFilter(filter: unknown): ReadFilter {
  const read: ReadFilter = { faults: [], parts: [], cost: 0 };
  // Check the size first: a predicate repeats the path for each value of $in.
  const tooLarge = sizeProblem(filter);
  if (tooLarge !== null) {
    refuse(read, [], tooLarge);
    return read;
  }
  read.parts = readConditions(filter, [], read);
  if (read.faults.length > 0) return read;
  if (read.cost > MAX_FILTER_COST)
    refuse(
      read,
      [],
      `At most ${MAX_FILTER_COST} comparisons: each value of $in and $nin counts, and $endsWith counts ${SUFFIX_COST}.`,
    );
  else if (byteLength(all(read.parts)) > MAX_PREDICATE)
    refuse(
      read,
      [],
      `At most ${MAX_PREDICATE} bytes when compiled, where each value of $in and $nin repeats its path.`,
    );
  return read;
}

function sizeProblem(filter: unknown): string | null {
  if (isDeeperThan(filter, MAX_FILTER_LEVELS)) return `At most ${MAX_FILTER_LEVELS} levels.`;
  const json = JSON.stringify(filter) ?? '';
  return byteLength(json) > MAX_FILTER_BYTES ? `At most ${MAX_FILTER_BYTES} bytes of JSON.` : null;
}

/** The predicate of a checked filter. */
export function compileFilter(filter: Filter): { predicate: string; cost: number } {
  const { faults, parts, cost } = readFilter(filter);
  if (faults[0]) throw new Error(`The filter is not valid: ${faults[0].message}`);
  return { predicate: all(parts), cost };
}

const all = (parts: FilterPart[]) => parts.map(({ predicate }) => predicate).join(' && ');

function readConditions(given: unknown, at: Path, read: ReadFilter): FilterPart[] {
  const entries = membersOf(given, at, read, 'Must be an object of paths and conditions.');
  return entries.flatMap(([name, value]) => {
    const path = [...at, name];
    if (name === '$and' || name === '$or') {
      const branches = listOf(value, path, read).map((one, i) => readConditions(one, [...path, i], read));
      if (name === '$and') return branches.flat();
      return [{ path, predicate: `(${branches.map((parts) => `(${all(parts)})`).join(' || ')})` }];
    }
    if (name === '$not') return [{ path, predicate: `!(${all(readConditions(value, path, read))})` }];
    if (name.startsWith('$'))
      return refuse(read, path, `Is not known here: a path of the payload, $and, $or or $not.`);
    return readField(accessorOf(name, path, read), value, path, read);
  });
}

function readField(accessor: string, given: unknown, path: Path, read: ReadFilter): FilterPart[] {
  if (Array.isArray(given)) return refuse(read, path, 'Must be a value, or operators such as {"$in":[…]}.');
  if (typeof given === 'object' && given !== null) return readOperators(accessor, given, path, read);
  return [{ path, predicate: equals(accessor, given, path, read) }];
}

function readOperators(accessor: string, given: unknown, at: Path, read: ReadFilter): FilterPart[] {
  const entries = membersOf(given, at, read, 'Must be an object of operators.');
  return entries.flatMap(([name, value]) => {
    const path = [...at, name];
    if (name === '$not') {
      const parts = readOperators(accessor, value, path, read);
      return [{ path, predicate: `!(${all(parts)})` }];
    }
    const operator = Object.hasOwn(OPERATORS, name) ? OPERATORS[name] : undefined;
    if (operator) return [{ path, predicate: operator(accessor, value, path, read) }];
    const known = [...Object.keys(OPERATORS), '$not'].join(' ');
    return refuse(
      read,
      path,
      name.startsWith('$')
        ? `Is not an operator of a path: ${known}.`
        : 'Is not an operator. A field of a field is written as a path: "customer.plan".',
    );
  });
}

function membersOf(given: unknown, at: Path, read: ReadFilter, message: string): [string, unknown][] {
  const isObject = typeof given === 'object' && given !== null && !Array.isArray(given);
  const entries: [string, unknown][] = isObject ? Object.entries(given) : [];
  if (!isObject) refuse(read, at, message);
  else if (entries.length === 0) refuse(read, at, 'Must hold at least one condition.');
  else return entries;
  return [];
}
