import { isUtf8 } from 'node:buffer';
import type { IncomingMessage } from 'node:http';
import { badField } from './problem.js';
import { idempotencyKey } from './schemas.js';

/** A string of draft-ietf-httpapi-idempotency-key-header (RFC 8941 section 3.3.3): `"abc"` is the key `abc`. */
const QUOTED = /^"((?:[^"\\]|\\["\\])*)"$/;

/** Reads the header Idempotency-Key; the key is the same text as in the body's `idempotency_key`. */
export function headerKey(request: Pick<IncomingMessage, 'headers' | 'headersDistinct'>): string | undefined {
  const header = request.headers['idempotency-key'] as string | undefined;
  if (header === undefined) return undefined;
  // Node joins repeated headers with a comma.
  if (header.includes(', ') && request.headersDistinct['idempotency-key']!.length > 1)
    throw badKey('Was sent more than once.');
  const text = utf8(header);
  const key = text.startsWith('"') ? unquoted(text) : text;
  const { error } = idempotencyKey.safeParse(key);
  if (error) throw badKey(error.issues[0]!.message);
  return key;
}

/** Node decodes headers as Latin-1, one character per byte. */
function utf8(header: string): string {
  const bytes = Buffer.from(header, 'latin1');
  if (!isUtf8(bytes)) throw badKey('Must be UTF-8.');
  return bytes.toString();
}

function unquoted(text: string): string {
  const inner = QUOTED.exec(text)?.[1];
  if (inner === undefined)
    throw badKey(
      'Begins with a quotation mark: must end with one, with \\" and \\\\ for " and \\ between them.',
    );
  return inner.replace(/\\(.)/g, '$1');
}

const badKey = (message: string) => badField('Idempotency-Key', message);
