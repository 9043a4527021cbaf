import type { AddressGuard } from './address-guard.js';
import { fail } from './answer.js';
import { assign, createPool, drop, type Pool } from './connections.js';
import { createDial } from './dial.js';
import {
  newExchange,
  UNSENT,
  unsent,
  UnsentError,
  type Exchange,
  type SendRequest,
  type SendResult,
} from './exchange.js';
import { requestProblem } from './request.js';
import type { Proxy } from './tunnel.js';

export { UnsentError, type SendRequest, type SendResult };

export interface Sender {
  /** Rejects only with UnsentError; faults of the receiver or the network are results. */
  send(request: SendRequest): Promise<SendResult>;
  /** Withdraws matching requests of which nothing has been sent: they wait for a connection or are opening one. */
  withdraw(match: (request: SendRequest) => boolean): void;
  /** Refuses new requests and waits for the running ones. */
  close(): Promise<void>;
}

/** `ca`: certificates trusted in addition to the public ones, as PEM. `proxy`: every request goes through it. */
export function createSender(options: { guard: AddressGuard; ca?: string; proxy?: Proxy | null }): Sender {
  const dial = createDial(options);
  const pools = new Map<string, Pool>();
  const running = new Map<Exchange, Promise<SendResult>>();
  let closed = false;
  let inspected = 0;

  /** Requests with the same key share connections. */
  function keyOf({ request: { endpointId, tls, inspect }, url }: Exchange): string {
    const key = `${endpointId} ${url!.origin}`;
    if (inspect) return `${key} ${(inspected += 1)}`;
    return tls ? `${key} ${tls.id}` : key;
  }

  function start(exchange: Exchange): void {
    const problem = closed ? 'the sender is closed' : requestProblem(exchange);
    if (problem) return fail(exchange, new Error(problem));
    const key = keyOf(exchange);
    assign(pools.get(key) ?? createPool(pools, key, dial), exchange);
  }

  return {
    async send(request) {
      let exchange: Exchange;
      const result = new Promise<SendResult>((resolve) => {
        exchange = newExchange(request, parseUrl(request.url), resolve);
      });
      running.set(exchange!, result);
      start(exchange!);
      return result.finally(() => running.delete(exchange));
    },
    withdraw(match) {
      for (const exchange of running.keys()) {
        if (exchange.again || !UNSENT.includes(exchange.phase) || !match(exchange.request)) continue;
        for (const pool of pools.values()) pool.waiting.delete(exchange);
        unsent(exchange, 'withdrawn before it was sent');
      }
    },
    async close() {
      closed = true;
      await Promise.allSettled(running.values());
      for (const pool of [...pools.values()]) for (const idle of [...pool.idle]) drop(idle);
    },
  };
}

function parseUrl(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  return url && /^https?:$/.test(url.protocol) ? url : null;
}
