import { skipScalar, skipSpace, skipString } from './raw-json.js';

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
