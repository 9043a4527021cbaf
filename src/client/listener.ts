/// <reference types="node" preserve="true" />
// Kept in the declarations: TypeScript 6 loads no types of Node by itself.
import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ConflictError, SurehookError } from './errors.js';
import { createListenerSecrets, SecretsUnknownError, type ListenerSecrets } from './listener-secrets.js';
import type { createResources } from './resources.js';
import { headerOf, WebhookVerificationError, type VerifiedWebhook } from './verify-webhook.js';

type Endpoints = ReturnType<typeof createResources>['endpoints'];

export interface ReceivedEvent<T = unknown> extends VerifiedWebhook<T> {
  type: string;
  /** Position of this request among the attempts of its delivery, from 1. */
  attempt: number;
}

/**
 * Resolves: the delivery is acknowledged. Rejects: it is sent again later, unless the error has `temporary: false`, which ends it;
 * `retryAfterSeconds` of the error asks for a delay.
 */
export type Handler<T = never> = (event: ReceivedEvent<T>) => unknown;

interface Listener {
  types: string[];
  handler: Handler;
  /** Null until it is registered. */
  secrets: ListenerSecrets | null;
}

/** A payload has at most 256 KiB; an envelope adds less than this. */
const MAX_BODY_BYTES = 512 * 1024;
/** The sender waits meanwhile. */
const SECRETS_TIMEOUT_MS = 5_000;

export function createListener(endpoints: Endpoints) {
  const listeners = new Map<string, Listener>();

  /** Finds the endpoint that an earlier start made, by its name in the metadata. */
  async function register(
    name: string,
    { types }: Listener,
    url: string,
    tenant: string,
  ): Promise<ListenerSecrets> {
    const wanted = { url, event_types: types };
    for await (const one of endpoints.list({ tenant })) {
      if (one.metadata.listener !== name) continue;
      if (one.url !== url || String(one.event_types) !== String(types))
        await endpoints.update(one.id, wanted);
      return secretsOf(one.id, await readSecrets(one.id));
    }
    const body = { ...wanted, tenant, metadata: { listener: name } };
    // Two processes of an application that start at once make one endpoint.
    const idempotencyKey = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    const { id, secret } = await endpoints.create(body, { idempotencyKey }).catch((error: unknown) => {
      // The endpoint that this key made has been deleted since.
      if (error instanceof ConflictError && error.code === 'idempotency_conflict')
        return endpoints.create(body);
      throw error;
    });
    return secretsOf(id, [secret]);
  }

  const secretsOf = (id: string, first: string[]) =>
    createListenerSecrets(first, () => readSecrets(id, AbortSignal.timeout(SECRETS_TIMEOUT_MS)));

  async function readSecrets(id: string, signal?: AbortSignal): Promise<string[]> {
    const { secrets } = await endpoints.secret(id, signal ? { signal } : {});
    return secrets.map(({ secret }) => secret);
  }

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = decodeURIComponent(
      new URL(request.url ?? '/', 'http://localhost').pathname.split('/').pop() ?? '',
    );
    const listener = listeners.get(name);
    if (request.method !== 'POST' || !listener) return answer(response, 404, 'Nothing listens here.');
    if (listener.secrets === null) return answer(response, 503, 'This listener is being registered.');
    let verified;
    try {
      verified = await listener.secrets.verify(await rawBody(request), request.headers);
    } catch (error) {
      if (error instanceof SecretsUnknownError)
        return answer(response.setHeader('retry-after', error.retryAfterSeconds), 503, error.message);
      if (error instanceof WebhookVerificationError) return answer(response, 400, error.message);
      throw error;
    }
    const type = headerOf(request.headers, 'webhook-event-type') ?? '';
    const attempt = Number(headerOf(request.headers, 'webhook-attempt') ?? 1);
    try {
      await listener.handler({ ...verified, type, attempt } as ReceivedEvent<never>);
    } catch (error) {
      const {
        message,
        temporary,
        retryAfterSeconds: after,
      } = error as Error & { temporary?: boolean; retryAfterSeconds?: number };
      if (typeof after === 'number') response.setHeader('retry-after', Math.ceil(after));
      return answer(response, temporary === false ? 422 : 500, String(message));
    }
    response.writeHead(204).end();
  }

  return {
    /** Handles events of a type, such as `link.clicked` or `link.*`. `name` names its endpoint: an application has each once. */
    on<T = unknown>(
      type: string | string[],
      handler: Handler<T>,
      { name = handler.name || String(type) } = {},
    ): void {
      if (listeners.has(name))
        throw new SurehookError(`There are two listeners named "${name}": give one another name.`);
      listeners.set(name, { types: [type].flat(), handler, secrets: null });
    },
    /** Registers an endpoint for each listener, at its name below `url`, where `receiver` is mounted. */
    async register(url: string, { tenant = 'default' } = {}): Promise<void> {
      for (const [name, listener] of listeners)
        listener.secrets = await register(
          name,
          listener,
          `${url.replace(/\/+$/, '')}/${encodeURIComponent(name)}`,
          tenant,
        );
    },
    /** For `app.use(path, receiver)` of Express before any parser of bodies, or `http.createServer(receiver)`. */
    receiver(request: IncomingMessage, response: ServerResponse, next?: (error: unknown) => void): void {
      receive(request, response).catch((error: unknown) => {
        if (next) next(error);
        else answer(response, 500, 'The request could not be read.');
      });
    },
  };
}

function answer(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}

/** The bytes as received: a body that was parsed cannot be verified. */
async function rawBody(request: IncomingMessage & { body?: unknown }): Promise<Uint8Array> {
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
