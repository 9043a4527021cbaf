import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream/promises';

/** Headers about one connection (RFC 9110 section 7.6.1), and the name of the server that was asked. */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'te', 'upgrade', 'host']);
/** Surehook waits no longer for an answer. */
const TIMEOUT_MS = 30_000;

/** Makes the same request to another URL and answers with its answer. Returns the status; throws where none came. */
export async function forward(
  to: string,
  body: Uint8Array,
  { request, response }: { request: IncomingMessage; response: ServerResponse },
): Promise<number> {
  const { request: send } = to.startsWith('https:') ? https : http;
  const forwarded = send(to, {
    method: request.method,
    headers: headersOf(request),
    // Also keeps a listener of errors: a reset within the answer is one of the request, too.
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  forwarded.end(body);
  const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
  response.writeHead(answer.statusCode!, answer.statusMessage, headersOf(answer));
  await pipeline(answer, response);
  return answer.statusCode!;
}

/** The headers as they came, each value of a name. */
function headersOf({ rawHeaders }: IncomingMessage): Record<string, string[]> {
  const headers: Record<string, string[]> = {};
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (!OF_CONNECTION.has(name.toLowerCase())) (headers[name] ??= []).push(rawHeaders[at + 1]!);
  }
  return headers;
}
