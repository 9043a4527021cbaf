import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import type { SurehookClient } from '../client/index.js';
import { registerListener, type Registered } from '../client/register-listener.js';
import { messageOf } from '../lib/error-text.js';
import { receiveWebhook, type Received } from './webhook-receiver.js';

const STOP_MS = 2_000;

interface Options {
  types: string[];
  tenant: string;
  port: number;
  publicUrl: string | null;
  forwardTo: string | null;
  received(webhook: Received): void;
  refused(reason: string): void;
}

/** Listens on this machine for webhooks, and registers an endpoint for them. */
export async function startListening(
  client: SurehookClient,
  { types, tenant, port, publicUrl, ...options }: Options,
): Promise<{ id: string; url: string; secret: string; stop(): Promise<void> }> {
  let endpoint: Registered | null = null;
  const server = createServer((request, response) => {
    if (endpoint === null) return void response.writeHead(503).end();
    receiveWebhook(request, response, { ...options, secrets: endpoint.secrets }).catch((error: unknown) => {
      options.refused(messageOf(error));
      response.destroy();
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const stop = async () => {
    server.close();
    // Webhooks under way get their answer.
    const timer = setTimeout(() => server.closeAllConnections(), STOP_MS);
    await once(server, 'close');
    clearTimeout(timer);
  };
  try {
    const { port: own } = server.address() as AddressInfo;
    const url = publicUrl ?? `http://127.0.0.1:${own}/`;
    const name = `surehook listen ${hostname()}:${own}`;
    endpoint = await registerListener(client.endpoints, { name, types, url, tenant });
    return { id: endpoint.id, url, secret: endpoint.secret, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
