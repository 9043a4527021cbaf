import type { Counts } from '../observability/metrics.js';
import type { ClusterPeers, StartOptions } from './service-options.js';

/** Messages from the primary to a child process. */
export type PrimaryMessage =
  | { kind: 'start'; options: StartOptions }
  | { kind: 'stop' }
  | { kind: 'began'; workflowIds: string[] }
  | { kind: 'count'; id: number }
  | { kind: 'counted'; id: number; text: string };

/** Messages from a child process to the primary. */
export type ChildMessage =
  | { kind: 'listens' }
  | { kind: 'started'; url: string }
  | { kind: 'ready' }
  | { kind: 'failed'; message: string }
  | { kind: 'began'; workflowIds: string[] }
  | { kind: 'counts'; id: number; counts: Counts }
  | { kind: 'ask'; id: number };

/** Begun workflows are sent in batches, often enough for back-pressure, which looks four times a second. */
const TOLD_EVERY_MS = 50;

/** The other processes as seen by one child, which knows only the primary. */
export function createClusterPeers(tell: (report: ChildMessage) => void): {
  peers: ClusterPeers;
  hear(order: PrimaryMessage): void;
} {
  let begun: string[] = [];
  let telling: NodeJS.Timeout | null = null;
  let listener: (workflowId: string) => void = () => {};
  let count: () => Promise<Counts> = async () => [];
  const asked = new Map<number, (text: string) => void>();
  let questions = 0;

  const tellBegun = () => {
    tell({ kind: 'began', workflowIds: begun });
    begun = [];
    telling = null;
  };

  return {
    peers: {
      began(workflowId) {
        begun.push(workflowId);
        telling ??= setTimeout(tellBegun, TOLD_EVERY_MS).unref();
      },
      onBegan: (callback) => void (listener = callback),
      onCount: (callback) => void (count = callback),
      counted: () =>
        new Promise((resolve) => {
          const id = questions++;
          asked.set(id, resolve);
          tell({ kind: 'ask', id });
        }),
    },
    hear(order) {
      if (order.kind === 'began') order.workflowIds.forEach((id) => listener(id));
      if (order.kind === 'count') {
        const { id } = order;
        // Without an answer, the primary uses the counters it got last.
        count().then(
          (counts) => tell({ kind: 'counts', id, counts }),
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
