import type { IncomingMessage, ServerResponse } from 'node:http';
import { WebhookVerificationError } from '../client/index.js';
import { SecretsUnknownError, type ListenerSecrets } from '../client/listener-secrets.js';
import { receiveEvent, type ReceivedEvent } from '../client/receive-event.js';
import { messageOf } from '../lib/error-text.js';
import { forward } from './forward.js';

/** A verified webhook, and how it was answered. */
export interface Received extends Omit<ReceivedEvent, 'payload'> {
  /** As it arrived: parsing would change `1.0`, and numbers above 2^53. */
  body: string;
  /** Null: the target of the forward gave none. */
  answered: number | null;
  error: string | null;
}

interface Options {
  secrets: ListenerSecrets;
  /** Null: webhooks are answered here, with 204. */
  forwardTo: string | null;
  received(webhook: Received): void;
  refused(reason: string): void;
}

/** Handles a request: verifies it, and forwards or answers it. */
export async function receiveWebhook(
  request: IncomingMessage,
  response: ServerResponse,
  { secrets, forwardTo, received, refused }: Options,
): Promise<void> {
  const refuse = (status: number, reason: string) => {
    refused(reason);
    answer(response, status, reason);
  };
  if (request.method !== 'POST') return refuse(405, `${request.method} is no webhook.`);
  let body: Uint8Array;
  let event: ReceivedEvent;
  try {
    ({ event, body } = await receiveEvent(request, secrets));
  } catch (error) {
    if (error instanceof WebhookVerificationError) return refuse(400, error.message);
    if (error instanceof SecretsUnknownError) response.setHeader('retry-after', error.retryAfterSeconds);
    return refuse(503, messageOf(error));
  }
  const { id, timestamp, type, attempt } = event;
  const webhook = { id, timestamp, type, attempt, body: Buffer.from(body).toString() };
  if (forwardTo === null) {
    answer(response, 204, '');
    return received({ ...webhook, answered: 204, error: null });
  }
  try {
    const status = await forward(forwardTo, body, { request, response });
    received({ ...webhook, answered: status, error: null });
  } catch (error) {
    const reason = messageOf(error);
    received({ ...webhook, answered: null, error: reason });
    if (response.headersSent) response.destroy();
    else answer(response, 502, `${forwardTo}: ${reason}`);
  }
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text);
}
