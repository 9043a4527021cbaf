import { isIP, type Socket } from 'node:net';
import { createSecureContext, rootCertificates } from 'node:tls';
import { buildConnector } from 'undici';
import { AddressBlockedError, guardedLookup, type AddressGuard } from './address-guard.js';
import type { Dial } from './connections.js';
import { enter, type Exchange } from './exchange.js';

/** Node's 250 ms gives up on a distant address for the next one, which may not be reachable at all. */
const ADDRESS_ATTEMPT_MS = 500;

export function createDial(guard: AddressGuard, ca: string | undefined): Dial {
  const connector = buildConnector({
    // One context for all: making one from certificates costs milliseconds.
    secureContext: createSecureContext(ca ? { ca: [...rootCertificates, ca] } : {}),
    lookup: guardedLookup(guard),
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
    enter(exchange, isIP(hostname) ? 'connect' : 'dns');
    // undici's connector returns the socket it is opening, which its types do not tell.
    const socket = connector(options, callback) as unknown as Socket;
    connection.socket = socket;
    follow(socket, exchange, protocol === 'https:');
  };
}

/** Ahead of undici's own listeners, which start the request. */
function follow(socket: Socket, exchange: Exchange, secure: boolean): void {
  socket.prependOnceListener('lookup', (error: Error | null) => {
    if (!error) enter(exchange, 'connect', 'dns');
  });
  socket.on('connectionAttempt', (address: string) => {
    exchange.remoteAddress = address;
  });
  socket.prependOnceListener('connect', () => {
    exchange.remoteAddress = socket.remoteAddress ?? null;
    enter(exchange, secure ? 'tls' : 'answer', 'connect');
  });
  socket.prependOnceListener('secureConnect', () => enter(exchange, 'answer', 'tls'));
}
