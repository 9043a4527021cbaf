export class TooDeepError extends Error {}

/**
 * The exact text of a top-level member of a JSON object, as the sender wrote it: parsing and re-serialising a payload
 * loses number precision, key order and spacing, which the signature covers.
 * `text` must be an object that JSON.parse accepts. If a member is repeated, the last one counts, as in JSON.parse.
 * Throws TooDeepError where a member nests arrays and objects more than `maxDepth` levels deep.
 */
export function memberText(text: string, name: string, maxDepth = Infinity): string | undefined {
  let at = skipSpace(text, text.indexOf('{') + 1);
  let found: string | undefined;
  while (text[at] === '"') {
    const keyEnd = skipString(text, at);
    const key = JSON.parse(text.slice(at, keyEnd)) as string;
    const start = skipSpace(text, skipSpace(text, keyEnd) + 1);
    const end = skipValue(text, start, maxDepth);
    if (key === name) found = text.slice(start, end);
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return found;
}

/** The exact texts of the elements of an array that JSON.parse accepts. */
export function elementTexts(text: string): string[] {
  const found: string[] = [];
  for (let at = skipSpace(text, text.indexOf('[') + 1); text[at] !== ']';) {
    const end = skipValue(text, at, Infinity);
    found.push(text.slice(at, end));
    at = skipSpace(text, end);
    if (text[at] === ',') at = skipSpace(text, at + 1);
  }
  return found;
}

/** The next place that is no blank. */
export function skipSpace(text: string, at: number): number {
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at++;
  return at;
}

/** The place behind the string that begins at `at`. */
export function skipString(text: string, at: number): number {
  for (;;) {
    at = text.indexOf('"', at + 1);
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes++;
    if (escapes % 2 === 0) return at + 1;
  }
}

// A regular expression search is faster than a loop over characters, and payloads are long.
const STRUCTURE = /["{}[\]]/g;
const SCALAR_END = /[,}\]\s]/g;

/** The place behind the number, `true`, `false` or `null` that begins at `at`. */
export function skipScalar(text: string, at: number): number {
  SCALAR_END.lastIndex = at;
  return SCALAR_END.exec(text)?.index ?? text.length;
}

function skipValue(text: string, at: number, maxDepth: number): number {
  const first = text[at];
  if (first === '"') return skipString(text, at);
  if (first !== '{' && first !== '[') return skipScalar(text, at);
  for (let depth = 0; ;) {
    STRUCTURE.lastIndex = at;
    at = STRUCTURE.exec(text)!.index;
    const char = text[at];
    if (char === '"') {
      at = skipString(text, at);
      continue;
    }
    at += 1;
    depth += char === '{' || char === '[' ? 1 : -1;
    if (depth === 0) return at;
    if (depth > maxDepth) throw new TooDeepError(`More than ${maxDepth} levels.`);
  }
}
