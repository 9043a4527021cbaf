import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from './wait.js';

export interface Arrivals {
  requests: number;
  /** Requests answered with 2xx on a connection that was still open. */
  accepted: number;
  /** Requests answered with 503 on a connection that was still open. */
  refused: number;
  /** Values of `webhook-attempt`. */
  numbers: Set<number>;
}

/** A receiver of thousands of events that only counts the requests of each. */
export interface CountingReceiver {
  port: number;
  /** By webhook-id. */
  arrivals: Map<string, Arrivals>;
  close(): Promise<void>;
}

/**
 * Takes a moment for each request, so that a fault finds some under way: one event in 16 takes long. One event in 4 is
 * refused at first, so that a fault also finds deliveries between two attempts.
 */
export async function startCountingReceiver(): Promise<CountingReceiver> {
  const arrivals = new Map<string, Arrivals>();

  const take = async (id: string, number: number, response: ServerResponse): Promise<void> => {
    const known = arrivals.get(id) ?? { requests: 0, accepted: 0, refused: 0, numbers: new Set() };
    arrivals.set(id, known);
    known.requests += 1;
    known.numbers.add(number);
    // The end of a UUIDv7 is random.
    const chance = parseInt(id.slice(-2), 16);
    const refused = chance % 4 === 0 && known.requests === 1;
    await sleep(chance % 16 === 1 ? 1_500 : 10 + chance / 4);
    if (response.destroyed) return;
    known[refused ? 'refused' : 'accepted'] += 1;
    response.writeHead(refused ? 503 : 200).end();
  };

  const server = createServer((request, response) => {
    const { 'webhook-id': id, 'webhook-attempt': number } = request.headers;
    request.resume().on('error', () => {});
    request.on('end', () => void take(String(id), Number(number), response));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    arrivals,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
