/** A payload that has only ASCII letters in lower case is compared with it. */
export interface Sought {
  /** A part of the payload; null: `pattern` says it. */
  part: string | null;
  /** A regular expression of Postgres, for texts that JSON may write in several ways. */
  pattern: string | null;
}

const lowerAscii = (text: string) => text.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

/**
 * What to look for in the JSON text of payloads: letters of both cases, and characters as themselves or escaped, because
 * many senders write `ü` as `\u00fc` and `/` as `\/`.
 */
export function soughtText(text: string): Sought {
  if (/^[ -~]*$/.test(text) && !/["/\\]/.test(text)) return { part: lowerAscii(text), pattern: null };
  return { part: null, pattern: [...text].map(patternOf).join('') };
}

function patternOf(character: string): string {
  if (character === '"' || character === '/') return `\\\\?${character}`;
  if (character === '\\') return '\\\\{1,2}';
  if (/[ -~]/.test(character)) return lowerAscii(character).replace(/[^a-z0-9 ]/, '\\$&');
  const cases = [character, character.toLowerCase(), character.toUpperCase()].filter(isOneForeign);
  const ways = new Set(cases.flatMap((one) => [one, escaped(one)]));
  return `(?:${[...ways].join('|')})`;
}

/** A single character, and not of ASCII: not the SS that ß is in upper case. */
const isOneForeign = (text: string) => [...text].length === 1 && text > '~';

const escaped = (character: string) =>
  Array.from({ length: character.length }, (_, i) => character.charCodeAt(i).toString(16).padStart(4, '0'))
    .map((hex) => `\\\\u${hex}`)
    .join('');
