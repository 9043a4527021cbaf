import type { IncomingMessage } from 'node:http';
import { SurehookError } from './errors.js';
import type { ListenerSecrets } from './listener-secrets.js';
import { headerOf, WebhookVerificationError, type VerifiedWebhook } from './verify-webhook.js';

export interface ReceivedEvent<T = unknown> extends VerifiedWebhook<T> {
  type: string;
  /** Position of this request among the attempts of its delivery, from 1. */
  attempt: number;
}

/** A payload has at most 256 KiB; an envelope adds less than this. */
const MAX_BODY_BYTES = 512 * 1024;

type IncomingRequest = IncomingMessage & { body?: unknown };

/** The event of a request, verified, and its body. Throws what `ListenerSecrets.verify` throws. */
export async function receiveEvent(
  request: IncomingRequest,
  secrets: ListenerSecrets,
): Promise<{ event: ReceivedEvent; body: Uint8Array }> {
  const body = await rawBody(request);
  const verified = await secrets.verify(body, request.headers);
  const type = headerOf(request.headers, 'webhook-event-type') ?? '';
  const attempt = Number(headerOf(request.headers, 'webhook-attempt') ?? 1);
  return { event: { ...verified, type, attempt }, body };
}

/** The bytes as received: a body that was parsed cannot be verified. */
async function rawBody(request: IncomingRequest): Promise<Uint8Array> {
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
