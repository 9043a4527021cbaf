/** The record separator: no JSON text, id, key or type of ours holds it. */
const SEPARATOR = '\x1e';

/**
 * One column of many rows, as a parameter for `column`. An array would have every element escaped and parsed on its own,
 * which costs more than all the rest of a statement. An empty text counts as null.
 */
export function bulkValue(values: (string | number | boolean | null)[]): string {
  for (const value of values) {
    if (typeof value === 'string' && value.includes(SEPARATOR))
      throw new Error('A value holds what separates values.');
  }
  return values.join(SEPARATOR);
}

/** The SQL array of what `joined` made the parameter `$n` of. */
export const bulkParam = (n: number, type = 'text') => `string_to_array($${n}, chr(30), '')::${type}[]`;
