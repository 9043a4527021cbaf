import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction, type Socket } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import { buildConnector } from 'undici';
import { AddressBlockedError, resolveVetted, type AddressGuard } from './address-guard.js';
import { pauseDeadline, type Dial } from './connections.js';
import { enter, unsent, type Exchange } from './exchange.js';
import { NoTurnError } from './resolve.js';

/** Node's 250 ms gives up on a distant address for the next one, which may not be reachable at all. */
const ADDRESS_ATTEMPT_MS = 500;

export function createDial(guard: AddressGuard, ca: string | undefined): Dial {
  let vetted: LookupAddress[] = [];
  // A socket asks while it is being opened, within the same call.
  const handOver: LookupFunction = (_host, options, callback) => {
    const addresses = vetted;
    const [first] = addresses;
    process.nextTick(() =>
      options.all ? callback(null, addresses) : callback(null, first!.address, first!.family),
    );
  };
  const connector = buildConnector({
    // One context for all: making one from certificates costs milliseconds.
    secureContext: createSecureContext(ca ? { ca: [...rootCertificates, ca] } : {}),
    lookup: handOver,
    autoSelectFamily: true,
    autoSelectFamilyAttemptTimeout: ADDRESS_ATTEMPT_MS,
    timeout: 0,
  });
  return (connection, options, callback) => {
    const { exchange } = connection;
    const { hostname, protocol } = options;
    if (!exchange || (isIP(hostname) && guard.isForbidden(hostname))) {
      // A socket looks up names only: an address has to be judged here.
      process.nextTick(callback, new AddressBlockedError(hostname, hostname), null);
      return;
    }
    const connect = () => {
      enter(exchange, 'connect', isIP(hostname) ? undefined : 'dns');
      // undici's connector returns the socket it is opening, which its types do not tell.
      const socket = connector(options, callback) as unknown as Socket;
      connection.socket = socket;
      follow(socket, exchange, protocol === 'https:');
    };
    if (isIP(hostname)) return connect();
    const resume = pauseDeadline(exchange);
    const onStart = () => {
      resume();
      enter(exchange, 'dns');
    };
    resolveVetted(guard, hostname, { tenant: exchange.request.tenant, onStart }).then(
      (addresses) => {
        // Called back or out of time meanwhile.
        if (exchange.done) return callback(new Error('dropped'), null);
        vetted = addresses;
        connect();
      },
      (error: Error) => {
        if (error instanceof NoTurnError) unsent(exchange, error.message);
        callback(error, null);
      },
    );
  };
}

/** Ahead of undici's own listeners, which start the request. */
function follow(socket: Socket, exchange: Exchange, secure: boolean): void {
  socket.on('connectionAttempt', (address: string) => {
    exchange.remoteAddress = address;
  });
  socket.prependOnceListener('connect', () => {
    exchange.remoteAddress = socket.remoteAddress ?? null;
    enter(exchange, secure ? 'tls' : 'answer', 'connect');
  });
  socket.prependOnceListener('secureConnect', () => enter(exchange, 'answer', 'tls'));
}
