import type { SendFault } from '../domain/classify.js';
import { AddressBlockedError } from './address-guard.js';
import type { Exchange, Phase } from './exchange.js';

interface Named {
  fault: SendFault;
  message: string;
}

/** The phase an error comes in says more than its code: a reset may end a connection, a handshake or an answer. */
export function nameFault(exchange: Exchange, error: Error): Named {
  const cause = rootCause(error);
  const { code = cause.name, address = exchange.remoteAddress } = cause;
  const { phase, url } = exchange;
  const host = url?.hostname ?? '';
  exchange.remoteAddress = address;
  if (cause instanceof AddressBlockedError) {
    exchange.remoteAddress = null;
    return { fault: 'ADDRESS_BLOCKED', message: cause.message };
  }
  if (phase === 'dns') {
    return { fault: 'DNS_ERROR', message: `The name ${host} could not be resolved (${code}).` };
  }
  if (phase === 'tls' || (phase === 'answer' && code.startsWith('ERR_SSL_'))) {
    return {
      fault: 'TLS_ERROR',
      message: `The TLS handshake with ${host} failed (${code}): ${reason(cause)}.`,
    };
  }
  return { fault: 'NETWORK_ERROR', message: networkMessage(phase, code, address ?? host, reason(cause)) };
}

function networkMessage(phase: Phase, code: string, address: string, why: string): string {
  if (phase === 'connect') return `No connection to ${address} could be made (${code}).`;
  if (phase === 'queue') return `The request could not be sent (${code}): ${why}.`;
  if (code.startsWith('HPE_')) return `The answer was not valid HTTP (${code}): ${why}.`;
  if (phase === 'body') return `The answer broke off in its body (${code}): ${why}.`;
  return `The connection ended before an answer came (${code}): ${why}.`;
}

interface NetworkError extends Error {
  code?: string;
  address?: string;
  /** OpenSSL's own words, without the numbers around them. */
  reason?: string;
}

function rootCause(error: Error): NetworkError {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first : error;
}

function reason(error: NetworkError): string {
  return (typeof error.reason === 'string' ? error.reason : error.message).replace(/[\s.]+$/, '');
}
