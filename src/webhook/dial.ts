import type { LookupAddress } from 'node:dns';
import {
  connect as connectPlain,
  isIP,
  type LookupFunction,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net';
import { connect as connectTls, createSecureContext, rootCertificates, type TLSSocket } from 'node:tls';
import { AddressBlockedError, resolveVetted, type AddressGuard } from './address-guard.js';
import type { Dial } from './connections.js';
import { pauseDeadline } from './deadline.js';
import { enter, unsent, type Exchange } from './exchange.js';
import { http1 } from './http1.js';
import { http2 } from './http2.js';
import { NoTurnError } from './resolve.js';

/** Node's 250 ms gives up on a distant address for the next one, which may not be reachable at all. */
const ADDRESS_ATTEMPT_MS = 500;
const KEEP_ALIVE_PROBE_MS = 60_000;
/** Origins whose sessions and protocol are remembered. */
const MOST_REMEMBERED = 1_000;
const NO_COMMON_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

export function createDial(guard: AddressGuard, ca: string | undefined): Dial {
  // One context for all: making one from certificates costs milliseconds.
  const secureContext = createSecureContext(ca ? { ca: [...rootCertificates, ca] } : {});
  const sessions = new Map<string, Buffer>();
  const onlyHttp2 = new Map<string, true>();

  return function dial(connection, exchange, lost, switched = false) {
    const { url } = exchange;
    const { hostname, port, protocol, origin } = url!;
    const host = hostname.replace(/^\[|\]$/g, '');
    const secure = protocol === 'https:';
    if (isIP(host)) {
      if (!guard.isForbidden(host)) return connect();
      process.nextTick(lost, new AddressBlockedError(host, host));
      return;
    }
    const resume = pauseDeadline(exchange);
    const onStart = () => {
      resume();
      enter(exchange, 'dns');
    };
    resolveVetted(guard, host, { tenant: exchange.request.tenant, onStart }).then(
      (addresses) => {
        // Called back or out of time meanwhile.
        if (exchange.done) return lost(null);
        connect(addresses);
      },
      (error: Error) => {
        // Made again, bytes of it may have left: it is an attempt.
        if (error instanceof NoTurnError && !exchange.again) unsent(exchange, error.message);
        lost(error);
      },
    );

    function connect(addresses: LookupAddress[] = []): void {
      enter(exchange, 'connect', addresses.length > 0 ? 'dns' : undefined);
      const options: TcpNetConnectOpts = {
        host,
        port: Number(port) || (secure ? 443 : 80),
        lookup: vetted(addresses),
        autoSelectFamily: true,
        autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
        noDelay: true,
        keepAlive: true,
        keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
      };
      if (!secure) return open(connectPlain(options), 'connect');

      const protocols = onlyHttp2.has(origin) ? ['h2'] : ['http/1.1'];
      const session = sessions.get(origin);
      const socket = connectTls({
        ...options,
        secureContext,
        servername: isIP(host) ? '' : host,
        ALPNProtocols: protocols,
        ...(session ? { session } : {}),
      });
      socket.on('session', (ticket: Buffer) => remember(sessions, origin, ticket));
      open(socket, 'secureConnect');
    }

    function open(socket: Socket | TLSSocket, ready: 'connect' | 'secureConnect'): void {
      connection.socket = socket;
      follow(socket, exchange, secure);
      let failed = false;
      const end = (error: Error | null): void => {
        // A socket that fails also closes: its first word counts.
        if (failed || connection.socket !== socket) return;
        failed = true;
        if (switched || !isNoCommonProtocol(error)) return lost(error);
        // The receiver wants the other protocol than the one it was offered, and may change its mind later.
        if (!onlyHttp2.delete(origin)) remember(onlyHttp2, origin, true);
        dial(connection, exchange, lost, true);
      };
      socket.on('error', end).on('close', () => end(null));
      socket.once(ready, () => {
        if (exchange.done) return;
        const h2 = secure && (socket as TLSSocket).alpnProtocol === 'h2';
        connection.wire = h2 ? http2(socket as TLSSocket, origin, end) : http1(socket, end);
        connection.wire.send(exchange);
      });
    }
  };
}

/** The socket connects to the addresses that were judged, and asks for no others. */
function vetted(addresses: LookupAddress[]): LookupFunction {
  return (_host, options, callback) => {
    const [first] = addresses;
    process.nextTick(() =>
      options.all ? callback(null, addresses) : callback(null, first!.address, first!.family),
    );
  };
}

const isNoCommonProtocol = (error: Error | null) =>
  error !== null && 'code' in error && error.code === NO_COMMON_PROTOCOL;

function remember<T>(map: Map<string, T>, origin: string, what: T): void {
  map.delete(origin);
  map.set(origin, what);
  if (map.size <= MOST_REMEMBERED) return;
  const [oldest] = map.keys();
  map.delete(oldest!);
}

function follow(socket: Socket, exchange: Exchange, secure: boolean): void {
  socket.on('connectionAttempt', (address: string) => {
    exchange.remoteAddress = address;
  });
  socket.once('connect', () => {
    exchange.remoteAddress = socket.remoteAddress ?? null;
    enter(exchange, secure ? 'tls' : 'answer', 'connect');
  });
  socket.once('secureConnect', () => enter(exchange, 'answer', 'tls'));
}
