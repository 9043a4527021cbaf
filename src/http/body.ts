import type { Request } from 'express';
import { MAX_PAYLOAD_BYTES } from '../domain/event.js';
import { badField } from '../errors.js';

/** The payload, and around it the other fields and white space. */
export const MAX_EVENT_BYTES = MAX_PAYLOAD_BYTES + 64 * 1024;

/** The body's text and what it means; the text is kept because a payload is sent as it was posted. */
export function readJson(request: Request): { text: string; value: unknown } {
  const bytes: unknown = request.body;
  if (!Buffer.isBuffer(bytes) || bytes.length === 0)
    throw badField('body', 'Must be JSON.', 400, 'malformed_json');
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return { text, value: JSON.parse(text) as unknown };
  } catch (error) {
    const why = error instanceof SyntaxError ? error.message : 'it is not valid UTF-8';
    throw badField('body', `Must be JSON: ${why}`, 400, 'malformed_json');
  }
}

/** Where a body may be left out: then it is `{}`. */
export function readOptionalJson(request: Request): unknown {
  const bytes: unknown = request.body;
  return Buffer.isBuffer(bytes) && bytes.length > 0 ? readJson(request).value : {};
}
