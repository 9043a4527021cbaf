import { Textarea, type TextareaProps } from '@mantine/core';
import classes from './json-area.module.css';

/** The value of a JSON text, or why it is none; an empty text is `undefined`. */
export function readJson(
  text: string,
): { value: unknown; fault: null } | { value?: undefined; fault: string } {
  if (text.trim() === '') return { value: undefined, fault: null };
  try {
    return { value: JSON.parse(text) as unknown, fault: null };
  } catch (error) {
    return { fault: `This is not JSON: ${error instanceof Error ? error.message : 'unreadable'}` };
  }
}

export const prettyJson = (value: unknown): string =>
  value === null || value === undefined ? '' : JSON.stringify(value, null, 2);

/** A text area for JSON: monospaced, without the browser's corrections. */
export const JsonArea = (props: TextareaProps) => (
  <Textarea
    autosize
    minRows={4}
    maxRows={24}
    spellCheck={false}
    autoCapitalize="off"
    autoComplete="off"
    classNames={{ input: classes.input, error: classes.error }}
    {...props}
  />
);
