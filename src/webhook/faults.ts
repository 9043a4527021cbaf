import type { SendFault } from '../domain/classify.js';
import { AddressBlockedError, PortBlockedError } from './address-guard.js';
import { BadAnswerError } from './answer-head.js';
import type { Exchange, Phase } from './exchange.js';
import { TunnelError } from './tunnel.js';

/** The receiver closed the connection in order. */
export class ClosedError extends Error {}

interface Named {
  fault: SendFault;
  code: string | null;
  message: string;
}

/** The phase of an error says more than its code: a reset may end a connection, a handshake or an answer. */
export function nameFault(exchange: Exchange, error: Error): Named {
  const cause = rootCause(error);
  const { code = cause.name, address = exchange.remoteAddress } = cause;
  const { phase, url } = exchange;
  const host = url?.hostname ?? '';
  exchange.remoteAddress = address;
  if (cause instanceof AddressBlockedError || cause instanceof PortBlockedError) {
    exchange.remoteAddress = null;
    return { fault: 'ADDRESS_BLOCKED', code, message: cause.message };
  }
  if (phase === 'dns') {
    return { fault: 'DNS_ERROR', code, message: `The name ${host} could not be resolved (${code}).` };
  }
  if (phase === 'tls' || code.startsWith('ERR_SSL_')) {
    return {
      fault: 'TLS_ERROR',
      code,
      message: `The TLS handshake with ${host} failed (${code}): ${reason(cause)}.`,
    };
  }
  return { fault: 'NETWORK_ERROR', code, message: networkMessage(phase, cause, address ?? host) };
}

function networkMessage(phase: Phase, cause: NetworkError, address: string): string {
  const { code = cause.name } = cause;
  if (cause instanceof TunnelError) return `No connection to ${address} could be made: ${cause.message}.`;
  if (phase === 'connect') return `No connection to ${address} could be made (${code}).`;
  if (phase === 'queue') return `The request could not be sent: ${reason(cause)}.`;
  if (cause instanceof BadAnswerError) return `The answer could not be read: ${reason(cause)}.`;
  const where = phase === 'head' ? 'in the headers of the answer' : 'before an answer came';
  if (cause instanceof ClosedError) return `The connection ended ${where}: the receiver closed it.`;
  return `The connection ended ${where} (${code}): ${reason(cause)}.`;
}

/** Describes a socket error in one clause. */
export function explain(error: Error): string {
  const cause = rootCause(error);
  return `${reason(cause)} (${cause.code ?? cause.name})`;
}

interface NetworkError extends Error {
  code?: string;
  address?: string;
  /** OpenSSL's reason, without the numbers around it in `message`. */
  reason?: string;
}

function rootCause(error: Error): NetworkError {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first : error;
}

function reason(error: NetworkError): string {
  return (typeof error.reason === 'string' ? error.reason : error.message).replace(/[\s.]+$/, '');
}
