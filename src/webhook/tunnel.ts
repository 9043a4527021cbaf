import { connect, type Socket } from 'node:net';

/** An HTTP proxy that all requests go through, as operators of closed networks have it. */
export interface Proxy {
  host: string;
  port: number;
  /** The value of `proxy-authorization`; null: the proxy asks for none. */
  authorization: string | null;
}

/** The proxy did not do its part: a fault of ours or of the operator, not of the receiver. */
export class ProxyError extends Error {
  readonly code = 'EPROXY';
}

/** The proxy could not, or may not, connect to the address: an attempt. */
export class TunnelError extends Error {
  readonly code = 'EPROXYCONNECT';
  constructor(
    message: string,
    readonly address: string,
  ) {
    super(message);
  }
}

const MAX_HEAD_BYTES = 8 * 1024;
const END = '\r\n\r\n';
/** A proxy is near: one that takes longer to accept a connection is away. */
const CONNECT_MS = 3_000;
/**
 * Answers about the address: it cannot be reached, or the proxy's rules forbid it (403). A retry of such a delivery must
 * end some day. Other answers are about our request or credentials.
 */
const ABOUT_ADDRESS = [403, 500, 502, 503, 504];

export function parseProxy(text: string): Proxy {
  const { hostname, port, username, password } = new URL(text);
  const user = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return {
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port) || 80,
    authorization: username || password ? `Basic ${Buffer.from(user).toString('base64')}` : null,
  };
}

/**
 * A connection to an address through the proxy (CONNECT, RFC 9110 section 9.3.6). The address has been checked: the proxy
 * resolves no name. `done` is called once; the socket is paused then.
 */
export function openTunnel(
  { host, port: proxyPort, authorization }: Proxy,
  to: {
    address: string;
    port: number;
    /** Limit for the answer to CONNECT; null: the caller has one. */
    answerMs: number | null;
    /** The connection to the proxy is made. */
    onConnect(): void;
  },
  done: (error: Error | null) => void,
): Socket {
  const { address, port, answerMs } = to;
  const socket = connect({ host, port: proxyPort, noDelay: true, keepAlive: true });
  const target = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  let head = '';
  let timer = setTimeout(() => ended(`not connected within ${CONNECT_MS} ms`), CONNECT_MS);

  const settle = (error: Error | null) => {
    clearTimeout(timer);
    for (const [name, listener] of Object.entries(listeners)) socket.off(name, listener);
    // A late error of a socket that nobody listens to would end the process.
    socket.on('error', () => {});
    if (error) socket.destroy();
    done(error);
  };
  const ended = (why: string) => settle(new ProxyError(`the proxy gave no answer (${why})`));
  const listeners = {
    connect() {
      clearTimeout(timer);
      to.onConnect();
      const late = () => settle(new TunnelError('the proxy gave no answer to CONNECT in time', address));
      if (answerMs !== null) timer = setTimeout(late, answerMs);
      const credentials = authorization === null ? '' : `proxy-authorization: ${authorization}\r\n`;
      socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${credentials}\r\n`);
    },
    data(bytes: Buffer) {
      head += bytes.toString('latin1');
      const end = head.indexOf(END);
      if (end < 0) {
        if (head.length > MAX_HEAD_BYTES) settle(new ProxyError('the answer of the proxy is too long'));
        return;
      }
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
      if (status >= 200 && status < 300) {
        socket.pause();
        const rest = head.slice(end + END.length);
        if (rest) socket.unshift(Buffer.from(rest, 'latin1'));
        return settle(null);
      }
      const said = `the proxy answered ${status || 'no HTTP'} to CONNECT`;
      settle(ABOUT_ADDRESS.includes(status) ? new TunnelError(said, address) : new ProxyError(said));
    },
    error: (error: NodeJS.ErrnoException) => ended(error.code ?? error.message),
    close: () => ended('closed'),
  };
  for (const [name, listener] of Object.entries(listeners)) socket.on(name, listener);
  return socket;
}
