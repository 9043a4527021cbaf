import { prettyJson, readJson } from '../../components/json-area';

/** A filter while it is edited: as rows, where it is simple enough, or as JSON. */
export interface FilterDraft {
  mode: 'rows' | 'json';
  rows: FilterRow[];
  text: string;
}

export interface FilterRow {
  path: string;
  operator: string;
  /** As typed: see `valueOf`. */
  value: string;
}

/** The operators of rows, in words. */
export const OPERATOR_WORDS: Record<string, string> = {
  $eq: 'is',
  $ne: 'is not',
  $in: 'is one of',
  $nin: 'is none of',
  $gt: 'is greater than',
  $gte: 'is at least',
  $lt: 'is less than',
  $lte: 'is at most',
  $startsWith: 'begins with',
  $endsWith: 'ends with',
  $exists: 'is there',
};
const isList = (operator: string) => operator === '$in' || operator === '$nin';
const isText = (operator: string) => operator === '$startsWith' || operator === '$endsWith';

/** Numbers, true, false and null are meant as such; anything else, and what is in quotes, is a text. */
export function valueOf(typed: string): unknown {
  const text = typed.trim();
  return /^(-?\d+(\.\d+)?([eE][+-]?\d+)?|true|false|null|"(?:[^"\\]|\\.)*")$/.test(text)
    ? (JSON.parse(/^-?0\d/.test(text) ? JSON.stringify(text) : text) as unknown)
    : text;
}

const typedOf = (value: unknown): string =>
  typeof value === 'string' && valueOf(value) === value && !value.includes(',')
    ? value
    : JSON.stringify(value);

function operandOf({ operator, value }: FilterRow): unknown {
  if (operator === '$exists') return value !== 'false';
  if (isList(operator)) return splitList(value).map(valueOf);
  return isText(operator) ? value : valueOf(value);
}

/** Parts between commas that are in no quotes. */
const splitList = (text: string) =>
  (text.match(/(?:"(?:[^"\\]|\\.)*"|[^,])+/g) ?? []).filter((part) => part.trim());

/** Rows of the same path share an object; those of the same path and operator need `$and`. */
function filterOfRows(rows: FilterRow[]): Record<string, unknown> | null {
  const filter: Record<string, Record<string, unknown>> = {};
  const rest: Record<string, unknown>[] = [];
  for (const row of rows) {
    const path = row.path.trim();
    const operators = Object.hasOwn(filter, path) ? filter[path]! : undefined;
    if (operators && row.operator in operators) rest.push({ [path]: { [row.operator]: operandOf(row) } });
    else filter[path] = { ...operators, [row.operator]: operandOf(row) };
  }
  if (rows.length === 0) return null;
  return rest.length > 0 ? { ...filter, $and: rest } : filter;
}

/** Null: the filter says more than rows can. */
export function rowsOf(filter: unknown): FilterRow[] | null {
  if (filter === null) return [];
  if (typeof filter !== 'object' || Array.isArray(filter)) return null;
  const rows: FilterRow[] = [];
  for (const [path, given] of Object.entries(filter) as [string, unknown][]) {
    const operators =
      typeof given === 'object' && given !== null
        ? (Object.entries(given) as [string, unknown][])
        : [['$eq', given] as [string, unknown]];
    if (path.startsWith('$') || Array.isArray(given)) return null;
    for (const [operator, value] of operators) {
      const known = Object.hasOwn(OPERATOR_WORDS, operator) && Array.isArray(value) === isList(operator);
      if (!known) return null;
      const typed = Array.isArray(value)
        ? value.map(typedOf).join(', ')
        : isText(operator)
          ? String(value)
          : typedOf(value);
      rows.push({ path, operator, value: typed });
    }
  }
  return rows;
}

export function draftOf(filter: unknown): FilterDraft {
  const rows = rowsOf(filter);
  return { mode: rows ? 'rows' : 'json', rows: rows ?? [], text: prettyJson(filter) };
}

/** Null: every event of the types. */
export const filterOf = ({ mode, rows, text }: FilterDraft): unknown =>
  mode === 'rows' ? filterOfRows(rows) : (readJson(text).value ?? null);

export const filterFault = ({ mode, text }: FilterDraft): string | null =>
  mode === 'json' ? readJson(text).fault : null;
