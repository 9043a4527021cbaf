import type { Counts } from '../observability/metrics.js';
import type { ClusterPeers, StartOptions } from './service-options.js';

/** What the first process tells one of several. */
export type PrimaryMessage =
  | { kind: 'start'; options: StartOptions }
  | { kind: 'stop' }
  | { kind: 'began'; workflowIds: string[] }
  | { kind: 'count'; id: number }
  | { kind: 'counted'; id: number; text: string };

/** What it is told by one. */
export type ChildMessage =
  | { kind: 'listens' }
  | { kind: 'started'; url: string }
  | { kind: 'ready' }
  | { kind: 'failed'; message: string }
  | { kind: 'began'; workflowIds: string[] }
  | { kind: 'counts'; id: number; counts: Counts }
  | { kind: 'ask'; id: number };

/** What begins elsewhere is told in lists: often enough for the lanes, which look four times a second. */
const TOLD_EVERY_MS = 50;

/** The others as seen by one of them, which knows only the first process. */
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
        // Without an answer, what was told last counts.
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
