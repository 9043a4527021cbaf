import { once } from 'node:events';
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';
import type { Certificates } from '../../test/support/tls.js';

/** The reaction of a receiver to one request; `retryAfter` is called when it answers. */
export type Answer =
  number | { status: number; retryAfter?: () => string; location?: string } | 'hang' | 'reset' | 'cut';

/** One path of the receivers: what it answers, request by request (then 200), and what it got. */
export interface Hook {
  path: string;
  answers: Answer[];
  /** Known once the endpoint is registered, which is before anything is sent. */
  secret: string;
  requests: number;
  verified: number;
  unverified: number;
  /** The body of each event, by `webhook-id`. */
  bodies: Map<string, string>;
}

export interface Receivers {
  /** Plain HTTP, HTTPS by the demo's authority, and HTTPS by an expired certificate of it. */
  http: string;
  https: string;
  expired: string;
  hooks: Hook[];
  addHook(path: string, answers?: Answer[]): Hook;
  close(): Promise<void>;
}

/** The other side: ordinary servers that check every signature with a library that is not ours. */
export async function startReceivers(certificates: Certificates): Promise<Receivers> {
  const hooks = new Map<string, Hook>();
  const listener: RequestListener = (request, response) => {
    // A client that gives up is one of the rows, not a fault of the demo.
    void receive(hooks.get(request.url ?? ''), request, response).catch(() => response.destroy());
  };
  const servers = [
    http.createServer(listener),
    https.createServer(certificates.valid, listener),
    https.createServer(certificates.expired, listener),
  ] as const;
  const ports = await Promise.all(servers.map(listen));
  return {
    http: `http://127.0.0.1:${ports[0]}`,
    https: `https://localhost:${ports[1]}`,
    expired: `https://localhost:${ports[2]}`,
    get hooks() {
      return [...hooks.values()];
    },
    addHook(path, answers = []) {
      const hook = { path, answers, secret: '', requests: 0, verified: 0, unverified: 0, bodies: new Map() };
      hooks.set(path, hook);
      return hook;
    },
    async close() {
      await Promise.all(
        servers.map(async (server) => {
          const closed = once(server, 'close');
          server.close();
          server.closeAllConnections();
          await closed;
        }),
      );
    },
  };
}

async function listen(server: http.Server | https.Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

async function receive(
  hook: Hook | undefined,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  if (!hook) return void response.writeHead(404).end();
  const body = Buffer.concat(chunks);
  const headers = request.headers as Record<string, string>;
  const answer = hook.answers[hook.requests++] ?? 200;
  try {
    new Webhook(hook.secret).verify(body, headers);
    hook.verified++;
    hook.bodies.set(headers['webhook-id'] ?? '', body.toString('utf8'));
  } catch {
    hook.unverified++;
  }
  perform(answer, response);
}

function perform(answer: Answer, response: ServerResponse): void {
  if (answer === 'hang') return;
  // A reset overtakes bytes the other side has not read: let it read them first.
  const reset = () => setTimeout(() => response.socket?.resetAndDestroy(), 30);
  if (answer === 'reset') return void response.socket?.write('HTTP/1.1 200 OK\r\n', reset);
  if (answer === 'cut') {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('the first part', reset);
    return;
  }
  const { status, retryAfter, location } = typeof answer === 'number' ? { status: answer } : answer;
  if (retryAfter) response.setHeader('retry-after', retryAfter());
  if (location) response.setHeader('location', location);
  response.writeHead(status).end();
}
