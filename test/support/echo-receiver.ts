import { startReceiver, type Behaviour, type Receiver, type Recorded } from './receiver.js';
import type { Wallet } from './planted.js';

export interface EchoReceiver {
  http: Receiver;
  /** Asks for a client certificate. */
  https: Receiver;
  /** Ends the wait of the requests to /slow. */
  answerSlow(): void;
}

const STATUS: Record<string, number> = { '/bad': 400, '/gone': 410, '/fail': 500, '/slow': 500 };
const HTML: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Receivers that repeat all of a request in their answers: in JSON, as a form, in HTML and in headers. */
export async function startEchoReceivers({ planted, server, client }: Wallet): Promise<EchoReceiver> {
  let answerSlow = () => {};
  const slow = new Promise<void>((resolve) => (answerSlow = resolve));
  let downs = 0;
  const behave = async (request: Recorded): Promise<Behaviour> => {
    const [path = ''] = request.path.split('?');
    if (path === '/slow') await slow;
    const answer = { headers: echoedHeaders(request), body: echoed(request) };
    if (path === '/down') return { ...answer, status: (downs += 1) <= 2 ? 503 : 200 };
    const location = `https://u:${planted.redirect.text}@there.invalid/in?token=${planted.redirect.text}`;
    if (path === '/moved') return { status: 302, headers: { location } };
    return { ...answer, status: STATUS[path] ?? 200 };
  };
  const tls = { ...server.valid, ca: client.ca, requestCert: true, rejectUnauthorized: true };
  const [http, https] = await Promise.all([startReceiver({ behave }), startReceiver({ behave, tls })]);
  return { http, https, answerSlow: () => answerSlow() };
}

function echoedHeaders({ headers, body }: Recorded): Record<string, string> {
  const { 'x-canary': own = '', authorization = '' } = headers as Record<string, string>;
  return {
    'x-echo': own,
    'x-sent': `with ${authorization}`,
    'retry-after': body.replace(/[^\x20-\x7e]/g, ''),
  };
}

function echoed({ path, headers, body }: Recorded): string {
  const flat = headers as Record<string, string>;
  // Few headers: 4 KiB of an answer are kept, and all forms must be among them.
  const few = Object.entries(flat).filter(([name]) => /^(x-|authorization)/.test(name));
  const password = Buffer.from(flat.authorization?.slice('Basic '.length) ?? '', 'base64').toString();
  const html = JSON.stringify(few).replace(/[&<>"']/g, (sign) => HTML[sign]!);
  return [
    JSON.stringify({ path, url: decodeURIComponent(path), headers: flat, password }),
    new URLSearchParams(few).toString(),
    few.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&'),
    html,
    body,
  ].join('\n');
}
