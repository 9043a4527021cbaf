import type { AddressGuard } from './address-guard.js';
import { fail } from './answer.js';
import { assign, createPool, drop, type Pool } from './connections.js';
import { createDial } from './dial.js';
import { newExchange, PHASES, type Exchange, type SendRequest, type SendResult } from './exchange.js';

export type { SendRequest, SendResult };

export interface Sender {
  /** Never rejects for anything a receiver or the network can do. */
  send(request: SendRequest): Promise<SendResult>;
  /** Refuses new requests and waits for the running ones. */
  close(): Promise<void>;
}

/** `ca`: certificates trusted besides the public ones, as PEM. */
export function createSender(options: { guard: AddressGuard; ca?: string }): Sender {
  const dial = createDial(options.guard, options.ca);
  const pools = new Map<string, Pool>();
  const running = new Set<Promise<SendResult>>();
  let closed = false;

  function start(request: SendRequest, resolve: Exchange['resolve']): void {
    const url = parseUrl(request.url);
    const exchange = newExchange(request, url?.hostname ?? '', resolve);
    if (closed) return fail(exchange, new Error('the sender is closed'));
    if (!url) return fail(exchange, new Error('its URL is not an http or https URL'));
    const pool = pools.get(url.origin) ?? createPool(pools, url.origin, dial);
    exchange.timer = setTimeout(expire, request.timeoutMs, exchange, pool);
    assign(pool, exchange);
  }

  return {
    async send(request) {
      const result = new Promise<SendResult>((resolve) => start(request, resolve));
      running.add(result);
      return result.finally(() => running.delete(result));
    },
    async close() {
      closed = true;
      await Promise.all(running);
      await Promise.all([...pools.values()].flatMap((pool) => [...pool.idle]).map(drop));
    },
  };
}

function parseUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url : null;
}

function expire(exchange: Exchange, pool: Pool): void {
  const { phase, remoteAddress, request } = exchange;
  pool.waiting.delete(exchange);
  const where = phase === 'connect' && remoteAddress ? `connecting to ${remoteAddress}` : PHASES[phase];
  const message = `No complete answer within ${request.timeoutMs} ms: time ran out while ${where}.`;
  fail(exchange, new Error(message), { fault: 'TIMEOUT', message });
}
