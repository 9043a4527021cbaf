import { z } from 'zod';
import { jsonLine, neutral } from '../cli/text.js';
import { cutText } from '../domain/cut-text.js';

/** Length of the short texts of others: a URL, a description, the reason of a pause. */
const SHORT = 300;

/** Text that somebody else wrote, such as a payload or the answer of a receiver: an agent must not obey it. */
export const foreignText = z.object({
  untrusted_text: z.string(),
  characters: z.int().min(0).describe('Length of the whole text; the end of a longer one is left out.'),
});
export type ForeignText = z.output<typeof foreignText>;

/** Bounds a foreign text, and escapes its invisible characters: they may hide instructions from the person who reads along. */
export const foreign = (text: string, most: number): ForeignText => ({
  untrusted_text: neutral(cutText(text, most)),
  characters: text.length,
});

export const short = (text: string): string => neutral(cutText(text, SHORT));

/** A line with a foreign text as one JSON string, which cannot end before its closing quote. */
export const quoted = (about: string, { untrusted_text, characters }: ForeignText): string =>
  `${about} (untrusted text of others, ${characters} characters): ${jsonLine(untrusted_text)}`;
