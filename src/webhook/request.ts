import type { Exchange } from './exchange.js';
import { UNSENDABLE } from './request-headers.js';

/** Headers that frame or route the message; only this file writes them. */
const FRAMING =
  /^(host|connection|content-length|transfer-encoding|keep-alive|upgrade|te|trailer|expect|proxy-.*)$/;
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/;
const TARGET = /^\/[\x21-\x7e]*$/;

/** Why a request cannot be written, or null. Guards against header injection through a header or URL. */
export function requestProblem({ request, url }: Exchange): string | null {
  if (!url) return 'its URL is not an http or https URL';
  if (!TARGET.test(target(url))) return 'its URL has characters that HTTP cannot carry';
  for (const [name, value] of Object.entries(request.headers)) {
    const lower = name.toLowerCase();
    if (!TOKEN.test(lower) || FRAMING.test(lower)) return 'it has a header that may not be sent';
    if (UNSENDABLE.test(value)) return `its header ${lower} holds characters that HTTP cannot carry`;
  }
  return null;
}

export function target({ pathname, search }: URL): string {
  return pathname + search;
}

/** The whole request in one buffer, so that it leaves in one write. */
export function requestBytes({ request, url }: Exchange): Buffer {
  const bodyLength = Buffer.byteLength(request.body);
  let head = `POST ${target(url!)} HTTP/1.1\r\nhost: ${url!.host}\r\nconnection: keep-alive\r\n`;
  for (const [name, value] of Object.entries(request.headers)) head += `${name}: ${value}\r\n`;
  head += `content-length: ${bodyLength}\r\n\r\n`;
  const bytes = Buffer.allocUnsafe(head.length + bodyLength);
  bytes.write(head, 'latin1');
  bytes.write(request.body, head.length, 'utf8');
  return bytes;
}
