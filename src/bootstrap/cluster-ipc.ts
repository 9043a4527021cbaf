import type { Counts } from '../observability/metrics.js';
import type { ClusterPeers, StartOptions } from './service-options.js';

/** Messages from the primary to a child process. */
export type PrimaryMessage =
  | { kind: 'start'; options: StartOptions }
  | { kind: 'stop' }
  | { kind: 'count'; id: number }
  | { kind: 'counted'; id: number; text: string };

/** Messages from a child process to the primary. */
export type ChildMessage =
  | { kind: 'listens' }
  | { kind: 'started'; url: string }
  | { kind: 'ready' }
  | { kind: 'failed'; message: string }
  | { kind: 'counts'; id: number; counts: Counts }
  | { kind: 'ask'; id: number };

/** The other processes as seen by one child, which knows only the primary. */
export function createClusterPeers(send: (report: ChildMessage) => void): {
  peers: ClusterPeers;
  hear(order: PrimaryMessage): void;
} {
  let count: () => Promise<Counts> = async () => [];
  const asked = new Map<number, (text: string) => void>();
  let questions = 0;

  return {
    peers: {
      onCount: (callback) => void (count = callback),
      counted: () =>
        new Promise((resolve) => {
          const id = questions++;
          asked.set(id, resolve);
          send({ kind: 'ask', id });
        }),
    },
    hear(order) {
      if (order.kind === 'count') {
        const { id } = order;
        // Without an answer, the primary uses the counters it got last.
        count().then(
          (counts) => send({ kind: 'counts', id, counts }),
          () => {},
        );
      }
      if (order.kind === 'counted') {
        asked.get(order.id)?.(order.text);
        asked.delete(order.id);
      }
    },
  };
}
