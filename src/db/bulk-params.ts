/** The ASCII record separator: no JSON text, id, key or type contains it. */
const SEPARATOR = '\x1e';

/**
 * Joins one column of many rows into a parameter for `bulkParam`. In an array every element would be escaped and parsed
 * separately, which costs more than the rest of the statement. An empty text becomes null.
 */
export function bulkValue(values: (string | number | boolean | null)[]): string {
  for (const value of values) {
    if (typeof value === 'string' && value.includes(SEPARATOR))
      throw new Error('A value holds what separates values.');
  }
  return values.join(SEPARATOR);
}

/** SQL that splits the parameter `$n`, made by `bulkValue`, into an array. */
export const bulkParam = (n: number, type = 'text') => `string_to_array($${n}, chr(30), '')::${type}[]`;
