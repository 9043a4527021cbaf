import type { IncomingMessage } from 'node:http';
import { SurehookError } from './errors.js';
import { WebhookVerificationError } from './verify-webhook.js';

/** A payload has at most 256 KiB; an envelope adds less than this. */
const MAX_BODY_BYTES = 512 * 1024;

/** The bytes as received: a body that was parsed cannot be verified. */
export async function rawBody(request: IncomingMessage & { body?: unknown }): Promise<Uint8Array> {
  if (request.body instanceof Uint8Array) return request.body;
  if (request.readableEnded)
    throw new SurehookError('The body was read before: mount the receiver before express.json().');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES)
      throw new WebhookVerificationError(`The body has more than ${MAX_BODY_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
