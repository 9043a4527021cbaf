import { styleText } from 'node:util';
import { RawJson } from '../client/raw-json.js';
import type { Sink } from './io.js';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'blue' | 'magenta' | 'cyan';

/** Text as it is, or in a style. Either may be foreign text: it is neutralised where it is written. */
export type Text = string | { style: Style; text: string };

const styled = (style: Style) => (text: string) => ({ style, text });
export const bold = styled('bold');
export const dim = styled('dim');
export const red = styled('red');
export const green = styled('green');
export const yellow = styled('yellow');
export const blue = styled('blue');
export const magenta = styled('magenta');
export const cyan = styled('cyan');

/**
 * Characters that move the cursor, start escape sequences of a terminal, or change the order of what is read: controls,
 * formats (bidirectional marks, tags, invisible ones), separators of lines, halves of surrogate pairs. The joiners that
 * scripts and emoji need are none.
 */
const UNSAFE = /(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const NAMED: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** As JSON escapes it. */
const escaped = (char: string): string =>
  NAMED[char] ??
  char
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');

/** The text with escapes such as `\u001b` instead of characters that a terminal obeys. */
export const neutral = (text: string): string => text.replace(UNSAFE, escaped);

/** JSON text on one line, with its strings and numbers as they are. */
export const onOneLine = (json: string): string => json.replace(/("(?:[^"\\]|\\.)*")|\s+/g, '$1');

/** One line of JSON, the same value with unsafe characters escaped. */
export const jsonLine = (value: unknown): string =>
  neutral(value instanceof RawJson ? onOneLine(value.text) : JSON.stringify(value));

export const withoutStyle = (text: Text): string => (typeof text === 'string' ? text : text.text);

/** Columns that a text takes on a terminal, nearly: the number of its characters. */
export const widthOf = (text: Text): number => [...neutral(withoutStyle(text))].length;

/** The line for a stream; colors only where it is a terminal, or as NO_COLOR and FORCE_COLOR say. */
export function rendered(parts: readonly Text[], stream: Sink): string {
  return parts
    .map((part) =>
      typeof part === 'string' ? neutral(part) : styleText(part.style, neutral(part.text), { stream }),
    )
    .join('');
}
