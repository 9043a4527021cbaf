import type { IncomingMessage, ServerResponse } from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createClient } from '../client/index.js';
import { messageOf } from '../lib/error-text.js';
import { startServer } from '../http/server.js';
import { createMcpServer } from './server.js';

const PATH = '/mcp';
const LOOPBACK = ['127.0.0.1', 'localhost', '[::1]'];
const MAX_REQUEST_BYTES = 512 * 1024;
/** An agent decides itself whether to call a tool again. */
const MAX_RETRIES = 1;

export interface McpHttpOptions {
  /** URL of the API. */
  url: string;
  host: string;
  /** 0: any free port. */
  port: number;
  /** Host names besides those of loopback that requests may be addressed to, and whose pages may make them. */
  allowedHosts: string[];
  version: string;
}

/**
 * Serves MCP as Streamable HTTP, without sessions. It has no API key of its own: each request acts with the key that it
 * carries, so nobody can do more here than at the API.
 */
export async function startMcpHttp(
  options: McpHttpOptions,
): Promise<{ url: string; close(): Promise<void> }> {
  const hosts = new Set([...LOOPBACK, ...options.allowedHosts]);
  const server = await startServer((request, response) => {
    handle(request, response, hosts, options).catch((error: unknown) => {
      console.error(messageOf(error));
      response.destroy();
    });
  }, options);
  return { url: server.url + PATH, close: () => server.close() };
}

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  hosts: ReadonlySet<string>,
  { url, version }: McpHttpOptions,
): Promise<void> {
  const { headers } = request;
  const foreign = foreignHost(headers, hosts);
  if (foreign) return refuse(response, 403, `${foreign} is not allowed here.`);
  if (request.url?.split('?')[0] !== PATH) return refuse(response, 404, `MCP is served at ${PATH}.`);
  // Without sessions, there is no stream to open by GET and nothing to DELETE.
  if (request.method !== 'POST') return refuse(response, 405, 'Use POST.', { allow: 'POST' });
  const [, apiKey] = /^Bearer ([!-~]+)$/i.exec(headers.authorization ?? '') ?? [];
  if (apiKey === undefined)
    return refuse(response, 401, 'Send an API key as Authorization: Bearer.', {
      'www-authenticate': 'Bearer',
    });

  const server = createMcpServer(createClient({ url, apiKey, maxRetries: MAX_RETRIES }), version);
  const transport = new StreamableHTTPServerTransport({
    enableJsonResponse: true,
    maxRequestBodySize: MAX_REQUEST_BYTES,
  });
  // A caller that goes away cancels what its tools wait for.
  response.once('close', () => void server.close());
  await server.connect(transport);
  await transport.handleRequest(request, response);
}

/** Names the header that is not of this host: a web page could have its name resolve to this address. */
function foreignHost(
  { host, origin }: IncomingMessage['headers'],
  hosts: ReadonlySet<string>,
): string | null {
  const isOurs = (url: string) => URL.canParse(url) && hosts.has(new URL(url).hostname);
  if (!isOurs(`http://${host}`)) return 'The Host of the request';
  return origin === undefined || isOurs(origin) ? null : 'The Origin of the request';
}

function refuse(response: ServerResponse, status: number, message: string, headers = {}): void {
  const body = JSON.stringify({ jsonrpc: '2.0', error: { code: -32_000, message }, id: null });
  response
    .writeHead(status, { 'content-type': 'application/json', connection: 'close', ...headers })
    .end(body);
}
