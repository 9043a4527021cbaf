import type { LookupAddress } from 'node:dns';
import {
  connect as connectPlain,
  isIP,
  type OnReadOpts,
  type Socket,
  type TcpNetConnectOpts,
} from 'node:net';
import { connect as connectTls, createSecureContext, rootCertificates, type TLSSocket } from 'node:tls';
import { AddressBlockedError, resolveVetted, type AddressGuard } from './address-guard.js';
import type { Connection, Dial } from './connections.js';
import { pauseDeadline } from './deadline.js';
import { enter, inTime, TOO_LATE, unsent, type Exchange } from './exchange.js';
import { fail } from './answer.js';
import { http1 } from './http1.js';
import { http2 } from './http2.js';
import { NoTurnError } from './resolve.js';

/** Node's default of 250 ms abandons a distant address for the next one, which may be unreachable. */
const ADDRESS_ATTEMPT_MS = 500;
const KEEP_ALIVE_PROBE_MS = 60_000;
/** Origins whose TLS session and protocol are cached. */
const MOST_REMEMBERED = 1_000;
const NO_COMMON_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

export function createDial(guard: AddressGuard, ca: string | undefined): Dial {
  // One context for all sockets: creating one from certificates costs milliseconds.
  const secureContext = createSecureContext(ca ? { ca: [...rootCertificates, ca] } : {});
  const sessions = new Map<string, Buffer>();
  const onlyHttp2 = new Map<string, true>();

  return function dial(connection, exchange, lost) {
    const host = exchange.url!.hostname.replace(/^\[|\]$/g, '');
    if (!isIP(host)) return void resolveFirst(connection, exchange, host, lost);
    if (guard.isForbidden(host)) {
      process.nextTick(lost, new AddressBlockedError(host, host));
      return;
    }
    enter(exchange, 'connect');
    connect(connection, exchange, host, [], lost);
  };

  async function resolveFirst(
    connection: Connection,
    exchange: Exchange,
    host: string,
    lost: Lost,
  ): Promise<void> {
    const resume = pauseDeadline(exchange);
    const onStart = () => {
      resume();
      enter(exchange, 'dns');
    };
    let addresses: LookupAddress[];
    try {
      addresses = await resolveVetted(guard, host, { tenant: exchange.request.tenant, onStart });
    } catch (error) {
      if (error instanceof NoTurnError && !exchange.again) unsent(exchange, error.message);
      else lost(error as Error);
      return;
    }
    // The exchange was withdrawn or timed out meanwhile.
    if (exchange.done) return;
    enter(exchange, 'connect', 'dns');
    connect(connection, exchange, host, addresses, lost);
  }

  /** `addresses`: the checked addresses of a name; the socket looks up no others. */
  function connect(
    connection: Connection,
    exchange: Exchange,
    host: string,
    addresses: LookupAddress[],
    lost: Lost,
    switched = false,
  ): void {
    const { port, protocol, origin } = exchange.url!;
    const secure = protocol === 'https:';
    const [first] = addresses;
    const options: TcpNetConnectOpts = {
      host,
      port: Number(port) || (secure ? 443 : 80),
      lookup: (_host, { all }, callback) =>
        process.nextTick(() =>
          all ? callback(null, addresses) : callback(null, first!.address, first!.family),
        ),
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_PROBE_MS,
    };
    const received = (bytes: Buffer) => connection.wire?.received?.(bytes);
    const socket = secure
      ? secured(options, host, origin)
      : connectPlain({ ...options, onread: intoOneBuffer(received) });
    connection.socket = socket;
    follow(socket, exchange, secure);
    let ended = false;
    const end = (error: Error | null): void => {
      // A socket emits `close` after `error`: the first event counts.
      if (ended || connection.socket !== socket) return;
      ended = true;
      if (exchange.done || switched || !hasOtherProtocol(error)) return lost(error);
      // The receiver speaks the protocol that was not offered, and may change that at any time.
      if (!onlyHttp2.delete(origin)) remember(onlyHttp2, origin, true);
      enter(exchange, 'connect');
      connect(connection, exchange, host, addresses, lost, true);
    };
    socket.on('error', end).on('close', () => end(null));
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      if (exchange.done) return;
      const h2 = secure && (socket as TLSSocket).alpnProtocol === 'h2';
      connection.wire = h2 ? http2(socket as TLSSocket, origin, end) : http1(socket, end);
      if (secure && !h2) socket.on('data', received);
      if (inTime(exchange)) connection.wire.send(exchange);
      // Sent again after a stale connection, some of it may have left: an attempt.
      else if (exchange.again) fail(exchange, new Error(TOO_LATE));
      else unsent(exchange, TOO_LATE);
    });
  }

  function secured(options: TcpNetConnectOpts, host: string, origin: string): TLSSocket {
    const session = sessions.get(origin);
    const socket = connectTls({
      ...options,
      secureContext,
      servername: isIP(host) ? '' : host,
      ALPNProtocols: onlyHttp2.has(origin) ? ['h2'] : ['http/1.1'],
      ...(session ? { session } : {}),
    });
    return socket.on('session', (ticket: Buffer) => remember(sessions, origin, ticket));
  }
}

/** All sockets read into this one buffer, without a stream: no reader keeps the bytes. */
const RECEIVED = Buffer.alloc(64 * 1024);

function intoOneBuffer(received: (bytes: Buffer) => void): OnReadOpts {
  return {
    buffer: RECEIVED,
    callback(size) {
      received(RECEIVED.subarray(0, size));
      return true;
    },
  };
}

type Lost = (error: Error | null) => void;

function hasOtherProtocol(error: Error | null): boolean {
  return error !== null && 'code' in error && error.code === NO_COMMON_PROTOCOL;
}

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
