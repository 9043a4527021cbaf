/**
 * The exact text of a top-level member of a JSON object, as the sender wrote it: a payload that was parsed and written
 * again would lose number precision, key order and spacing, and with them the signature's meaning.
 * `text` must be an object that JSON.parse accepts. The last one of repeated members counts, as in JSON.parse.
 */
export function memberText(text: string, name: string): string | undefined {
  let at = skipSpace(text, text.indexOf('{') + 1);
  let found: string | undefined;
  while (text[at] === '"') {
    const keyEnd = skipString(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start);
    if (key === name) found = text.slice(start, end);
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return found;
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  return at;
}

function skipString(text: string, at: number): number {
  for (at++; text[at] !== '"'; at++) if (text[at] === '\\') at++;
  return at + 1;
}

function skipValue(text: string, at: number): number {
  let depth = 0;
  for (; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"') {
      at = skipString(text, at) - 1;
    } else if (char === '{' || char === '[') {
      depth++;
    } else if (char === '}' || char === ']') {
      if (depth === 0) return at;
      if (--depth === 0) return at + 1;
      continue;
    }
    if (depth > 0) continue;
    if (char === '"') return at + 1;
    if (char === ',' || ' \t\n\r'.includes(char)) return at;
  }
  return at;
}
