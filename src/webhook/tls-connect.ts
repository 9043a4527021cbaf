import { isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { fail } from './answer.js';
import { enter, type Exchange } from './exchange.js';
import { tlsFacts } from './tls-facts.js';
import { createContexts, remember } from './tls-identity.js';

/** Origins whose TLS session and protocol are cached. */
const MAX_REMEMBERED = 1_000;
const NO_COMMON_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

export interface Tls {
  /** `secureConnect` of the socket: the receiver is who it should be, or the exchange is done. */
  connect(
    exchange: Exchange,
    host: string,
    options: TcpNetConnectOpts | { socket: Socket; host: string },
  ): TLSSocket;
  /** Whether the receiver speaks the protocol that was not offered: the next connection offers that one. */
  changeProtocol(origin: string, error: Error | null): boolean;
}

export function createTls(ca: string | undefined): Tls {
  const contextOf = createContexts(ca);
  const sessions = new Map<string, Buffer>();
  const onlyHttp2 = new Map<string, true>();

  return {
    connect(exchange, host, options) {
      const { tls = null, inspect = false } = exchange.request;
      const { origin } = exchange.url!;
      const key = tls ? `${tls.id} ${origin}` : origin;
      const session = inspect ? undefined : sessions.get(key);
      const socket = connectTls({
        ...options,
        secureContext: contextOf(tls),
        servername: isIP(host) ? '' : host,
        ALPNProtocols: onlyHttp2.has(origin) ? ['h2'] : ['http/1.1'],
        // An inspected connection is checked below, once its certificate has been read.
        rejectUnauthorized: !inspect,
        ...(session ? { session } : {}),
      });
      socket.once('secureConnect', () => {
        if (inspect) inspectPeer(socket, exchange);
        enter(exchange, 'answer', 'tls');
      });
      // A session that Node has not judged would let a later connection skip the check of the name.
      if (!inspect) socket.on('session', (ticket: Buffer) => remember(sessions, key, ticket, MAX_REMEMBERED));
      return socket;
    },
    changeProtocol(origin, error) {
      if (error === null || !('code' in error) || error.code !== NO_COMMON_PROTOCOL) return false;
      // The receiver may change its mind at any time.
      if (!onlyHttp2.delete(origin)) remember(onlyHttp2, origin, true, MAX_REMEMBERED);
      return true;
    },
  };
}

/** Records the receiver's certificate, and ends an exchange whose receiver is not authorized: nothing is sent to it. */
function inspectPeer(socket: TLSSocket, exchange: Exchange): void {
  try {
    exchange.tlsFacts = tlsFacts(socket);
  } catch (error) {
    // An exception in a socket's listener would end the process.
    return fail(exchange, error as Error);
  }
  if (socket.authorized) return;
  const code = String(socket.authorizationError);
  fail(exchange, Object.assign(new Error(code.toLowerCase().replaceAll('_', ' ')), { code }));
}
