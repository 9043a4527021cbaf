import { isUtf8 } from 'node:buffer';
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';

const KEPT_BODY_BYTES = 4096;
/** More of an encoded body is kept, because its first 4 KiB of text may need more bytes. */
const ENCODED_BODY_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);
const KEPT_HEADERS = 64;
const KEPT_HEADER_CHARACTERS = 8192;

export interface KeptBody {
  body: string;
  truncated: boolean;
}

/** The start of a body, copied into one bounded buffer: a chunk may be a view of a much larger buffer. */
export interface BodyBytes {
  /** Content-Encoding; empty or `identity` where the body is plain. */
  coding: string;
  /** The character set that Content-Type names. */
  charset: string | undefined;
  bytes: Buffer;
  length: number;
  limit: number;
  /** Bytes received, including those not kept. */
  size: number;
}

/** Text that Postgres and JSON can store: NUL and lone surrogates are replaced. */
export function storable(text: string): string {
  // Nearly all text is storable, and a check is cheaper than a replacement.
  if (text.isWellFormed() && !text.includes('\0')) return text;
  return text.replace(/\0|\p{Surrogate}/gu, '\uFFFD');
}

export function newBody(headers: AnyHeaders): BodyBytes {
  const coding = [headers['content-encoding'] ?? ''].flat().join(', ').trim().toLowerCase();
  const [type = ''] = [headers['content-type'] ?? ''].flat();
  const [, charset] = /;\s*charset\s*=\s*["']?([\w.:+-]+)/i.exec(type) ?? [];
  const limit = isPlain(coding) ? KEPT_BODY_BYTES : ENCODED_BODY_BYTES;
  return { coding, charset, bytes: EMPTY, length: 0, limit, size: 0 };
}

export function appendTo(body: BodyBytes, content: Buffer): void {
  const length = Math.min(body.length + content.length, body.limit);
  if (length > body.bytes.length) {
    const larger = Buffer.allocUnsafe(Math.min(body.limit, Math.max(length, body.bytes.length * 2)));
    body.bytes.copy(larger, 0, 0, body.length);
    body.bytes = larger;
  }
  content.copy(body.bytes, body.length, 0, length - body.length);
  body.length = length;
  body.size += content.length;
}

type AnyHeaders = Record<string, string | string[] | undefined>;

/** The response's headers in order, with lower-case names, up to the limits. */
export function keptHeaders(headers: AnyHeaders): Record<string, string> {
  const kept: [string, string][] = [];
  let room = KEPT_HEADER_CHARACTERS;
  for (const [name, value] of Object.entries(headers).slice(0, KEPT_HEADERS)) {
    const text = storable(Array.isArray(value) ? value.join(', ') : (value ?? ''));
    room -= name.length + text.length;
    if (room < 0) break;
    kept.push([name.toLowerCase(), text]);
  }
  return Object.fromEntries(kept);
}

/**
 * The start of a response body as text. `cut`: `bytes` are not the whole body, and the stream is decoded as far as it
 * goes.
 */
export async function keptBody(
  bytes: Buffer,
  contentEncoding: string | undefined,
  cut: boolean,
  charset?: string,
): Promise<KeptBody> {
  const encoding = contentEncoding?.trim().toLowerCase() ?? '';
  if (isPlain(encoding) || bytes.length === 0) return asText(bytes, charset, cut);
  const decoder = decoderFor(encoding, bytes);
  const plain = decoder && (await decode(decoder, bytes));
  if (!plain)
    return {
      body: `<${bytes.length} bytes that could not be decoded as ${shown(encoding)}>`,
      truncated: cut,
    };
  return asText(plain, charset, cut);
}

function isPlain(coding: string): boolean {
  return coding === '' || coding === 'identity';
}

function asText(bytes: Buffer, charset: string | undefined, cut: boolean): KeptBody {
  const truncated = cut || bytes.length > KEPT_BODY_BYTES;
  const utf8 = !charset || /^utf-?8$/i.test(charset);
  // The path of nearly every answer: creating a decoder would cost more than all other steps.
  if (utf8 && !truncated && isUtf8(bytes)) return { body: storable(bytes.toString('utf8')), truncated };
  const decoder = (!utf8 && textDecoder(charset)) || new TextDecoder('utf-8', { ignoreBOM: true });
  // In stream mode the decoder holds back a last character with missing bytes.
  const text = decoder.decode(bytes.subarray(0, KEPT_BODY_BYTES), { stream: truncated });
  return { body: storable(text), truncated };
}

/** Null for an unknown character set: the body is then read as UTF-8. */
function textDecoder(charset: string): InstanceType<typeof TextDecoder> | null {
  try {
    return new TextDecoder(charset);
  } catch {
    return null;
  }
}

function decoderFor(encoding: string, bytes: Buffer): Transform | null {
  // A flush instead of a finish returns the content of a cut-off stream; the default is an error.
  const finishFlush = zlib.constants.Z_SYNC_FLUSH;
  if (encoding === 'gzip' || encoding === 'x-gzip') return zlib.createGunzip({ finishFlush });
  if (encoding === 'br')
    return zlib.createBrotliDecompress({ finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH });
  if (encoding !== 'deflate') return null;
  // Servers send "deflate" with and without the zlib wrapper, whose first byte names method 8.
  const wrapped = ((bytes[0] ?? 0) & 0x0f) === 8;
  return wrapped ? zlib.createInflate({ finishFlush }) : zlib.createInflateRaw({ finishFlush });
}

/** Decodes no more than is kept: a small body may expand to gigabytes. */
async function decode(decoder: Transform, bytes: Buffer): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    decoder.end(bytes);
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      chunks.push(chunk);
      size += chunk.length;
      if (size > KEPT_BODY_BYTES) break;
    }
  } catch {
    if (size === 0) return null;
  }
  return Buffer.concat(chunks);
}

function shown(encoding: string): string {
  return storable(encoding).slice(0, 40);
}
