/**
 * The exact text of a member of a JSON object that JSON.parse accepts. Parsing would lose digits of numbers, which the
 * signature covers. Undefined: it has none of this name.
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

/** The same JSON with line breaks and indents: only blanks between its tokens change. Null: the text is no JSON. */
export function indented(text: string): string | null {
  if (!isJson(text)) return null;
  const parts: string[] = [];
  let depth = 0;
  const line = () => `\n${'  '.repeat(depth)}`;
  for (let at = skipSpace(text, 0); at < text.length; at = skipSpace(text, at)) {
    const char = text[at]!;
    const end = char === '"' ? skipString(text, at) : '{}[],:'.includes(char) ? at + 1 : skipScalar(text, at);
    const token = text.slice(at, end);
    at = end;
    if (token === '{' || token === '[') {
      const next = skipSpace(text, at);
      if (text[next] === '}' || text[next] === ']') {
        parts.push(token, text[next]);
        at = next + 1;
      } else {
        depth += 1;
        parts.push(token, line());
      }
    } else if (token === '}' || token === ']') {
      depth -= 1;
      parts.push(line(), token);
    } else if (token === ',') parts.push(token, line());
    else parts.push(token === ':' ? ': ' : token);
  }
  return parts.join('');
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function skipSpace(text: string, at: number): number {
  while (at < text.length && ' \t\n\r'.includes(text.charAt(at))) at += 1;
  return at;
}

function skipString(text: string, at: number): number {
  for (;;) {
    at = text.indexOf('"', at + 1);
    let escapes = 0;
    while (text[at - 1 - escapes] === '\\') escapes += 1;
    if (escapes % 2 === 0) return at + 1;
  }
}

const SCALAR_END = /[,}\]\s]/g;

function skipScalar(text: string, at: number): number {
  SCALAR_END.lastIndex = at;
  return SCALAR_END.exec(text)?.index ?? text.length;
}

function skipValue(text: string, at: number): number {
  if (text[at] !== '{' && text[at] !== '[')
    return text[at] === '"' ? skipString(text, at) : skipScalar(text, at);
  for (let depth = 0; ;) {
    const char = text[at]!;
    at = char === '"' ? skipString(text, at) : at + 1;
    if (char === '{' || char === '[') depth += 1;
    if (char === '}' || char === ']') depth -= 1;
    if (depth === 0) return at;
  }
}
