import { randomUUID } from 'node:crypto';
import { createListener } from './listener.js';
import type { Answer, Body } from './operations.js';
import { withPayload } from './raw-json.js';
import { createSend, type ClientOptions, type RequestOptions } from './request.js';
import { createResources } from './resources.js';

type SendFields = Omit<Body<'sendWebhook'>, 'url' | 'payload' | 'idempotency_key'>;
type PublishFields = Omit<Body<'postEvent'>, 'type' | 'payload' | 'idempotency_key'>;

export type SurehookClient = ReturnType<typeof createClient>;

/** A client of the API of Surehook. Every rejection is a `SurehookError`, unless the caller's own signal aborted. */
export function createClient(options: ClientOptions = {}) {
  const request = createSend(options);
  const resources = createResources(request);
  return {
    ...resources,
    /** One durable webhook to any URL: it is stored when this resolves, and sent until it is delivered or has failed for good. */
    send: (url: string, payload: unknown, { idempotencyKey, ...rest }: SendFields & RequestOptions = {}) => {
      const [fields, own] = split(rest);
      const body = withPayload(payload, { url, ...fields, idempotency_key: idempotencyKey ?? randomUUID() });
      return request<Answer<'sendWebhook'>>('POST', '/v1/send', { ...own, body, idempotencyKey: null });
    },
    /** States a fact: every endpoint that subscribes to its type gets it. It is stored when this resolves. */
    publish: (
      type: string,
      payload: unknown,
      { idempotencyKey, ...rest }: PublishFields & RequestOptions = {},
    ) => {
      const [fields, own] = split(rest);
      const body = withPayload(payload, { type, ...fields, idempotency_key: idempotencyKey ?? randomUUID() });
      return request<Answer<'postEvent'>>('POST', '/v1/events', { ...own, body, idempotencyKey: null });
    },
    /** Handlers of this application that receive events as webhooks. */
    ...createListener(resources.endpoints),
  };
}

/** The fields of an event, and the options of its request. */
function split<F extends object>({ signal, timeoutMs, maxRetries, ...fields }: F & RequestOptions) {
  const own: RequestOptions = {};
  if (signal) own.signal = signal;
  if (timeoutMs !== undefined) own.timeoutMs = timeoutMs;
  if (maxRetries !== undefined) own.maxRetries = maxRetries;
  return [fields, own] as const;
}
