import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';

export interface UiGuard {
  close(): Promise<void>;
}

const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i;
/** Headers of one connection, never forwarded (RFC 9110 section 7.6.1); Node throws on a `Trailer` without chunks. */
const HOP_BY_HOP = ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'upgrade'];
const REFUSED = 'The Web UI answers only to localhost and 127.0.0.1.\n';

/**
 * The address the Web UI itself listens on. The Web UI answers to any `Host`, so a page in a browser could reach it by
 * a name that resolves to 127.0.0.1: on Linux it gets a random other loopback address, which no page guesses.
 */
export function hiddenAddress(): string {
  if (process.platform !== 'linux') return '127.0.0.1';
  return ['127', randomInt(1, 255), randomInt(0, 256), randomInt(1, 255)].join('.');
}

/** Listens on `port` of 127.0.0.1 and forwards to the Web UI requests whose `Host` is local; others get 403. */
export async function guardUi(port: number, ui: { host: string; port: number }): Promise<UiGuard> {
  const server = createServer((request, response) => {
    if (LOCAL.test(request.headers.host ?? '')) return forward(request, response, ui);
    response.writeHead(403, { 'content-type': 'text/plain' }).end(REFUSED);
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    async close() {
      if (!server.listening) return;
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  ui: { host: string; port: number },
): void {
  const { method, url: path } = request;
  const headers = { ...request.headers };
  for (const name of HOP_BY_HOP) delete headers[name];
  const forwarded = httpRequest({ ...ui, method, path, headers }, (answer) => {
    response.writeHead(answer.statusCode!, answer.headers);
    pipeline(answer, response, () => {});
  });
  forwarded.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502, { 'content-type': 'text/plain' }).end('The Web UI does not answer.\n');
  });
  response.on('close', () => forwarded.destroy());
  request.pipe(forwarded);
}
