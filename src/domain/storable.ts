/** Whether Postgres keeps a text: all but U+0000, and but halves of surrogate pairs. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed();

export const UNSTORABLE = 'Must not hold U+0000 or half a surrogate pair.';

/** The same for all texts in JSON made by JSON.stringify, which escapes these. */
export const isStorableJson = (json: string): boolean =>
  !/\\u(?:0000|d[89a-f])/.test(json.replaceAll('\\\\', ''));
