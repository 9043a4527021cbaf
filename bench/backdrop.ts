import type { Load, LoadResult } from './load.js';
import { end, firstLine, KEY, script, type Product } from './product.js';

/** Requests that arrived at the receiver at paths that begin alike. */
export interface Arrived {
  requests: number;
  distinct: number;
  /** Unix time in milliseconds. */
  lastAt: number;
  /** Milliseconds from the sender's request to the arrival. */
  p50: number | null;
  p99: number | null;
  /** Requests beyond each webhook's first, in each second since the first of them. */
  again: number[];
}

/** Receiver and load generator, in processes of their own. */
export interface Backdrop {
  receiver: string;
  arrived(path: string): Promise<Arrived>;
  /** Until `distinct` webhooks have arrived there, or none more for half a minute. */
  awaitArrival(path: string, distinct: number): Promise<Arrived>;
  load(load: Omit<Load, 'key' | 'path'> & { path?: string }): Promise<LoadResult>;
  close(): Promise<void>;
}

/** Longer than the claims of a dead process last. */
const STALLED_MS = 30_000;

export async function startBackdrop(): Promise<Backdrop> {
  const child = script('bench/receiver.ts');
  const { port } = await firstLine<{ port: number }>(child);
  const receiver = `http://127.0.0.1:${port}`;
  const arrived = async (path: string) => (await (await fetch(receiver + path)).json()) as Arrived;
  return {
    receiver,
    arrived,
    async awaitArrival(path, distinct) {
      let last = { count: -1, at: performance.now() };
      for (;;) {
        const now = await arrived(path);
        if (now.distinct >= distinct) return now;
        if (now.distinct !== last.count) last = { count: now.distinct, at: performance.now() };
        if (performance.now() - last.at > STALLED_MS) return now;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    load: (load) =>
      firstLine<LoadResult>(
        script('bench/load.ts', [JSON.stringify({ path: '/v1/events', key: KEY, ...load })]),
      ),
    close: () => end(child),
  };
}

/** An endpoint at a path of the receiver, for all events of a tenant of its own. */
export async function endpoint(
  product: Product,
  receiver: string,
  tenant: string,
  path: string,
): Promise<string> {
  const { id } = await product.call<{ id: string }>('POST', '/v1/endpoints', {
    url: receiver + path,
    event_types: ['*'],
    tenant,
  });
  return id;
}
