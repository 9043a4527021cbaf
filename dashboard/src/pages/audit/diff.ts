export interface Change {
  /** Names of nested fields are joined by dots. */
  field: string;
  before: string | null;
  after: string | null;
}

/** The fields that differ, with both values as text; null: there is no such field. The time of the change is the entry's. */
export function changesOf(before: unknown, after: unknown): Change[] {
  const [old, now] = [fieldsOf(before), fieldsOf(after)];
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((field) => ({ field, before: old.get(field) ?? null, after: now.get(field) ?? null }))
    .filter((change) => change.field !== 'updated_at' && change.before !== change.after);
}

function fieldsOf(value: unknown, path: string[] = []): Map<string, string> {
  if (value === undefined || (value === null && path.length === 0)) return new Map();
  const isNested = typeof value === 'object' && value !== null && !Array.isArray(value);
  if (!isNested) return new Map([[path.join('.') || 'value', inText(value)]]);
  return new Map(Object.entries(value).flatMap(([name, inner]) => [...fieldsOf(inner, [...path, name])]));
}

function inText(value: unknown): string {
  if (value === null) return 'none';
  if (typeof value === 'string') return value === '' ? 'empty' : value;
  if (Array.isArray(value) && value.every((one) => typeof one === 'string'))
    return value.join(', ') || 'none';
  return JSON.stringify(value);
}
