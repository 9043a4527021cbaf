import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { Server as NetServer, type AddressInfo, type Socket } from 'node:net';

/** Further connections are closed as they arrive. */
const MAX_CONNECTIONS = 4_096;
/** Time for requests under way to finish after a stop; their longest wait is for Postgres. */
const GRACE_MS = 10_000;
/** Time for requests to arrive that clients sent on connections still idle here. */
const ON_ITS_WAY_MS = 300;

const PROBLEMS: Record<string, [status: string, detail: string]> = {
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'The headers are too large: 16 KiB at most.'],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'The request did not arrive in time.'],
};

/** Starts an HTTP server that bounds the time and memory each client may take. */
export async function startServer(
  listener: RequestListener,
  { port, host }: { port: number; host: string },
): Promise<{ url: string; close(): Promise<void> }> {
  const options = {
    maxHeaderSize: 16 * 1024,
    headersTimeout: 10_000,
    // Covers headers and body together.
    requestTimeout: 30_000,
    // Above the 60 s after which load balancers close idle connections, so that they close first.
    keepAliveTimeout: 65_000,
    connectionsCheckingInterval: 2_000,
  };
  const underWay = new Set<ServerResponse>();
  let stopping = false;
  const server = createServer(options, (request, response) => {
    underWay.add(response);
    response.once('close', () => underWay.delete(response));
    // `connection: close` makes the client send its next request to another process.
    if (stopping) response.shouldKeepAlive = false;
    if (hasOneHost(request)) listener(request, response);
    else answerTwoHosts(response);
  });
  boundConnections(server);
  server.on('clientError', answerBadRequest);
  server.listen(port, host);
  await once(server, 'listening');
  const { port: taken } = server.address() as AddressInfo;
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${taken}`,
    close() {
      stopping = true;
      for (const response of underWay) response.shouldKeepAlive = false;
      return close(server);
    },
  };
}

/** Replaces `maxConnections`: of several processes, each full one would pass the connection to the next, endlessly. */
function boundConnections(server: Server): void {
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => (open -= 1));
    if (open > MAX_CONNECTIONS) socket.destroy();
  });
}

/** Answers input that is not valid HTTP; it never reaches the listener. */
function answerBadRequest(error: Error & { code?: string }, socket: Socket): void {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const [status, detail] = PROBLEMS[error.code ?? ''] ?? ['400 Bad Request', 'This is not valid HTTP.'];
  const [code, ...title] = status.split(' ');
  const { headers, body } = problem(Number(code), title.join(' '), detail);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  socket.end(`HTTP/1.1 ${status}\r\n${lines.join('\r\n')}\r\n\r\n${body}`);
}

function problem(status: number, title: string, detail: string) {
  const body = JSON.stringify({
    ...{ type: 'about:blank', title, status, detail },
    ...{ code: 'bad_request', errors: [] },
  });
  const headers = {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  };
  return { headers, body };
}

/** Node uses the first of two Host headers; a proxy in front may have used the other (RFC 9112 section 3.2). */
function hasOneHost({ rawHeaders }: IncomingMessage): boolean {
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!;
    if (name.length === 4 && name.toLowerCase() === 'host') hosts += 1;
  }
  return hosts <= 1;
}

function answerTwoHosts(response: ServerResponse): void {
  const { headers, body } = problem(400, 'Bad Request', 'There is more than one header Host.');
  response.writeHead(400, headers).end(body);
}

/** Resolves after the requests that clients sent before they could notice the stop. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  // Close the listener alone: an HTTP server's own close cuts idle connections at once.
  NetServer.prototype.close.call(server);
  const timers = [
    setTimeout(() => server.close(), ON_ITS_WAY_MS),
    setTimeout(() => server.closeAllConnections(), GRACE_MS),
  ];
  await closed;
  for (const timer of timers) clearTimeout(timer);
}
