import type { LookupAddress } from 'node:dns';
import { connect as connectPlain, isIP, type Socket, type TcpNetConnectOpts } from 'node:net';
import type { TLSSocket } from 'node:tls';
import {
  AddressBlockedError,
  PortBlockedError,
  portOf,
  resolveVetted,
  type AddressGuard,
} from './address-guard.js';
import { fail } from './answer.js';
import type { Connection, Dial } from './connections.js';
import { pauseDeadline } from './deadline.js';
import { enter, inTime, TOO_LATE, unsent, type Exchange } from './exchange.js';
import { http1 } from './http1.js';
import { http2 } from './http2.js';
import { NoTurnError } from './resolve.js';
import { intoOneBuffer } from './socket-reads.js';
import { createTls } from './tls-connect.js';
import { openTunnel, ProxyError, TunnelError, type Proxy } from './tunnel.js';

/** Node's default of 250 ms abandons a distant address for the next one, which may be unreachable. */
const ADDRESS_ATTEMPT_MS = 500;
const KEEP_ALIVE_PROBE_MS = 60_000;

export function createDial({
  guard,
  ca,
  proxy,
}: {
  guard: AddressGuard;
  ca?: string;
  proxy?: Proxy | null;
}): Dial {
  const tls = createTls(ca);

  return function dial(connection, exchange, lost) {
    const host = exchange.url!.hostname.replace(/^\[|\]$/g, '');
    const port = portOf(exchange.url!);
    const call: Call = { connection, exchange, host, port, addresses: [], lost, switched: false };
    if (!guard.allowsPort(port)) return void process.nextTick(lost, new PortBlockedError(port));
    if (!isIP(host)) return void resolveFirst(call);
    if (guard.isForbidden(host)) return void process.nextTick(lost, new AddressBlockedError(host, host));
    enter(exchange, 'connect');
    connect({ ...call, addresses: [{ address: host, family: isIP(host) }] });
  };

  async function resolveFirst(call: Call): Promise<void> {
    const { exchange, host, lost } = call;
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
    connect({ ...call, addresses });
  }

  function connect(call: Call): void {
    try {
      if (proxy) tunnel(call, proxy);
      else connectDirectly(call);
    } catch (error) {
      // A certificate that was usable when it was set, for example.
      process.nextTick(call.lost, error);
    }
  }

  /** The socket connects to one of the checked addresses, and looks up no others. */
  function connectDirectly(call: Call): void {
    const { connection, exchange, host, port, addresses } = call;
    const [first] = addresses;
    const options: TcpNetConnectOpts = {
      host,
      port,
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
    const received = receiverOf(connection);
    const socket = isSecure(exchange)
      ? tls.connect(exchange, host, options)
      : connectPlain({ ...options, onread: intoOneBuffer(received) });
    socket.on('connectionAttempt', (address: string) => {
      exchange.remoteAddress = address;
    });
    socket.once('connect', () => connected(call, socket.remoteAddress ?? null));
    attach(call, socket, isSecure(exchange) ? 'secureConnect' : 'connect');
  }

  /** Tries one checked address after the other: the proxy gets an address, never a name. */
  function tunnel(call: Call, proxy: Proxy, nth = 0): void {
    const { connection, exchange, host, addresses, port, lost } = call;
    const { address } = addresses[nth]!;
    exchange.remoteAddress = address;
    const isLast = nth + 1 === addresses.length;
    // Each address but the last may take a share of the deadline; one share is left for the answer.
    const share = exchange.request.timeoutMs / (addresses.length + 1);
    const answerMs = isLast ? null : Math.max(share, ADDRESS_ATTEMPT_MS);
    // A slow connection to the proxy must not cost the receiver an attempt.
    const onConnect = pauseDeadline(exchange);
    const socket = openTunnel(proxy, { address, port, answerMs, onConnect }, (error) => {
      if (connection.socket !== socket) return;
      if (exchange.done) return lost(error);
      if (error instanceof TunnelError && !isLast) return tunnel(call, proxy, nth + 1);
      if (error instanceof ProxyError && !exchange.again) return unsent(exchange, error.message);
      if (error) return lost(error);
      connected(call, address);
      try {
        if (isSecure(exchange)) attach(call, tls.connect(exchange, host, { socket, host }), 'secureConnect');
        else attach(call, socket, null);
      } catch (fault) {
        // As in `connect`: here the exception would reach the socket's listener, and end the process.
        process.nextTick(lost, fault);
      }
    });
    connection.socket = socket;
  }

  function connected({ connection, exchange }: Call, address: string | null): void {
    connection.remoteAddress = exchange.remoteAddress = address;
    enter(exchange, isSecure(exchange) ? 'tls' : 'answer', 'connect');
  }

  /** The socket is the connection's from now on. Sends the exchange on this event; null: at once, the socket is paused. */
  function attach(call: Call, socket: Socket, event: 'connect' | 'secureConnect' | null): void {
    const { connection, exchange, lost, switched } = call;
    const { origin } = exchange.url!;
    connection.socket = socket;
    let ended = false;
    const end = (error: Error | null): void => {
      // A socket emits `close` after `error`: the first event counts.
      if (ended || connection.socket !== socket) return;
      ended = true;
      if (exchange.done || switched || !tls.changeProtocol(origin, error)) return lost(error);
      enter(exchange, 'connect');
      connect({ ...call, switched: true });
    };
    const send = (): void => {
      if (exchange.done) return;
      const h2 = event === 'secureConnect' && (socket as TLSSocket).alpnProtocol === 'h2';
      connection.wire = h2 ? http2(socket as TLSSocket, origin, end) : http1(socket, end);
      // A plain socket without a proxy reads into one buffer instead.
      if (event !== 'connect' && !h2) socket.on('data', receiverOf(connection)).resume();
      if (inTime(exchange)) connection.wire.send(exchange);
      // Sent again after a stale connection, some of it may have left: an attempt.
      else if (exchange.again) fail(exchange, new Error(TOO_LATE));
      else unsent(exchange, TOO_LATE);
    };
    socket.on('error', end).on('close', () => end(null));
    if (event) socket.once(event, send);
    else send();
  }
}

/** One connection for one exchange, on its way. */
interface Call {
  connection: Connection;
  exchange: Exchange;
  host: string;
  port: number;
  /** The checked addresses of the host. */
  addresses: LookupAddress[];
  lost(error: Error | null): void;
  /** The other protocol has been tried. */
  switched: boolean;
}

const isSecure = ({ url }: Exchange): boolean => url!.protocol === 'https:';

const receiverOf = (connection: Connection) => (bytes: Buffer) => connection.wire?.received?.(bytes);
