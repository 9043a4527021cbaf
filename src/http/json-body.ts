import { isUtf8 } from 'node:buffer';
import type { Request } from 'express';
import { MAX_PAYLOAD_BYTES } from '../domain/event.js';
import { messageOf } from '../lib/error-text.js';
import { badField, Problem } from './problem.js';

/** The payload, plus 64 KiB for the other fields and white space. */
export const MAX_EVENT_BYTES = MAX_PAYLOAD_BYTES + 64 * 1024;

const BOM = Buffer.from('\ufeff');

/** The body's text and its parsed value; the text is kept because a payload is sent as it was posted. */
export const readJson = ({ body }: Request): ReturnType<typeof parseJson> => parseJson(body);

export function parseJson(bytes: unknown): { text: string; value: unknown } {
  if (!Buffer.isBuffer(bytes) || bytes.length === 0)
    throw badField('body', 'Must be JSON.', 400, 'malformed_json');
  if (!isUtf8(bytes)) throw badField('body', 'Must be JSON: it is not valid UTF-8', 400, 'malformed_json');
  // Skips a byte order mark, as RFC 8259 section 8.1 allows.
  const text = bytes.toString('utf8', BOM.equals(bytes.subarray(0, BOM.length)) ? BOM.length : 0);
  try {
    return { text, value: boundMembers(JSON.parse(text) as unknown) };
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw badField('body', `Must be JSON: ${messageOf(error)}`, 400, 'malformed_json');
  }
}

/** More fields than any request has; the limit is needed because each unknown field is an error of its own. */
const MAX_MEMBERS = 100;

export function boundMembers(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  if (Object.keys(value).length > MAX_MEMBERS) throw badField('body', `At most ${MAX_MEMBERS} fields.`);
  return value;
}
