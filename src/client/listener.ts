/// <reference types="node" preserve="true" />
// Kept in the declarations: TypeScript 6 loads no types of Node by itself.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { SurehookError } from './errors.js';
import { SecretsUnknownError, type ListenerSecrets } from './listener-secrets.js';
import { receiveEvent, type ReceivedEvent } from './receive-event.js';
import { registerListener, type Endpoints } from './register-listener.js';
import { WebhookVerificationError } from './verify-webhook.js';

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

export function createListener(endpoints: Endpoints) {
  const listeners = new Map<string, Listener>();

  async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = decodeURIComponent(
      new URL(request.url ?? '/', 'http://localhost').pathname.split('/').pop() ?? '',
    );
    const listener = listeners.get(name);
    if (request.method !== 'POST' || !listener) return answer(response, 404, 'Nothing listens here.');
    if (listener.secrets === null) return answer(response, 503, 'This listener is being registered.');
    let event: ReceivedEvent;
    try {
      ({ event } = await receiveEvent(request, listener.secrets));
    } catch (error) {
      if (error instanceof SecretsUnknownError)
        return answer(response.setHeader('retry-after', error.retryAfterSeconds), 503, error.message);
      if (error instanceof WebhookVerificationError) return answer(response, 400, error.message);
      throw error;
    }
    try {
      await listener.handler(event as ReceivedEvent<never>);
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
    /**
     * Registers an endpoint for each listener, at its name below `url`, where `receiver` is mounted. `application` tells listeners
     * of several applications in a tenant apart, which may have the same names.
     */
    async register(
      url: string,
      { tenant = 'default', application }: { tenant?: string; application?: string } = {},
    ): Promise<void> {
      for (const [name, listener] of listeners) {
        const ownUrl = `${url.replace(/\/+$/, '')}/${encodeURIComponent(name)}`;
        const wanted = { name, types: listener.types, url: ownUrl, tenant, application };
        listener.secrets = (await registerListener(endpoints, wanted)).secrets;
      }
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
